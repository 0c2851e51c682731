"""What a campaign is to find is found: each kind of wrong is planted, and seen."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from campaign import functions, graphs, world
from campaign.capacity import overruns
from campaign.driving import Done, Driven
from campaign.faults import FORGETTING, KINDS
from campaign.faults.fault import REDIS
from campaign.faults.going_back import EMPTY
from campaign.journal import GRAPH, SINGLE, Journal, Order, gather
from campaign.judging import Judge
from campaign.verdict import DOUBLED, LOST, OVER, WRONG, Verdict
from campaign.watching import Event
from handoff.client.cluster import Cluster
from handoff_worker.agent.delivery import result
from handoff_worker.children.outcome import Died
from support.agent import FakeAgent, Result, ok


class Scene:
    """One node, and clients and functions that have left what they leave."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.journal = Journal(folder, "c")
        self.agent = FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        self.touched: dict[str, set[str]] = {}
        self.faults: list[Done] = []

    def id(self, name: str) -> str:
        """Jobs of all namespaces have their names in common."""
        return f"{self.cluster.namespace}-{name}"

    def submit(self, name: str, retries: int = 0, **options: Any) -> None:
        """As it was ordered; `retries` and `options` are those that are forgotten then."""
        id = self.id(name)
        order = Order(id, SINGLE, "work", 20, 0.0, retries, options)
        self.journal.note("asked", id, asdict(order))
        self.cluster.enqueue(functions.work, "", id, 20, 0.0, job_id=id)
        self.journal.note("taken", id)

    def start(self, name: str) -> str:
        """-> its reservation"""
        self.leave_line(name)
        self.agent.finish(room=1)
        return next(each for each in self.agent.runs if each.startswith(f"{self.id(name)}:"))

    def run(self, name: str, value: int = 41) -> None:
        self.agent.finish(ok(self.start(name), value))

    def leave_line(self, name: str) -> None:
        with (self.folder / functions.STARTS).open("a") as file:
            file.write(f"{self.id(name)}\n")

    def verdict(self, more: Sequence[Event] = ()) -> Verdict:
        verdict = Verdict(1, 1.0)
        events = [*more]
        events += [Event(int(fields["at_ms"]), fields) for _, fields in self.cluster.events()]
        told: Any = SimpleNamespace(folder=self.folder, touched=self.touched, cluster=self.cluster)
        submitted, _ = gather(self.folder)
        Judge(told, Driven(done=self.faults), {**KINDS, **FORGETTING}, events, False, verdict).judge(submitted)
        return verdict

    def sorts(self) -> list[str]:
        return [sort for sort, _ in self.verdict().wrong]


@pytest.fixture
def scene(cluster: Cluster, tmp_path: Path) -> Scene:
    return Scene(cluster, tmp_path)


def test_what_ended_as_promised_is_not_complained_of(scene: Scene) -> None:
    scene.submit("f")
    scene.run("f")
    scene.journal.note("came", scene.id("f"), {"value": 41})

    assert scene.sorts() == []
    assert scene.verdict().submitted == {"finished": 1}


def test_a_second_start_of_what_may_start_once_is_seen(scene: Scene) -> None:
    scene.submit("f")
    scene.run("f")
    scene.leave_line("f")

    assert scene.sorts() == [DOUBLED]


def test_a_start_that_nobody_has_seen_is_seen(scene: Scene) -> None:
    scene.submit("f")
    scene.run("f")
    (scene.folder / functions.STARTS).unlink()

    assert scene.sorts() == [WRONG]


def test_what_was_acknowledged_and_is_gone_is_seen_unless_rq_has_deleted_it(scene: Scene) -> None:
    scene.submit("f")
    scene.run("f")
    scene.cluster.connection.delete(scene.cluster.store.keys("rq_job", scene.id("f")))

    assert scene.sorts() == [LOST]

    scene.touched[scene.id("f")] = {"delete"}

    assert scene.sorts() == []


def test_redis_may_forget_what_it_took_since_the_moment_to_which_it_went_back(scene: Scene) -> None:
    from_ms = int(time.time() * 1000)
    for name, is_durable in (("f", False), ("g", True)):
        order = Order(scene.id(name), SINGLE, "work", 20, 0.0, 0)
        scene.journal.note("asked", order.id, asdict(order))
        scene.journal.note("taken", order.id, is_durable)
    to_ms = round(time.time() * 1000) + 1

    def lost(kind: str, at_ms: int, until_ms: int) -> list[str]:
        scene.faults = [Done(1, kind, REDIS, at_ms, until_ms)]
        return [what.partition(" ")[0] for _, what in scene.verdict().wrong]

    f, g = scene.id("f"), scene.id("g")
    assert lost("roll redis back", from_ms, to_ms) == [g]
    assert lost("roll redis back", to_ms, to_ms + 1) == [f, g]
    assert lost("roll redis back", from_ms - 1, from_ms - 1) == [f, g]
    assert lost(EMPTY, to_ms, to_ms) == []
    assert lost(EMPTY, from_ms - 1, from_ms - 1) == [f, g]


