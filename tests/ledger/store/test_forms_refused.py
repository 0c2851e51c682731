"""A server that is full, or takes no writes, does with operations called as functions what it does with scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.agent import FakeAgent
from support.clients_time import set_time
from support.flows import FLOWS, Scene
from support.ledger import read_ledger
from support.playing import NOW_MS, comparable, events_of, outcome_of, same_ids
from support.private_servers import client, folder_of
from support.users import ALL, ONLY_SCRIPTS, add_user
from support.waiting import wait_until

FORMS = {"functions": ALL, "scripts": ONLY_SCRIPTS}


class Refusing:
    """A server that can be had to refuse, and to serve again."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.admin: Any = client(server)
        self.urls = {form: add_user(server, *rights) for form, rights in FORMS.items()}
        # A snapshot that fails: the folder has one of its name already, which is a folder itself.
        self.admin.config_set("stop-writes-on-bgsave-error", "no")
        (folder_of(server) / "dump.rdb" / "x").mkdir(parents=True)
        self.admin.bgsave()
        wait_until(lambda: self.admin.info("persistence")["rdb_last_bgsave_status"] == "err", "a snapshot has failed")

    def refuse(self, how: str) -> Callable[[], object]:
        """-> how it is had to serve again"""
        match how:
            case "is full":
                self.admin.config_set("maxmemory", 1)
                return lambda: self.admin.config_set("maxmemory", 0)
            case "lacks replicas":
                self.admin.config_set("min-replicas-to-write", 1)
                return lambda: self.admin.config_set("min-replicas-to-write", 0)
            case "is read-only":
                self.admin.replicaof("127.0.0.1", 1)
                return lambda: self.admin.replicaof("NO", "ONE")
            case "cannot write to its disk":
                self.admin.config_set("save", "3600 1")
                self.admin.config_set("stop-writes-on-bgsave-error", "yes")
                return lambda: self.admin.config_set("stop-writes-on-bgsave-error", "no")
        raise AssertionError(how)


@pytest.fixture(scope="module")
def refusing() -> Iterator[Refusing]:
    with RedisServer() as server:
        yield Refusing(server)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, lambda: 0.0, lambda seconds: None)


def play(refusing: Refusing, form: str, name: str, how: str) -> tuple[object, ...]:
    """What comes of a flow while the server refuses, and what is in the ledger then."""
    url = refusing.urls[form]
    with Cluster(url, namespace="t") as cluster, same_ids():
        refusing.admin.flushdb()
        cluster.store.now_ms = NOW_MS
        agent = FakeAgent(cluster.store, "a", {"cpu": 2, "gpu": 1}, incarnation="first").register()
        scene = Scene(cluster, agent, {})
        FLOWS[name].prepare(scene)
        serve_again = refusing.refuse(how)
        outcome = outcome_of(lambda: FLOWS[name].act(scene))
        serve_again()
        seen = str(outcome).replace(url, "")
        return seen, events_of(cluster), comparable(read_ledger(cluster.store))


ONE_OF_EACH = list({name.partition(":")[0]: name for name in reversed(FLOWS)}.values())
"""Of each operation the first flow: all but a full server refuse what writes, whatever it is."""


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, "is full") for name in FLOWS),
        *(
            (name, how)
            for name in ONE_OF_EACH
            for how in ("lacks replicas", "is read-only", "cannot write to its disk")
        ),
    ],
)
def test_each_operation_does_the_same_in_both_forms_on_a_server_that(refusing: Refusing, name: str, how: str) -> None:
    as_functions, as_scripts = (play(refusing, form, name, how) for form in FORMS)

    assert as_functions == as_scripts


def test_what_is_refused_is_refused_and_what_frees_room_is_not(refusing: Refusing) -> None:
    """So that the comparison compares something."""
    seen = {name: str(play(refusing, "functions", name, "is full")[0]) for name in FLOWS}

    assert "StoreUnavailable" in seen["submit: placed"]
    assert "StoreUnavailable" not in seen["finish: a value"]
    assert "StoreUnavailable" not in seen["look: nodes"]
    assert "StoreUnavailable" in str(play(refusing, "functions", "finish: a value", "is read-only")[0])
    assert "MISCONF" in str(play(refusing, "functions", "submit: placed", "cannot write to its disk")[0])
