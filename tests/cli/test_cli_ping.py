"""`handoff ping`: what probes are told of Redis and of the nodes."""

from __future__ import annotations

import json

import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.command_line import Run, handoff, said
from support.users import ONLY_SCRIPTS, add_user


def test_it_says_that_redis_answers_and_how_many_nodes_are_in_which_state(run: Run, cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        cluster.register_node(name, {"cpu": 1})
    cluster.drain("c")

    result = run("ping")

    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert result.stdout.endswith("and takes operations as functions; nodes: 2 up, 1 draining\n")


@pytest.mark.usefixtures("no_libraries")
def test_it_brings_the_operations_that_redis_does_not_have_yet(run: Run, cluster: Cluster) -> None:
    told = json.loads(run("ping", "--json").stdout)

    assert told["operations"] == "functions"
    assert len(cluster.connection.function_list()) == 1


def test_a_user_without_functions_is_told_that_scripts_are_taken(server: RedisServer, cluster: Cluster) -> None:
    url = add_user(server, *ONLY_SCRIPTS)

    told = json.loads(handoff("ping", "--json", "--url", url, "--namespace", cluster.namespace).stdout)

    assert told["operations"] == "scripts"


def test_a_program_is_told_version_round_trip_and_every_state(run: Run) -> None:
    told = json.loads(run("ping", "--json").stdout)

    assert set(told) == {"redis", "version", "round_trip_s", "operations", "nodes"}
    assert told["version"][0].isdecimal()
    assert told["round_trip_s"] > 0
    assert told["nodes"] == dict.fromkeys(("up", "quiet", "over", "draining", "cordoned", "lost"), 0)


def test_it_fails_where_fewer_nodes_are_up_than_were_asked_for(run: Run, cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 1})

    enough, too_few = run("ping", "--nodes", "1"), run("ping", "--nodes", "2")

    assert (enough.exit_code, too_few.exit_code) == (0, 1)
    assert too_few.stdout.endswith("nodes: 1 up\n")
    assert too_few.stderr == "too few nodes are up: 1 of 2\n"


def test_where_none_is_registered_that_is_said(run: Run) -> None:
    assert run("ping").stdout.endswith("no node is registered\n")


def test_a_redis_that_is_away_is_not_asked_again(closed_url: str) -> None:
    result = handoff("ping", "--url", closed_url)

    assert result.exit_code == 1
    assert "is not available" in said(result)
