"""Wherever a reply is lost, asking again does no harm: each flow ends as it does without faults, down to the last key.

A proxy carries the commands of one flow. It loses the reply to the n-th, or the n-th command itself, for every n.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from rq.job import JobStatus

from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import HandoffError, UnknownFunction
from handoff.ledger import housekeeping
from handoff.ledger import store as store_module
from handoff.ledger.nodes import read_nodes
from handoff.ledger.result_entry import ENDING_TEXTS
from handoff.local.server import RedisServer
from handoff.words.function import Collocated, Function
from support.agent import FakeAgent, NameTaken, Stale, failure, killed, ok
from support.books import Ledger, check_ledger, read_ledger
from support.proxy import Fault, FaultyProxy

NOW_MS = 1_900_000_000_000

LOSSES: dict[str, Callable[[FaultyProxy, int], Fault]] = {
    "a reply": FaultyProxy.drop_reply,
    "a command": FaultyProxy.refuse,
}


def losing(lose: Callable[[FaultyProxy, int], Fault], n: int) -> Callable[[FaultyProxy], Fault]:
    return lambda proxy: lose(proxy, n)


@dataclass
class Scene:
    """What a flow finds; everything happens on one cluster, at a time that stands still."""

    cluster: Cluster
    agent: FakeAgent
    handles: dict[str, Handle]
    claim: Reservation | None = None

    def submit(self, id: str, **options: Any) -> Handle:
        options = {"cost": {"cpu": 1}, **options}
        self.handles[id] = self.cluster.enqueue("tasks:work", job_id=id, **options)
        return self.handles[id]

    def start(self, *ids: str, **options: Any) -> None:
        for id in ids:
            self.submit(id, **options)
        assert [started.job_id for started in self.agent.take(room=len(ids))] == list(ids)

    def later(self, ms: int) -> None:
        self.cluster.store.now_ms += ms

    def running(self, id: str) -> str:
        return next(reservation for reservation in self.agent.runs if reservation.startswith(f"{id}:"))


@dataclass(frozen=True)
class Flow:
    """One thing that a caller or an agent does, and what it does it to."""

    act: Callable[[Scene], object]
    prepare: Callable[[Scene], object] = lambda scene: None


def steps(*calls: Callable[[Scene], object]) -> Callable[[Scene], list[object]]:
    return lambda scene: [call(scene) for call in calls]


def submit(id: str = "f", **options: Any) -> Callable[[Scene], object]:
    return lambda scene: scene.submit(id, **options).verdict


def start(*ids: str, **options: Any) -> Callable[[Scene], object]:
    return lambda scene: scene.start(*ids, **options)


def finish(*results: Callable[[str], Any], room: int = 0) -> Callable[[Scene], object]:
    """Deliver the result of each running function in turn, and take what follows."""

    def act(scene: Scene) -> object:
        running = list(scene.agent.runs)
        outcomes = scene.agent.finish(*(make(id) for make, id in zip(results, running, strict=True)), room=room)
        return outcomes, sorted(scene.agent.runs)

    return act


def cancel(id: str = "f") -> Callable[[Scene], object]:
    return lambda scene: scene.handles[id].cancel()


def claim(**cost: float) -> Callable[[Scene], object]:
    def act(scene: Scene) -> Reservation:
        scene.claim = scene.cluster.tracker.request("a", cost)
        return scene.claim

    return act


def release(scene: Scene) -> bool:
    assert scene.claim is not None
    return scene.cluster.tracker.release(scene.claim)


def later(ms: int) -> Callable[[Scene], object]:
    return lambda scene: scene.later(ms)


def tick(scene: Scene) -> None:
    housekeeping.tick(scene.cluster.store)


def take(room: int) -> Callable[[Scene], object]:
    return lambda scene: [started.id for started in scene.agent.take(room=room)]


def tick_with_room(scene: Scene) -> object:
    reply = scene.cluster.store.run("tick", room=4, token=uuid.uuid4().hex, **ENDING_TEXTS)
    return [id for id, _ in reply[2]]


def register(name: str, **capabilities: float) -> Callable[[Scene], object]:
    return lambda scene: scene.cluster.register_node(name, capabilities)


def allocate(*functions: Function) -> Callable[[Scene], object]:
    return lambda scene: scene.cluster.tracker.allocate_and_claim(functions)


def function(id: str, node: str | Collocated | None = None, **cost: float) -> Function:
    return Function(id, "tasks:work", cost=cost, node=node)


FLOWS = {
    "submit: placed": Flow(submit(cost={"cpu": 1, "gpu": 0.5}, meta={"a": 1})),
    "submit: waiting": Flow(submit(cost={"cpu": 2}), start("g")),
    "submit: waiting behind its kind": Flow(submit("h", priority=5), submit("g", cost={"cpu": 2})),
    "submit: infeasible": Flow(submit(cost={"cpu": 9})),
    "submit: pinned": Flow(submit(node="b"), register("b", cpu=1)),
    "submit: the id is taken": Flow(submit(), submit()),
    "submit: over a node that lapses": Flow(submit(), steps(start("g"), later(7000))),
    "take: two": Flow(take(2), steps(submit("f"), submit("g"))),
    "take: nothing": Flow(take(2)),
    "take: what rq has canceled": Flow(
        take(2),
        steps(submit("f"), submit("g"), lambda scene: scene.handles["f"].job.set_status(JobStatus.CANCELED)),
    ),
    "finish: a value": Flow(finish(lambda id: ok(id, [1])), start("f")),
    "finish: and start what waits": Flow(
        finish(ok, ok, room=2), steps(start("f", "g"), submit("h", cost={"cpu": 2}), submit("i"))
    ),
    "finish: failed, to be retried": Flow(finish(failure), start("f", max_retries=1)),
    "finish: failed for good": Flow(finish(failure), start("f")),
    "finish: failed, with a callback": Flow(finish(failure), start("f", on_failure="tasks.told")),
    "finish: stopped": Flow(finish(killed), start("f")),
    "finish: canceled meanwhile": Flow(finish(ok), steps(start("f"), cancel())),
    "finish: nothing is kept of it": Flow(finish(ok), start("f", result_ttl=0)),
    "finish: refused": Flow(lambda scene: scene.agent.finish(ok("f:1"), ok("never:1")), start("g")),
    "release: a claim that others wait for": Flow(release, steps(claim(cpu=2), submit())),
    "release: for the second time": Flow(release, steps(claim(cpu=2), release)),
    "cancel: waiting": Flow(cancel(), submit(cost={"cpu": 3})),
    "cancel: the first of its kind": Flow(
        cancel(), steps(start("g"), submit(cost={"cpu": 2}), submit("h", cost={"cpu": 2}))
    ),
    "cancel: delayed": Flow(cancel(), steps(start("f", max_retries=1), finish(failure))),
    "cancel: queued, and others wait": Flow(cancel(), steps(submit(cost={"cpu": 2}), submit("g"))),
    "cancel: started": Flow(cancel(), start("f")),
    "cancel: finished": Flow(cancel(), steps(start("f"), finish(ok))),
    "cancel: canceled": Flow(cancel(), steps(start("f"), cancel())),
    "cancel: nothing is kept of it": Flow(cancel(), submit(failure_ttl=0)),
    "cancel: unknown": Flow(cancel(), steps(submit(failure_ttl=0), cancel())),
    "register_node: new, and others wait": Flow(register("b", cpu=9), steps(submit(cost={"cpu": 9}), submit("g"))),
    "register_node: changed": Flow(
        register("b", cpu=2), steps(register("b", cpu=1), submit(node="b", cost={"cpu": 2}))
    ),
    "register_node: lowered below use": Flow(register("b", cpu=0), steps(register("b", cpu=1), submit(node="b"))),
    "register_node: leased": Flow(register("a", cpu=1)),
    "deregister_node: with all that stands on it": Flow(
        lambda scene: scene.cluster.deregister_node("a"), steps(start("f"), submit("g"))
    ),
    "deregister_node: with a claim": Flow(lambda scene: scene.cluster.deregister_node("a"), claim(cpu=1)),
    "request: fits": Flow(claim(cpu=1, gpu=0.5)),
    "request: short": Flow(claim(cpu=3, gpu=1)),
    "request: unknown node": Flow(lambda scene: scene.cluster.tracker.request("gone", {})),
    "allocate_and_claim: three": Flow(
        allocate(function("x", cpu=1), function("y", "b", cpu=1), function("z", Collocated("x"), cpu=1)),
        register("b", cpu=1),
    ),
    "allocate_and_claim: the last fits nowhere": Flow(allocate(function("x", cpu=1), function("y", cpu=2))),
    "tick: a claim has lapsed": Flow(
        tick,
        steps(lambda scene: scene.cluster.tracker.request("a", {"cpu": 2}, ttl=1), submit(), later(2000)),
    ),
    "tick: a delay is over": Flow(tick, steps(start("f", max_retries=1), finish(failure), later(2000))),
    "tick: a node is lost": Flow(tick, steps(start("f"), submit("g"), claim(), later(7000))),
    "tick: with a function to retry": Flow(tick, steps(start("f", max_retries=1), submit("g"), later(7000))),
    "tick: a callback is to be run": Flow(
        tick_with_room, steps(start("f", on_failure="tasks.told"), later(7000), tick)
    ),
    "tick: rq has deleted what was queued": Flow(
        # Each tick looks at one node.
        steps(tick, tick, tick, tick),
        steps(register("b", cpu=1), submit(node="b"), lambda scene: scene.handles["f"].job.delete()),
    ),
    "beat": Flow(lambda scene: scene.agent.beat(), steps(start("f"), later(3000))),
    "beat: with one to be stopped": Flow(lambda scene: scene.agent.beat(), steps(start("f"), cancel())),
    "beat: too late": Flow(lambda scene: scene.agent.beat(), steps(start("f"), later(7000))),
    "register: again": Flow(lambda scene: scene.agent.register().epoch != "", start("f")),
    "register: after the lease": Flow(
        lambda scene: scene.agent.register().epoch != "", steps(start("f"), submit("g"), later(7000))
    ),
    "register: another holds the name": Flow(
        lambda scene: FakeAgent(scene.cluster.store, "a", {}, incarnation="other").register()
    ),
    "register: for one that is dead": Flow(
        lambda scene: FakeAgent(scene.cluster.store, "a", {}, incarnation="b").register(dead="first").epoch != "",
        steps(start("f"), submit("g")),
    ),
    "quiet": Flow(lambda scene: scene.agent.quiet(), steps(register("b", cpu=1), start("f"), submit("g"))),
    "quiet: serving again": Flow(
        lambda scene: scene.agent.quiet(False), steps(submit(), lambda scene: scene.agent.quiet())
    ),
    "look: status, node, devices": Flow(
        lambda scene: [scene.handles["f"].status, scene.handles["f"].node, scene.handles["f"].job.id], start("f")
    ),
    "look: the result": Flow(
        lambda scene: scene.handles["f"].result(), steps(start("f"), finish(lambda id: ok(id, 7)))
    ),
    "look: nodes": Flow(lambda scene: [scene.cluster.discover_nodes(), scene.cluster.resources_available("a", {})]),
}  # fmt: skip


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
        self._undisturbed: dict[tuple[str, bool], Seen] = {}

    @contextmanager
    def clusters(self) -> Iterator[tuple[Cluster, Cluster]]:
        """An empty namespace, as seen directly and through the proxy."""
        with (
            Cluster(self._server.url, namespace="t") as direct,
            Cluster(self.proxy.url(self._server.url), namespace="t") as cluster,
        ):
            direct.connection.flushdb()
            cluster.store.now_ms = direct.store.now_ms = NOW_MS
            yield direct, cluster

    def undisturbed(self, name: str, forget: bool) -> Seen:
        """How the flow ends without faults: always the same."""
        key = (name, forget)
        if key not in self._undisturbed:
            first = self.play(name, forget)
            # Only the second time does the server know the scripts.
            self._undisturbed[key] = self.play(name, forget)
            assert first[:3] == self._undisturbed[key][:3]
        return self._undisturbed[key]

    def play(self, name: str, forget: bool, order: Callable[[FaultyProxy], object] = lambda proxy: None) -> Seen:
        """Run a flow, through the losses that `order` orders; with `forget` the server knows no script before it."""
        with self.clusters() as (direct, cluster), same_ids():
            agent = FakeAgent(cluster.store, "a", {"cpu": 2, "gpu": 1}, incarnation="first").register()
            scene = Scene(cluster, agent, {})
            FLOWS[name].prepare(scene)
            if forget:
                direct.connection.script_flush()
            before = len(self.proxy.commands)
            order(self.proxy)
            outcome = outcome_of(lambda: FLOWS[name].act(scene))
            commands = len(self.proxy.commands) - before
            direct.store.now_ms = cluster.store.now_ms
            ledger = read_ledger(direct.store)
            check_ledger(ledger, read_nodes(direct.store), touched=("f",))
            return Seen(outcome, events_of(direct), comparable(ledger), commands)


@contextmanager
def same_ids() -> Iterator[None]:
    """Number what is random elsewhere."""
    numbers = itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=next(numbers)))
        yield


def outcome_of(act: Callable[[], object]) -> object:
    try:
        return act()
    except (HandoffError, NameTaken, Stale) as error:
        return type(error), error.args


def events_of(cluster: Cluster) -> list[dict[str, str]]:
    """What happened: without claims that were undone in the same script, and a node that is registered, once."""
    events = [event for _, event in cluster.events()]
    undone = {event["id"] for event in events if event.get("outcome") == "undone"}
    kept: list[dict[str, str]] = []
    for event in events:
        again = event["event"] == "node" and event in kept
        if event.get("id") not in undone and not again:
            kept.append(event)
    return kept


def comparable(ledger: Ledger) -> dict[str, Any]:
    """Every key but how far the housekeeping has come, and the time at which a job was made by the client's clock."""
    own = {key: value for key, value in ledger.own.items() if key not in ("sweep", "events")}
    jobs = {
        key: {name: value for name, value in fields.items() if name != "created_at"}
        for key, fields in ledger.rq.items()
        if key.startswith("job:")
    }
    return {"own": own, "rq": {**ledger.rq, **jobs}}


@pytest.fixture(scope="module")
def stage(server: RedisServer) -> Iterator[Stage]:
    with RedisServer() as own, FaultyProxy("127.0.0.1", own.port) as proxy:
        yield Stage(own, proxy)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda seconds: None))


@pytest.mark.parametrize("forget", [False, True], ids=["known", "forgotten"])
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost(stage: Stage, name: str, forget: bool) -> None:
    expected = stage.undisturbed(name, forget)
    assert expected.commands > 0

    for what, lose in LOSSES.items():
        for n in range(1, expected.commands + 1):
            seen = stage.play(name, forget, losing(lose, n))
            assert stage.proxy.matched >= n
            assert seen[:3] == expected[:3], f"{what}, number {n} of {expected.commands}"


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

        monkeypatch.setattr(store_module, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=run_everything))
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
        check_ledger(read_ledger(direct.store), read_nodes(direct.store))
