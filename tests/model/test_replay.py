"""A stream of events held to the rules of the model: one that breaks a rule is refused under the name of that rule."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.words.function import Function
from model.refused import Refused
from model.replay import Event, Replay, replay
from model.rules import RULES
from support.agent import FakeAgent, failure, ok
from support.passing import pass_ms
from support.story import Story
from support.submits import NOW_MS, later, run, submit


def node(change: str = "registered", epoch: int = 1, **fields: str) -> Event:
    has = {"units": "cpu=20000,slots=20000", "devices": "gpu:0/60000,1"} if change == "registered" else {}
    return {"event": "node", "node": "a", "change": change, "epoch": str(epoch), **has, **fields}


def reserved(id: str = "f:1", cost: str = "cpu=10000", devices: str = "", epoch: int = 1, at: str = "a") -> Event:
    return {"event": "reserved", "id": id, "node": at, "epoch": str(epoch), "cost": cost, "devices": devices}


def started(id: str = "f:1", attempt: int = 1, retries: int = 0, epoch: int = 1, at: str = "a") -> Event:
    return {
        "event": "started", "id": id, "node": at, "epoch": str(epoch), "attempt": str(attempt), "retries": str(retries),
    }  # fmt: skip


def released(outcome: str = "finished", of: Event | None = None, **fields: str) -> Event:
    of = of or reserved()
    kept = {name: of[name] for name in ("id", "node", "cost", "devices")}
    return {"event": "released", "outcome": outcome, **kept, **fields}


def job(kind: str, id: str = "f") -> Event:
    return {"event": kind, "job": id, "demand": "", "until_ms": "0", "error": ""}


BROKEN: Sequence[tuple[str, str, list[Event]]] = (
    ("known", "there is no such event", [job("begun")]),
    ("known", "it lacks 'epoch'", [{"event": "reserved", "id": "f:1", "node": "a"}]),
    ("known", "there is no node b", [node(), reserved(at="b")]),
    ("known", "it cannot be read", [node(), reserved(cost="cpu=many")]),
    ("one life at a time", "it is lost already", [node(), node("lost", 2), node("lost", 3)]),
    ("one life at a time", "it is up, in the epoch 1", [node(), node(epoch=2)]),
    ("one life at a time", "f:1 is still reserved", [node(), reserved(), node("lost", 2), node(epoch=3)]),
    ("one life at a time", "without having been closed", [node(), node("deregistered")]),
    ("epochs grow", "it had the epoch 2", [node(), node("lost", 2), node(epoch=2)]),
    ("epoch", "a has the epoch 1", [node(), reserved(epoch=2)]),
    ("open", "a is lost", [node(), node("lost", 2), reserved(epoch=2)]),
    ("open", "a is drained", [node(), node("draining"), reserved()]),
    ("open", "a is quiet", [node(), reserved(), node("quiet"), started()]),
    ("open", "a is cordoned", [node(), node("cordoned"), reserved()]),
    ("capacity", "cpu: 30000 units of 20000", [node(), reserved(cost="cpu=30000")]),
    ("capacity", "cpu: 40000 units", [node(), reserved(cost="cpu=20000"), reserved("g:2", cost="cpu=20000")]),
    (
        "capacity",
        "gpu 0: 20000 units",
        [node(), *(reserved(f"{id}:1", cost="", devices="gpu:0=10000") for id in "fg")],
    ),
    ("capacity", "memory of gpu 1", [node(), reserved(cost="", devices="gpu:1=1m")]),
    (
        "capacity",
        "gpu 0 is reserved, and its memory too",
        [node(), reserved(cost="", devices="gpu:0=1000"), reserved("g:2", cost="", devices="gpu:0=1m")],
    ),
    (
        "capacity",
        "seat: 20000 units of 10000",
        [
            node(),
            {"event": "shared", "amounts": "seat=10000"},
            *(reserved(f"{id}:1", cost="seat=10000") for id in "fg"),
        ],
    ),
    ("one reservation", "it is reserved already", [node(), reserved(), reserved()]),
    ("one reservation", "f is queued by f:1", [node(), reserved(), reserved("f:2")]),
    ("one reservation", "f is started by f:1", [node(), reserved(), started(), reserved("f:2")]),
    ("one reservation", "there was such", [node(), reserved(), released("handed back"), reserved()]),
    ("as reserved", "nothing is reserved", [node(), reserved(), released("canceled"), released("canceled")]),
    ("as reserved", "cost was cpu=10000", [node(), reserved(), released("canceled", cost="cpu=20000")]),
    ("as reserved", "node was a", [node(), node(node="b"), reserved(), released("canceled", node="b")]),
    ("as reserved", "devices was none", [node(), reserved(), released("canceled", devices="gpu:0=1")]),
    ("placed first", "there is no such reservation", [node(), started()]),
    ("placed first", "it is reserved on a", [node(), node(node="b"), reserved(), started(at="b")]),
    ("placed first", "f is started by f:1", [node(), reserved(), started(), started()]),
    ("attempts", "0 were counted", [node(), reserved(), started(attempt=2, retries=5)]),
    (
        "attempts",
        "it has 0 retries",
        [node(), reserved(), started(), released("failed"), job("delayed"), reserved("f:2"), started("f:2", 2)],
    ),
    ("fenced", "it ran in the epoch 1", [node(), reserved(), started(), node("lost", 2), released("finished")]),
    ("ends once", "f has ended as finished", [node(), reserved(), started(), released(), reserved("f:2")]),
    ("ends once", "f has ended as canceled", [job("waiting"), job("canceled"), job("waiting")]),
    ("order", "f is failed", [node(), reserved(), started(), released("failed"), reserved("f:2")]),
    ("order", "f is queued, and does not end as finished", [node(), reserved(), released("finished")]),
    ("order", "does not end as handed back", [node(), reserved(), started(), released("handed back")]),
    ("leaked", "f:1 still holds cpu=10000 on a", [node(), reserved(), started()]),
    ("lost", "f has not ended: the last that is told of it is that it is back", [node(), reserved(), released("gone")]),
    ("lost", "is waiting", [job("waiting")]),
)  # fmt: skip


@pytest.mark.parametrize(("rule", "why", "events"), BROKEN)
def test_a_stream_that_breaks_a_rule_is_refused_at_the_event_that_breaks_it(
    rule: str, why: str, events: list[Event]
) -> None:
    with pytest.raises(Refused) as refused:
        replay(events).end()

    assert refused.value.rule == rule
    assert why in refused.value.why
    assert refused.value.event in (events[-1], None)
    assert refused.value.at in (f"number {len(events)}", "")


def test_every_rule_is_broken_by_one_of_these_streams() -> None:
    assert {rule for rule, _, _ in BROKEN} == RULES.keys()


def test_what_is_refused_is_told_in_a_sentence() -> None:
    with pytest.raises(Refused) as refused:
        replay([(b"5-0", node()), (b"7-1", started())])

    assert str(refused.value) == (
        "event 7-1 started id=f:1 node=a epoch=1 attempt=1 retries=0: there is no such reservation [placed first]"
    )


def test_a_function_that_rqs_tools_touched_may_leave_a_reservation_to_the_next_of_its_id() -> None:
    events = [node(), reserved(), started(), reserved("f:2"), released("gone"), started("f:2")]

    story = Replay(touched={"f"}).play(events)

    assert list(story.held) == ["f:2"]


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2, "gpu": 1}, lease_ms=4000).register()


def test_what_becomes_of_functions_is_read_from_the_stream(cluster: Cluster, agent: FakeAgent) -> None:
    fine = submit(cluster, cost={"cpu": 1, "gpu": 1})
    run(agent)
    retried = submit(cluster, cost={"cpu": 1}, max_retries=1)
    run(agent, failure)
    later(cluster, 2)
    agent.beat()
    run(agent)
    failed = submit(cluster)
    run(agent, failure)
    canceled = submit(cluster)
    [begun] = agent.take()
    canceled.cancel()
    agent.finish(ok(begun.id))
    waits = submit(cluster, cost={"cpu": 3})

    story = Story(cluster.store).read()

    ends = {fine: "finished", retried: "finished", failed: "failed", canceled: "canceled"}
    assert story.outcomes() == {handle.id: end for handle, end in ends.items()}
    assert story.unended() == {waits.id: "waiting"}
    assert story.starts == {fine.id: 1, retried.id: 2, failed.id: 1, canceled.id: 1}


def test_a_lost_node_and_its_late_result_are_a_story_that_the_rules_allow(cluster: Cluster, agent: FakeAgent) -> None:
    queued, begun = submit(cluster, cost={"cpu": 1}), submit(cluster, cost={"cpu": 1}, max_retries=1)
    other = FakeAgent(cluster.store, "b", {"cpu": 2}).register()
    agent.take(1)
    pass_ms(cluster.store, 5000)
    later(cluster, 2)
    later(cluster, 2)
    for started_there in other.take(2):
        other.finish(ok(started_there.id))

    story = Story(cluster.store).read()

    assert {*story.outcomes()} == {queued.id, begun.id}
    assert story.nodes["a"].is_up is False
    story.end(ended=False)


def test_what_all_share_may_be_lowered_below_its_use_and_other_things_go_on(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.share({"license": 1, "seat": 1})
    submit(cluster, "f", cost={"license": 1})
    cluster.share({"license": 0})
    submit(cluster, "g", cost={"seat": 1})
    cluster.submit_dag(DAG("d").add(Function("h", "tasks:h")), max_concurrency=1)

    assert len(Story(cluster.store).read().held) == 3
    run(agent)