def test_a_wrong_answer_is_seen_in_the_books_and_with_a_client(scene: Scene) -> None:
    scene.submit("f")
    scene.run("f", value=7)

    assert scene.sorts() == [WRONG]

    scene.submit("g")
    scene.run("g")
    scene.journal.note("came", scene.id("g"), {"value": 8})

    assert scene.sorts() == [WRONG, WRONG]


def test_a_death_is_to_be_explained_by_a_fault_of_that_node(scene: Scene) -> None:
    scene.submit("f")
    reservation = scene.start("f")
    scene.agent.finish(died(reservation))
    at_ms = int(scene.cluster.events()[-1][1]["at_ms"])

    scene.faults = [Done(1, "kill child", "b", at_ms, at_ms), Done(2, "drain", "a", at_ms, at_ms)]
    assert scene.sorts() == [WRONG]

    scene.faults = [Done(1, "kill child", "a", at_ms + 1, at_ms + 1)]
    assert scene.sorts() == [WRONG]

    scene.faults = [Done(1, "kill child", "a", at_ms, at_ms)]
    assert scene.sorts() == []


def test_a_function_that_is_given_up_before_its_retries_are_is_seen(scene: Scene) -> None:
    scene.submit("f", retries=2)
    scene.agent.finish(died(scene.start("f")))
    at_ms = int(scene.cluster.events()[-1][1]["at_ms"])
    scene.faults = [Done(1, "kill child", "a", at_ms, at_ms)]

    ((sort, what),) = scene.verdict().wrong

    assert sort == WRONG
    assert "with 2 retries was given up" in what


def test_a_start_after_a_loss_that_was_to_be_the_end_is_seen(scene: Scene) -> None:
    scene.submit("f", retries=2)
    scene.submit("g", retries=2, on_node_loss="fail")
    scene.run("f")
    scene.run("g")

    def starts_after_a_loss(name: str) -> list[str]:
        told = ({"event": "started"}, {"event": "released", "outcome": "lost"}, {"event": "started"})
        more = [Event(0, {"id": f"{scene.id(name)}:0", "node": "a", **fields}) for fields in told]
        return [sort for sort, _ in scene.verdict(more).wrong]

    assert starts_after_a_loss("f") == []
    assert DOUBLED in starts_after_a_loss("g")


def test_a_start_where_it_is_not_to_run_is_seen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.MACHINES, "a", {"zone": "x"})
    scene.submit("f", where={"zone": "x"})
    scene.run("f")
    assert scene.sorts() == []

    scene.submit("g", where={"zone": "y"})
    scene.run("g")
    assert scene.sorts() == [WRONG]


def test_a_cancel_is_to_be_somebodys(scene: Scene) -> None:
    scene.submit("f")
    scene.cluster.handle(scene.id("f")).cancel()

    assert scene.sorts() == [WRONG]

    scene.journal.note("cancels", scene.id("f"))

    assert scene.sorts() == []


def test_a_device_that_two_functions_have_at_once_is_seen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HANDOFF_NODE", "a")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")

    functions.hold(str(tmp_path), "f", 20, 0.0)
    assert scene.sorts() == []

    with (tmp_path / "device.a.1").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        functions.hold(str(tmp_path), "g", 20, 0.0)
    assert scene.sorts() == [OVER]


def test_more_than_a_node_has_is_seen_in_the_events(scene: Scene) -> None:
    def reserved(id: str) -> dict[str, str]:
        return {"event": "reserved", "id": id, "node": "a", "epoch": epoch, "cost": "cpu=30000", "devices": ""}

    events = [Event(0, fields) for _, fields in scene.cluster.events()]
    epoch = next(event.fields["epoch"] for event in events if event.fields.get("node") == "a")
    released = {**reserved("f:1"), "event": "released", "outcome": "canceled"}

    (found,) = overruns([*events, Event(0, reserved("f:1")), Event(0, released), Event(0, reserved("g:2"))], ())
    assert found == "at the end: g:2 still holds cpu=30000 on a [leaked]"
    (found,) = overruns([*events, Event(0, reserved("f:1")), Event(0, reserved("g:2"))], ())
    assert found.endswith("units of 40000 are reserved [capacity]")


def test_a_graph_with_a_wrong_result_is_seen(scene: Scene) -> None:
    order = Order(scene.id("g"), GRAPH, "chain", 3, 0.0, 5)
    scene.journal.note("asked", scene.id("g"), asdict(order))
    scene.cluster.submit_dag(graphs.graph(order))
    scene.journal.note("taken", scene.id("g"))
    for value in [3, 7, 12, 18, 25]:
        _run_next(scene, value)
    assert scene.sorts() == [LOST]

    _run_next(scene, 34)
    assert scene.sorts() == [WRONG]

    assert [*graphs.results(order).values()] == [3, 7, 12, 18, 25, 33]


def died(id: str) -> Result:
    """Its process was killed."""
    told = result(Died(id, -9, "killed by signal 9 (SIGKILL)"))
    return Result(told.id, told.kind, told.body, told.error, told.message, told.retryable)


def _run_next(scene: Scene, value: int) -> None:
    scene.agent.finish(room=1)
    (id,) = scene.agent.runs
    scene.agent.finish(ok(id, value))
