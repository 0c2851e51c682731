"""What a caller or an agent does, each as a flow that can be played again and again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rq import Queue
from rq.job import Job, JobStatus

from handoff.books.reservation import Reservation
from handoff.client import mapped
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import HandoffError, PartlySubmitted
from handoff.ledger import functions as work
from handoff.ledger import housekeeping, slices
from handoff.ledger.counts import count_on
from handoff.ledger.events import note_action
from handoff.words.function import Collocated, Function
from support.agent import FakeAgent, failure, killed, ok
from support.passing import pass_ms


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
        pass_ms(self.cluster.store, ms)

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


def submit_many(*functions: Function, ids: str, size: int = 64, **options: Any) -> Callable[[Scene], object]:
    """Submit them together, in calls of so many. -> of each its verdict, or why it was not taken"""

    def act(scene: Scene) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(slices, "SLICE", size)
            try:
                return [handle.verdict for handle in scene.cluster.submit_many(functions, job_ids=list(ids), **options)]
            except PartlySubmitted as error:
                verdicts: list[Any] = [getattr(handle, "verdict", None) for handle in error.handles]
                return verdicts, {at: (type(each), each.args) for at, each in error.errors.items()}

    return act


def map_over(count: int, size: int) -> Callable[[Scene], object]:
    """Submit a call for each of so many values, in batches of so many. -> of each its verdict"""

    def act(scene: Scene) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mapped, "BATCH", size)
            return [handle.verdict for handle in scene.cluster.map("tasks:work", range(count), cost={"cpu": 1})]

    return act


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


def retry(id: str = "f") -> Callable[[Scene], object]:
    return lambda scene: scene.handles[id].retry()


def cancel_many(ids: str, **options: Any) -> Callable[[Scene], object]:
    """Cancel them together, in calls of two."""

    def act(scene: Scene) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(work, "CANCELED_AT_ONCE", 2)
            return scene.cluster.cancel(list(ids), **options)

    return act


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


def recall(scene: Scene) -> None:
    (started,) = scene.agent.runs.values()
    # Asked again it is no news.
    assert scene.agent.recall(started, ok(started.id)) in (0, 1)


def tell(scene: Scene) -> None:
    (id,) = scene.agent.runs
    scene.agent.tell(
        (id, "progress", 0.5, "half"), (id, "output", 5, b"hello"), (id, "part", 1, b"a"), (id, "part", 2, b"b"),
        (id, "kept", 2, ""), (id, "output", 7, b"!\n"), (id, "dropped", 5, ""),
    )  # fmt: skip


def take(room: int) -> Callable[[Scene], object]:
    return lambda scene: [started.id for started in scene.agent.take(room=room)]


def tick_with_room(scene: Scene) -> object:
    reply = scene.cluster.store.run("tick", room=4, token=uuid.uuid4().hex)
    return [id for id, *_ in reply[2]]


def refused(act: Callable[[Scene], object]) -> Callable[[Scene], object]:
    def refusing(scene: Scene) -> object:
        with pytest.raises(HandoffError) as error:
            act(scene)
        return type(error.value), error.value.args

    return refusing


def every(seconds: float = 2, **options: Any) -> Callable[[Scene], object]:
    """Have a function recur."""
    return lambda scene: scene.cluster.every("s", seconds, "tasks:work", cost={"cpu": 1}, **options)


def pause(scene: Scene) -> object:
    return scene.cluster.pause_schedule("s")


def by_hand(scene: Scene) -> object:
    """Submit what recurs now. -> its id, and what came of it"""
    return scene.cluster.run_schedule("s").id, scene.cluster.schedules()


def due(seconds: float = 2, **options: Any) -> Callable[[Scene], object]:
    """A moment of what recurs has come."""
    return steps(every(seconds, **options), later(2000))


def tick_and_list(scene: Scene) -> object:
    tick(scene)
    return scene.cluster.schedules()


def theirs(scene: Scene) -> None:
    """A job on a queue of RQ's own."""
    Queue("mail", connection=scene.cluster.connection).enqueue("tasks.work", job_id="theirs")


