"""`handoff doctor` tells of libraries that other versions have left on a server; it removes them when it is told to."""

from __future__ import annotations

import json
from typing import Any

import fakeredis
import pytest

from handoff.client.cluster import Cluster
from handoff.ledger import libraries
from handoff.ledger.lua import functions
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.local.server import RedisServer
from support.command_line import Run, handoff
from support.private_servers import client
from support.users import ALL, ONLY_SCRIPTS, add_user

pytestmark = pytest.mark.usefixtures("no_libraries")

OWN = functions.library(RQ_KEY_PREFIX).name

OLD = f"{functions.PREFIX}0123456789ab"

STRANGER = "somebody_elses"


@pytest.fixture
def left_behind(server: RedisServer, cluster: Cluster) -> Any:
    """A server with a library of another version, of somebody else, and ours."""
    admin: Any = client(server)
    for name in (OLD, STRANGER):
        admin.function_load(f"#!lua name={name}\nredis.register_function('{name}_f', function() return 1 end)")
    cluster.register_node("a", {"cpu": 1})
    yield admin
    admin.function_flush()


def names(admin: Any) -> set[str]:
    return {listed[1].decode() for listed in admin.function_list()}


def test_a_library_of_another_version_is_told_and_stays(left_behind: Any, run: Run) -> None:
    result, as_json = run("doctor"), run("doctor", "--json")

    assert f"library: the library {OLD} on Redis is of another version of Handoff: remove it with" in result.stdout
    assert result.stdout.count("library") == 2
    assert result.stdout.splitlines()[-1].startswith("All is as it has to be")
    (finding,) = json.loads(as_json.stdout)["findings"]
    assert (finding["library"], finding["harmless"], finding["mended"]) == (OLD, True, False)
    assert (result.exit_code, as_json.exit_code) == (0, 0)
    assert names(left_behind) == {OLD, STRANGER, OWN}


def test_with_fix_it_is_removed_and_nothing_else(left_behind: Any, run: Run) -> None:
    result = run("doctor", "--fix", "--json")

    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["library"], finding["mended"]) == (OLD, True)
    assert names(left_behind) == {STRANGER, OWN}
    assert result.exit_code == 0


def test_a_library_that_this_user_may_not_remove_is_told_as_not_removed(
    left_behind: Any, server: RedisServer, cluster: Cluster
) -> None:
    url = add_user(server, *ALL, "-function|delete")

    result = handoff("--url", url, "--namespace", cluster.namespace, "doctor", "--fix")

    assert f"not removed: {OLD}" in result.stdout
    assert OLD in names(left_behind)


@pytest.mark.parametrize(
    ("rights", "lacking"), [(ONLY_SCRIPTS, "+fcall"), ((*ALL, "-function|load"), "+function|load"), (ALL, "")]
)
def test_a_user_who_may_not_use_functions_is_told_which_right_is_lacking(
    server: RedisServer, cluster: Cluster, rights: tuple[str, ...], lacking: str
) -> None:
    result = handoff("--url", add_user(server, *rights), "--namespace", cluster.namespace, "doctor")

    said = "server: this user may not call Redis Functions, and is sent scripts, which are slower: give it"
    assert (f"{said} {lacking}" in result.stdout) == bool(lacking)
    assert result.exit_code == 0


def test_where_another_has_brought_the_library_no_right_is_lacking(server: RedisServer, cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 1})
    with Cluster(add_user(server, *ALL, "-function|load"), namespace=cluster.namespace) as other:
        assert libraries.lacking_right(other.store) == ""


def test_a_server_without_functions_lacks_none() -> None:
    connection = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(6, 2)))
    with Cluster(connection=connection) as cluster:
        assert libraries.lacking_right(cluster.store) == ""
        assert libraries.others(cluster.store) == []
