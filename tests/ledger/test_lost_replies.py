"""Wherever a reply is lost, asking again does no harm: each flow ends as it does without faults, down to the last key.

A proxy carries the commands of one flow. It loses the reply to the n-th, or the n-th command itself, for every n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from handoff.ledger.address import from_url
from handoff.ledger.aio.asking import AskingInLoop
from handoff.local.server import RedisServer
from support.agent import FakeAgent, ok
from support.books import check_ledger
from support.clients_time import set_time
from support.flows import FLOWS, Scene
from support.ledger import read_ledger
from support.loops import driven
from support.playing import NOW_MS, comparable, events_of, outcome_of, same_ids
from support.proxy import Fault, FaultyProxy

LOSSES: dict[str, Callable[[FaultyProxy, int], Fault]] = {
    "a reply": FaultyProxy.drop_reply,
    "a command": FaultyProxy.refuse,
}


def losing(lose: Callable[[FaultyProxy, int], Fault], n: int) -> Callable[[FaultyProxy], Fault]:
    return lambda proxy: lose(proxy, n)


BY_CLIENTS = (
    "submit",
    "map",
    "cancel",
    "register_node",
    "deregister_node",
    "request",
    "allocate_and_claim",
    "release",
    "every",
    "schedule",
    "look",
)
"""How flows are called in which a client does all that counts."""


class Seen(NamedTuple):
    """All there is to see of a flow that has ended."""

    outcome: object
    events: list[dict[str, str]]
    ledger: dict[str, Any]
    commands: int


class Stage:
    """Sets the same scene again and again: same clock, same ids, nothing left of the last time."""

    def __init__(self, server: RedisServer, proxy: FaultyProxy) -> None:
        self._server, self.proxy = server, proxy
        self.by_loop = False  #: by the asyncio client
        self._undisturbed: dict[tuple[str, bool, bool], Seen] = {}

    @contextmanager
    def clusters(self) -> Iterator[tuple[Cluster, Cluster]]:
        """An empty namespace, as seen directly and through the proxy."""
        url = self.proxy.url(self._server.url)
        with (
            Cluster(self._server.url, namespace="t") as direct,
            driven(from_url(url), "t") if self.by_loop else Cluster(url, namespace="t") as cluster,
        ):
            direct.connection.flushdb()
            cluster.store.now_ms = direct.store.now_ms = NOW_MS
            yield direct, cluster

    def undisturbed(self, name: str, forget: bool) -> Seen:
        """How the flow ends without faults: always the same."""
        key = (name, forget, self.by_loop)
        if key not in self._undisturbed:
            first = self.play(name, forget)
            # Only the second time does the server know the operations.
            self._undisturbed[key] = self.play(name, forget)
            assert first[:3] == self._undisturbed[key][:3]
        return self._undisturbed[key]

    def play(self, name: str, forget: bool, order: Callable[[FaultyProxy], object] = lambda proxy: None) -> Seen:
        """Run a flow, through the losses that `order` orders; with `forget` the server knows no operation before it."""
        with self.clusters() as (direct, cluster), same_ids():
            agent = FakeAgent(cluster.store, "a", {"cpu": 2, "gpu": 1}, incarnation="first").register()
            scene = Scene(cluster, agent, {})
            FLOWS[name].prepare(scene)
            if forget:
                direct.connection.script_flush()
                direct.connection.function_flush()
            before = len(self.proxy.commands)
            order(self.proxy)
            outcome = outcome_of(lambda: FLOWS[name].act(scene))
            commands = len(self.proxy.commands) - before
            direct.store.now_ms = cluster.store.now_ms
            ledger = read_ledger(direct.store)
            check_ledger(ledger, touched=("f",))
            return Seen(outcome, events_of(direct), comparable(ledger), commands)


@pytest.fixture(scope="module")
def stage(server: RedisServer) -> Iterator[Stage]:
    with RedisServer() as own, FaultyProxy("127.0.0.1", own.port) as proxy:
        yield Stage(own, proxy)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go_on(asking: AskingInLoop, seconds: float) -> None:
        return

    monkeypatch.setattr(AskingInLoop, "_pause", go_on)
    set_time(monkeypatch, lambda: 0.0, lambda seconds: None)


@pytest.mark.parametrize("forget", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["known", "forgotten"])
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost(stage: Stage, name: str, forget: bool) -> None:
    expected = stage.undisturbed(name, forget)
    assert expected.commands > 0

    for what, lose in LOSSES.items():
        for n in range(1, expected.commands + 1):
            seen = stage.play(name, forget, losing(lose, n))
            assert stage.proxy.matched >= n
            assert seen[:3] == expected[:3], f"{what}, number {n} of {expected.commands}"


@pytest.mark.parametrize("name", [name for name in FLOWS if name.startswith(BY_CLIENTS)])
def test_by_asyncio_a_flow_ends_as_by_the_other_client_whichever_of_its_commands_is_lost(
    stage: Stage, name: str
) -> None:
    by_thread = stage.undisturbed(name, False)
    stage.by_loop = True
    try:
        expected = stage.undisturbed(name, False)
        assert expected == by_thread

        for what, lose in LOSSES.items():
            for n in range(1, expected.commands + 1):
                seen = stage.play(name, False, losing(lose, n))
                assert stage.proxy.matched >= n
                assert seen[:3] == expected[:3], f"{what}, number {n} of {expected.commands}"
    finally:
        stage.by_loop = False


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_ends_as_without_faults_when_three_replies_in_a_row_are_lost(stage: Stage, name: str) -> None:
    expected = stage.undisturbed(name, False)

    seen = stage.play(name, False, lambda proxy: [proxy.drop_reply(n) for n in (1, 2, 3)])

    assert seen[:3] == expected[:3]


def test_a_function_that_came_and_went_before_its_submit_was_answered_is_not_started_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage.clusters() as (direct, cluster):
        agent = FakeAgent(direct.store, "a", {"cpu": 1}).register()

        def run_everything(seconds: float) -> None:
            agent.finish(*(ok(started.id) for started in agent.take(room=9)))

        set_time(monkeypatch, lambda: 0.0, run_everything)
        cluster.enqueue("tasks:work")
        run_everything(0)
        stage.proxy.drop_reply()

        handle = cluster.enqueue("tasks:work", result_ttl=0)

        assert handle.verdict is not None
        assert (handle.verdict.state, handle.verdict.node) == ("placed", "a")
        assert agent.take(room=9) == []
        assert [event["event"] for event in events_of(direct)].count("started") == 2
        with pytest.raises(UnknownFunction):
            cluster.handle(handle.id)
        check_ledger(read_ledger(direct.store))