def theirs_finished(scene: Scene) -> None:
    Job.fetch("theirs", connection=scene.cluster.connection).set_status(JobStatus.FINISHED)
    scene.later(1000)


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
    "submit: in place of one that has failed": Flow(
        submit(replace=True, cost={"gpu": 1}), steps(start("f", on_failure="tasks.told"), later(7000), tick)
    ),
    "submit: of a key that is free": Flow(submit(unique="k", unique_ttl=60)),
    "submit: of a key that another has": Flow(submit("g", unique="k"), start("f", unique="k")),
    "submit: after two others": Flow(submit(depends_on=["g", "h"]), steps(submit("g"), submit("h"))),
    "submit: after one that has finished": Flow(submit(depends_on="g"), steps(start("g"), finish(ok))),
    "submit: after one that is not there": Flow(refused(submit(depends_on=["g", "h"])), submit("g")),
    "submit: over a node that lapses": Flow(submit(), steps(start("g"), later(7000))),
    "submit_many: placed, waiting, infeasible, delayed": Flow(
        submit_many(
            function("1", cpu=1), function("2", cpu=2), function("3", cpu=9), Function("4", "tasks:work", delay=9),
            ids="fghi",
        )
    ),
    "submit_many: in three calls, with some that are refused": Flow(
        submit_many(
            function("1", cpu=1), function("2"), Function("3", "tasks:work", cost={"cpu": 9}, on_infeasible="raise"),
            function("4", cpu=1), function("5", cpu=1), ids="fghij", size=2,
        ),
        submit("g"),
    ),
    "submit_many: in place of one that was canceled": Flow(
        submit_many(function("1", cpu=1), function("2", cpu=2), ids="fg", replace=True), steps(submit(), cancel())
    ),
    "submit_many: of keys that are free, and taken": Flow(
        submit_many(
            Function("1", "tasks:work", unique="a"), Function("2", "tasks:work", unique="k"),
            Function("3", "tasks:work", unique="a"), ids="ghi", size=2,
        ),
        submit("f", unique="k"),
    ),
    "map: in two batches, of which some wait": Flow(map_over(3, 2), submit("g")),
    "finish: one that has a key": Flow(finish(ok), start("f", unique="k", unique_ttl=60)),
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
    "finish: others were deferred for it": Flow(
        finish(ok, room=1),
        steps(start("g"), submit("f", depends_on="g"), submit("h", depends_on="g"), submit("i", depends_on=["g", "f"])),
    ),
    "finish: failed, and others stay deferred for it": Flow(
        finish(failure), steps(start("g"), submit("f", depends_on="g"))
    ),
    "finish: refused": Flow(lambda scene: scene.agent.finish(ok("f:1"), ok("never:1")), start("g")),
    "tell: the first of an attempt": Flow(tell, start("f")),
    "tell: more": Flow(tell, steps(start("f"), tell)),
    "tell: of the second attempt": Flow(
        tell, steps(start("f", max_retries=1), tell, finish(failure), later(2000), tick, take(1))
    ),
    "tell: of one that has ended": Flow(
        lambda scene: scene.agent.tell(("f:1", "output", 1, "x"), (scene.running("g"), "output", 1, "y")), start("g")
    ),
    "learn: two samples of one name": Flow(
        lambda scene: scene.agent.learn(("tasks:f", 3, "41,1000,2000,0,0", 77), ("tasks:f", 4, "42,1,2,0,0")),
        start("f"),
    ),
    "release: a claim that others wait for": Flow(release, steps(claim(cpu=2), submit())),
    "release: for the second time": Flow(release, steps(claim(cpu=2), release)),
    "cancel: waiting": Flow(cancel(), submit(cost={"cpu": 3})),
    "cancel: the first of its kind": Flow(
        cancel(), steps(start("g"), submit(cost={"cpu": 2}), submit("h", cost={"cpu": 2}))
    ),
    "cancel: delayed": Flow(cancel(), steps(start("f", max_retries=1), finish(failure))),
    "cancel: deferred": Flow(cancel(), steps(submit("g"), submit(depends_on="g"))),
    "cancel: queued, and others wait": Flow(cancel(), steps(submit(cost={"cpu": 2}), submit("g"))),
    "cancel: started": Flow(cancel(), start("f")),
    "cancel: finished": Flow(cancel(), steps(start("f"), finish(ok))),
    "cancel: canceled": Flow(cancel(), steps(start("f"), cancel())),
    "cancel: nothing is kept of it": Flow(cancel(), submit(failure_ttl=0)),
    "retry: what has failed": Flow(retry(), steps(start("f"), finish(failure), submit("g", cost={"cpu": 2}))),
    "retry: one with dependents, that was canceled": Flow(
        retry(), steps(submit("e", cost={"cpu": 2}), submit(), submit("g", depends_on="f"), cancel())
    ),
    "cancel: unknown": Flow(cancel(), steps(submit(failure_ttl=0), cancel())),
    "cancel: many, of which some wait, one runs and nothing is kept of one": Flow(
        cancel_many("fghij"),
        steps(
            start("f"), submit("g", failure_ttl=0), submit("h", cost={"cpu": 2}), submit("i"), submit("j"),
            lambda scene: scene.submit("k"), cancel("j"),
        ),
    ),
    "cancel: many, but what runs": Flow(cancel_many("fgh", running=False), steps(start("f"), submit("g"), submit("h"))),
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
    "tick: a job of rq's own has finished": Flow(tick, steps(theirs, submit(depends_on="theirs"), theirs_finished)),
    "tick: rq has deleted what was queued": Flow(
        # Each tick looks at one node.
        steps(tick, tick, tick, tick),
        steps(register("b", cpu=1), submit(node="b"), lambda scene: scene.handles["f"].job.delete()),
    ),
    "beat": Flow(lambda scene: scene.agent.beat(), steps(start("f"), later(3000))),
    "beat: with one to be stopped": Flow(lambda scene: scene.agent.beat(), steps(start("f"), cancel())),
    "beat: with one that does not run": Flow(
        lambda scene: scene.agent.beat(), steps(start("f"), lambda scene: scene.agent.runs.clear())
    ),
    "beat: too late": Flow(lambda scene: scene.agent.beat(), steps(start("f"), later(7000))),
    "recall: what the books take for running": Flow(recall, steps(start("f"), submit("g", cost={"cpu": 2}))),
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
    "every: new": Flow(every()),
    "every: again, and paused": Flow(every(overlap="run"), steps(every(), pause)),
    "every: at other moments, and paused": Flow(every(3), steps(every(), pause)),
    "fire: at its moment": Flow(tick_and_list, due()),
    "fire: many moments were missed, and none is caught up": Flow(
        tick_and_list, steps(every(1, catch_up="none"), later(3500))
    ),
    "fire: the run before goes on": Flow(tick_and_list, steps(due(), tick, later(2000))),
    "schedule: run by hand": Flow(by_hand, every()),
    "schedule: run by hand, and waits": Flow(by_hand, steps(every(), start("g", cost={"cpu": 2}))),
    "schedule: paused": Flow(pause, every()),
    "schedule: goes on": Flow(lambda scene: scene.cluster.resume_schedule("s"), steps(every(), pause, later(5000))),
    "schedule: removed": Flow(lambda scene: scene.cluster.remove_schedule("s"), steps(due(), tick)),
    "audit": Flow(lambda scene: note_action(scene.cluster.store, "ada", "drain", "a")),
    "discard: one that failed, one that was canceled, one that runs": Flow(
        lambda scene: work.discard(scene.cluster.store, ["f", "g", "h"]),
        steps(start("f"), finish(failure), submit("g"), cancel("g"), start("h")),
    ),
    "counts": Flow(
        lambda scene: count_on(scene.cluster.store, ["a", ""]), steps(start("f"), submit("g"), submit("h"), cancel("h"))
    ),
    "look: status, node, devices": Flow(
        lambda scene: [scene.handles["f"].status, scene.handles["f"].node, scene.handles["f"].job.id], start("f")
    ),
    "look: the result": Flow(
        lambda scene: scene.handles["f"].result(), steps(start("f"), finish(lambda id: ok(id, 7)))
    ),
    "look: nodes": Flow(lambda scene: [scene.cluster.discover_nodes(), scene.cluster.resources_available("a", {})]),
}  # fmt: skip
