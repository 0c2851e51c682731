"""What is wrong with a server is told once, with what to do, and costs nobody a call."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.ledger import server_faults
from handoff.ledger.asking import ScriptBug
from handoff.ledger.server_faults import ServerFacts, read_facts, setting_faults, version_fault
from handoff.ledger.store import Store
from handoff.local.server import RedisServer
from support.private_servers import server_of

EVICTS = "throws keys away when its memory is full (maxmemory-policy {}), and functions, results and reservations"

ALMOST_ALL = "~* &* +@all -@admin -@dangerous"

FORGETS = "keeps nothing on disk (appendonly no, and no save), so all that is queued and reserved is gone"


@pytest.fixture
def careless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """One that evicts and keeps nothing, and is not known for one to be thrown away."""
    # An earlier test may have had a server on the port that this one gets.
    monkeypatch.setattr(server_faults, "_looked", {})
    with server_of(tmp_path, "--maxmemory-policy", "allkeys-lru") as server:
        yield server


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("facts", "faults"),
    [
        (ServerFacts(), []),
        (ServerFacts(policy="noeviction", appends=True, save="", folder="/data"), []),
        (ServerFacts(policy="allkeys-lru"), [EVICTS.format("allkeys-lru")]),
        (ServerFacts(policy="volatile-ttl"), [EVICTS.format("volatile-ttl")]),
        (ServerFacts(appends=False, save="", folder="/data"), [FORGETS]),
        (ServerFacts(appends=False, save=""), [FORGETS]),
        (ServerFacts(appends=False, save="3600 1", folder="/data"), []),
        (ServerFacts(appends=False), []),
        (ServerFacts(save=""), []),
        (ServerFacts(appends=False, save="", folder="/tmp/handoff-private-redis-x1"), []),
        (ServerFacts(appends=False, save="", folder="/tmp/handoff-private-redis-x1/data"), [FORGETS]),
        (ServerFacts(policy="allkeys-lfu", appends=False, save=""), [EVICTS.format("allkeys-lfu"), FORGETS]),
    ],
)
def test_settings_that_cost_functions_are_faults_and_what_is_not_known_is_none(
    facts: ServerFacts, faults: list[str]
) -> None:
    said = setting_faults("redis://there:6379/0", facts)

    assert len(said) == len(faults)
    for sentence, fault in zip(said, faults, strict=True):
        assert sentence.startswith(f"Redis at redis://there:6379/0 {fault}")
        assert ": set " in sentence


@pytest.mark.parametrize("version", ["6.0.16", "5.0.14", "6.1.999", "2.8.24", "6.0"])
def test_a_server_before_6_2_is_too_old(version: str) -> None:
    assert str(version_fault("redis://there:6379/0", ServerFacts(version=version))) == (
        f"Redis at redis://there:6379/0 is too old (it is of version {version}, and Handoff needs 6.2 or later): "
        "upgrade it, or give the address of another"
    )


@pytest.mark.parametrize("version", [None, "", "6.2.0", "6.10.1", "7.0.15", "8.2.3", "255.255.255", "unstable", "v5.0"])
def test_a_server_of_6_2_or_later_or_of_no_known_version_is_not_too_old(version: str | None) -> None:
    assert version_fault("redis://there:6379/0", ServerFacts(version=version)) is None


REFUSED = redis.exceptions.NoPermissionError("this user has no permissions to run the 'config|get' command")


@pytest.mark.parametrize(
    ("replies", "facts"),
    [
        ([REFUSED, REFUSED, REFUSED], ServerFacts()),
        (
            [{"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": 1}, REFUSED],
            ServerFacts(version="7.2.4", policy="noeviction", appends=True),
        ),
        ([{"redis_version": 6.2}, {}], ServerFacts(version="6.2")),
        (
            [REFUSED, {"maxmemory-policy": "volatile-lru"}, {"appendonly": "no"}, {"save": ""}, {b"dir": b"/data"}],
            ServerFacts(policy="volatile-lru", appends=False, save="", folder="/data"),
        ),
        ([b"what is this?", None, 1], ServerFacts()),
    ],
)
def test_what_a_server_tells_is_read_and_what_it_refuses_is_left_open(replies: list[Any], facts: ServerFacts) -> None:
    assert read_facts(replies) == facts


def test_the_first_call_that_reaches_a_server_tells_what_is_wrong_with_it(
    careless: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with Cluster(careless.url) as cluster:
        assert told(caplog) == []

        cluster.discover_nodes()

    address = f"Redis at redis://127.0.0.1:{careless.port}/0"
    evicts, forgets = told(caplog)
    assert evicts.startswith(f"{address} {EVICTS.format('allkeys-lru')}")
    assert forgets.startswith(f"{address} {FORGETS}")
    assert {each.name for each in caplog.records if each.levelno >= logging.WARNING} == {"handoff"}


def test_it_is_told_once_in_a_process_whatever_is_called_by_whichever_cluster(
    careless: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    for namespace in ("one", "two"):
        with Cluster(careless.url, namespace=namespace) as cluster:
            cluster.discover_nodes()
            cluster.enqueue("module:f")

    assert len(told(caplog)) == 2


def test_calls_after_the_first_ask_nothing_more(careless: RedisServer) -> None:
    with Cluster(careless.url) as cluster, redis.Redis.from_url(careless.url) as admin:
        cluster.discover_nodes()
        cluster.enqueue("module:f")
        stats: Any = admin.info("commandstats")

    # Of its own INFO a server does not count the one that asks.
    assert stats["cmdstat_info"]["calls"] == 1


def test_a_call_that_fails_in_its_script_tells_it_too(
    careless: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*given: Any) -> Any:
        raise ScriptBug("nodes: no such command")

    with Cluster(careless.url) as cluster:
        monkeypatch.setattr(cluster.store.asking, "_once", fail)
        with pytest.raises(ScriptBug):
            cluster.enqueue("module:f")

    assert len(told(caplog)) == 2


@pytest.mark.parametrize(("rights", "count"), [("", 0), ("+info", 1), ("+config|get", 2), ("+info +config|get", 2)])
def test_what_a_user_may_not_ask_is_not_told_and_costs_no_call(
    careless: RedisServer, caplog: pytest.LogCaptureFixture, rights: str, count: int
) -> None:
    with redis.Redis.from_url(careless.url) as admin:
        admin.execute_command(
            "ACL", "SETUSER", "backend", "on", ">secret", "~*", "&*", *f"{ALMOST_ALL} {rights}".split()
        )

    with Cluster(f"redis://backend:secret@127.0.0.1:{careless.port}/0") as cluster:
        assert cluster.enqueue("module:f").verdict

    assert len(told(caplog)) == count


def test_a_server_that_appends_is_not_asked_for_more_than_the_recommended_rights_allow() -> None:
    with RedisServer(appendonly=True) as own, redis.Redis.from_url(own.url) as admin:
        admin.execute_command("ACL", "SETUSER", "backend", "on", ">secret", *f"{ALMOST_ALL} +info".split())

        with Cluster(f"redis://backend:secret@127.0.0.1:{own.port}/0") as cluster:
            cluster.discover_nodes()

        assert admin.acl_log() == []


def test_a_server_that_is_made_to_be_thrown_away_has_no_faults(caplog: pytest.LogCaptureFixture) -> None:
    with RedisServer() as server, Cluster(server.url) as cluster:
        cluster.discover_nodes()

    assert told(caplog) == []


def test_fakeredis_has_no_faults(caplog: pytest.LogCaptureFixture) -> None:
    connection = fakeredis.FakeRedis(server=fakeredis.FakeServer(), host=uuid.uuid4().hex)
    with Cluster(connection=connection) as cluster:
        cluster.discover_nodes()

    assert told(caplog) == []


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), ValueError("no INFO"), RecursionError("deep")])
def test_a_look_that_fails_costs_no_call(
    careless: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*given: Any) -> Any:
        raise error

    monkeypatch.setattr(Store, "glance", fail)
    with Cluster(careless.url) as cluster:
        assert cluster.enqueue("module:f").verdict

    assert told(caplog) == []


def test_making_a_cluster_connects_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Callable[..., Any]] = []
    monkeypatch.setattr(server_faults, "ask", asked.append)

    Cluster("redis://127.0.0.1:1/0").close()

    assert asked == []
