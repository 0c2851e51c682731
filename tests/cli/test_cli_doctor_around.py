"""What is wrong around the books: servers that lose functions, clocks, versions, others who take from our queues."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.doctor import server as around
from handoff.doctor.server import Finding, look_around
from handoff.ledger import server_faults
from handoff.ledger.layout import LAYOUT
from support import need_redis_server
from support.agent import FakeAgent
from support.command_line import Run
from support.private_servers import server_of

pytestmark = pytest.mark.usefixtures("no_libraries")


def told(cluster: Cluster) -> list[tuple[str, str]]:
    return [(found.what, found.text) for found in look_around(cluster.store)]


def set_clock_of_this_host(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(around, "time", SimpleNamespace(time=lambda: time.time() - 3600))


def set_clock_back(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    cluster.connection.hset(cluster.store.keys("clock"), "ahead", "60000")


def have_old_libraries(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(around, "version", {"redis": "5.3.0", "rq": "2.6.1"}.__getitem__)


def have_an_unknown_library(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(around, "version", {"redis": "99.0", "rq": "4.0"}.__getitem__)


def have_an_old_server(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    facts = server_faults.ask(cluster.store)
    patch.setattr(server_faults, "ask", lambda store: replace(facts, version="6.0.16"))


def have_an_agent_of_an_old_rq(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.connection.hset(cluster.store.keys("rq_worker", cluster.store.keys.queue("a")), "version", "2.6.1")


def have_an_rq_worker(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    key = cluster.store.keys("rq_worker", "stranger")
    cluster.connection.hset(key, "queues", cluster.namespace)
    cluster.connection.sadd(cluster.store.keys("rq_workers"), key)
    cluster.connection.expire(key, 1)


def have_another_layout(cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
    cluster.connection.hset(cluster.store.keys("clock"), "layout", str(LAYOUT + 1))


WRONG: dict[str, tuple[Callable[[Any, pytest.MonkeyPatch], None], str, str]] = {
    "the clock of this host": (set_clock_of_this_host, "clock", "clock of this host and that of Redis differ by 36"),
    "the clock of Redis": (set_clock_back, "clock", "was set back and is 60 s behind what it had shown"),
    "libraries": (have_old_libraries, "version", "redis is 5.3.0 here"),
    "libraries of tomorrow": (have_an_unknown_library, "version", "rq is 4.0 here"),
    "the server": (have_an_old_server, "version", "6.0.16"),
    "an agent's rq": (have_an_agent_of_an_old_rq, "version", "the agent of a has rq 2.6.1"),
    "rq's own worker": (have_an_rq_worker, "worker", "rq's own worker stranger takes from"),
    "the layout": (have_another_layout, "layout", f"has data of layout {LAYOUT + 1}"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_around_the_books_is_told_and_exits_with_1(
    cluster: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    make_wrong, of, says = WRONG[what]
    cluster.register_node("b", {"cpu": 1})
    assert told(cluster) == []
    make_wrong(cluster, monkeypatch)

    found, ended = told(cluster), run("doctor")

    assert [each for each in found if each[0] == of and says in each[1]]
    assert (says in ended.stdout, ended.exit_code) == (True, 1)
    cluster.connection.hset(cluster.store.keys("clock"), mapping={"ahead": "0", "layout": str(LAYOUT)})
    cluster.connection.srem(cluster.store.keys("rq_workers"), cluster.store.keys("rq_worker", "stranger"))


def test_a_server_that_evicts_and_one_that_keeps_nothing_are_told(tmp_path: Path) -> None:
    need_redis_server()
    with (
        server_of(tmp_path, "--maxmemory-policy", "allkeys-lru") as server,
        Cluster(server.url, namespace="doctor") as cluster,
    ):
        found = list(look_around(cluster.store))
        cluster.connection.config_set("maxmemory-policy", "noeviction")
        cluster.connection.config_set("appendonly", "yes")

        assert list(look_around(cluster.store)) == []
    evicts, forgets = found
    assert (evicts.what, forgets.what) == ("server", "server")
    assert "throws keys away when its memory is full" in evicts.text
    assert "keeps nothing on disk" in forgets.text
    assert str(Finding("server", "x")) == "server: x"
