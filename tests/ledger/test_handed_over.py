"""What is placed where an agent waits for it is started by the submit, and sent to the agent with the hint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from rq.suspension import suspend

from handoff.client.cluster import Cluster
from handoff.errors import NodeLost
from handoff.ledger.texts.handed import Handed
from handoff.words.function import Function
from support.agent import FakeAgent, ok
from support.ear import Ear, ear
from support.passing import pass_ms
from support.submits import NOW_MS, later, submit

WORK = {"command": "handoff-work"}


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 4}, lease_ms=6000).register()


@pytest.fixture
def a(cluster: Cluster, agent: FakeAgent) -> Iterator[Ear]:
    with ear(cluster, "a") as listening:
        yield listening


def handed(a: Ear) -> list[Handed]:
    said = a.heard()
    assert all(isinstance(each, Handed) for each in said)
    return said


def test_an_agent_that_waits_is_sent_what_was_started_for_it(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    agent.finish(room=1, waits=True)

    handle = submit(cluster)

    [sent] = handed(a)
    job = dict(zip(sent.job[::2], sent.job[1::2], strict=True))
    assert (sent.op, sent.incarnation, sent.epoch) == (agent.op + 1, agent.incarnation, agent.epoch)
    assert (job[b"status"], job[b"h_attempts"], handle.status, handle.attempts) == (b"started", b"1", "started", 1)
    assert agent.finish(ok(sent.id.decode(), 7), room=1) == ["stored"]
    assert (agent.runs, handle.result()) == ({}, 7)


def test_of_what_was_handed_over_the_next_call_tells_and_no_later_one(
    cluster: Cluster, agent: FakeAgent, a: Ear
) -> None:
    agent.finish(room=2, waits=True)
    submit(cluster)

    [told] = agent.take(1)
    assert told.id == handed(a)[0].id.decode()
    agent.runs.clear()
    assert agent.take(1) == []


def test_a_heartbeat_says_nothing_of_what_was_handed_over_and_not_told_yet(
    cluster: Cluster, agent: FakeAgent, a: Ear
) -> None:
    agent.finish(room=1, waits=True)
    handle = submit(cluster)

    agent.beat()
    assert (handle.status, handle.attempts) == ("started", 1)
    agent.take()
    agent.runs.clear()
    agent.beat()
    with pytest.raises(NodeLost):
        handle.result()


def test_one_is_handed_over_between_two_calls_and_the_next_stands_on_the_queue(
    cluster: Cluster, agent: FakeAgent, a: Ear
) -> None:
    agent.finish(room=3, waits=True)

    handles = [submit(cluster, cost={"cpu": 1}) for _ in range(2)]

    assert [handle.status for handle in handles] == ["started", "queued"]
    assert a.heard()[1:] == [WORK]


def test_an_agent_that_has_taken_all_is_handed_one_again(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    agent.finish(room=3, waits=True)
    submit(cluster, cost={"cpu": 1})
    agent.finish(room=2, waits=True)

    assert submit(cluster, cost={"cpu": 1}).status == "started"


def test_what_it_took_meanwhile_is_no_room_any_more(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    submit(cluster)
    agent.finish(room=1, waits=True)

    assert submit(cluster).status == "queued"


@pytest.mark.parametrize(
    "why", ["does not wait", "has died", "is late", "is suspended", "is quiet", "is lost", "is anew"]
)
def test_nothing_is_handed_to_an_agent_that(cluster: Cluster, agent: FakeAgent, why: str) -> None:
    with ear(cluster, "a"):
        agent.finish(room=4, waits=why != "does not wait")
        if why == "is late":
            pass_ms(cluster.store, 1500)
        if why == "is suspended":
            suspend(cluster.connection)
        if why == "is quiet":
            agent.quiet()
            agent.quiet(on=False)
            agent.finish()
        if why in ("is lost", "is anew"):
            later(cluster, 7)
        if why == "is anew":
            agent.register()
        if why != "has died":
            assert submit(cluster).status in ("queued", "waiting")
    if why == "has died":
        assert submit(cluster).status == "queued"


@pytest.mark.parametrize("what", ["large", "many", "delayed"])
def test_only_the_hint_is_sent_of_what_is(cluster: Cluster, agent: FakeAgent, a: Ear, what: str) -> None:
    agent.finish(room=4, waits=True)

    if what == "large":
        cluster.enqueue("tasks:work", os.urandom(20_000))
    if what == "many":
        cluster.submit_many([Function("g", "tasks:work")])
    if what == "delayed":
        submit(cluster, delay=1)
        later(cluster, 1.2)

    assert a.heard() == [WORK]
    assert len(agent.take(4)) == 1


def test_of_what_came_while_its_node_was_frozen_one_was_an_attempt_and_the_others_begin_elsewhere(
    cluster: Cluster, agent: FakeAgent, a: Ear
) -> None:
    agent.finish(room=4, waits=True)
    handles = [submit(cluster, cost={"cpu": 1}) for _ in range(3)]

    later(cluster, 7)

    with pytest.raises(NodeLost):
        handles[0].result()
    assert [(handle.status, handle.attempts) for handle in handles[1:]] == [("waiting", 0)] * 2


def test_a_submit_that_is_asked_again_hands_over_once(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    agent.finish(room=2, waits=True)
    original = cluster.store.run

    def twice(*rest: Any, **arguments: Any) -> list[Any]:
        assert original(*rest, **arguments) == original(*rest, **arguments)
        return original(*rest, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster.store, "run", twice)
        handle = submit(cluster)

    assert (len(handed(a)), handle.attempts) == (1, 1)
    assert cluster.tracker.available("a") == {"cpu": 4}
