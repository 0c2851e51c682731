"""A server that is full, where nothing can be written, is looked at as any other: then it is needed most."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from handoff.cli import main
from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.local.server import RedisServer
from handoff.words.function import Function
from handoff.words.variants import After
from support import need_redis_server

COMMANDS = [
    ("nodes",),
    ("status",),
    ("status", "queued"),
    ("status", "waiting"),
    ("status", "infeasible"),
    ("status", "delayed"),
    ("status", "graph"),
    ("status", "graph", "first"),
    ("explain", "queued"),
    ("explain", "waiting"),
    ("explain", "infeasible"),
    ("explain", "delayed"),
    ("explain", "graph", "first"),
    ("explain", "graph", "second"),
    ("jobs", "--run", "graph", "--limit", "1"),
    ("share",),
    ("limit",),
    ("runs",),
    ("runs", "graph"),
]


@pytest.fixture(scope="module")
def own_server() -> Iterator[RedisServer]:
    """A server with two nodes, and functions in all states in which they wait for something."""
    need_redis_server()
    with RedisServer() as server, Cluster(server.url) as cluster:
        cluster.register_node("a", {"cpu": 2})
        cluster.register_node("b", {"cpu": 1, "gpu": 1}, labels={"zone": "x"})
        cluster.share({"license": 1})
        cluster.drain("b")
        cluster.enqueue("tasks:f", cost={"cpu": 1.5, "license": 1}, job_id="queued")
        cluster.enqueue("tasks:f", cost=[{"cpu": 2, "license": 1}, After(3600, {"cpu": 1})], job_id="waiting")
        cluster.enqueue("tasks:f", cost={"gpu": 4}, job_id="infeasible")
        cluster.enqueue("tasks:f", delay=3600, job_id="delayed")
        dag = DAG("graph")
        dag.add(Function("first", "tasks:f", cost={"cpu": 2}))
        dag.add(Function("second", "tasks:f", args=["first"]))
        cluster.submit_dag(dag)
        yield server


@pytest.fixture
def full_server(own_server: RedisServer) -> Iterator[RedisServer]:
    with Cluster(own_server.url) as cluster, redis.Redis.from_url(own_server.url) as connection:
        # Changed, though to nothing else: what was known of who could hold what is forgotten.
        cluster.register_node("a", {"cpu": 2})
        connection.config_set("maxmemory-policy", "noeviction")
        connection.config_set("maxmemory", 1)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            connection.set("any", "value")
        yield own_server
        connection.config_set("maxmemory", 0)


def told(server: RedisServer, *arguments: str) -> Any:
    """What a command tells programs."""
    result = CliRunner().invoke(main, ["--url", server.url, *arguments, "--json"], prog_name="handoff")
    assert result.exit_code == 0, result.stderr
    return timeless(json.loads(result.stdout))


def timeless(value: Any) -> Any:
    """The same, but for how long ago something was, or how far it is."""
    match value:
        case dict():
            return {
                name: timeless(each) for name, each in value.items() if name not in ("seconds", "joins_s", "waited_s")
            }
        case list():
            return [timeless(each) for each in value]
        case str():
            return re.sub(r"\d[\d.]* (s|min|h)\b", "a while", value)
        case _:
            return value


@pytest.fixture(scope="module")
def before(own_server: RedisServer) -> dict[tuple[str, ...], Any]:
    """What every command tells while there is room."""
    return {command: told(own_server, *command) for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_that_looks_tells_the_same_while_the_server_is_full(
    before: dict[tuple[str, ...], Any], full_server: RedisServer, command: tuple[str, ...]
) -> None:
    assert told(full_server, *command) == before[command]


def test_what_is_not_wanted_is_canceled_and_noted_while_the_server_is_full(full_server: RedisServer) -> None:
    with Cluster(full_server.url) as cluster:
        cluster.connection.config_set("maxmemory", 0)
        cluster.enqueue("tasks:f", cost={"gpu": 4}, job_id="unwanted", failure_ttl=0)
        cluster.connection.config_set("maxmemory", 1)

        result = CliRunner().invoke(main, ["--url", full_server.url, "cancel", "unwanted"], prog_name="handoff")

        assert result.stdout == "unwanted is canceled\n"
        assert [event["about"] for _, event in cluster.events() if event["event"] == "audit"] == ["unwanted"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_that_looks_asks_for_no_transaction(own_server: RedisServer, command: tuple[str, ...]) -> None:
    # Before Redis 8 a full server refuses MULTI, even for reads.
    with redis.Redis.from_url(own_server.url) as connection:
        connection.config_resetstat()

        told(own_server, *command)

        assert "cmdstat_multi" not in connection.info("commandstats")
