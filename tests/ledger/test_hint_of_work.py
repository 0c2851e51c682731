"""The hint that an empty queue has work: without it an agent would learn of it half a second later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent, ok
from support.ear import Ear, ear

START_MS = 1_900_000_000_000

WORK = {"command": "handoff-work"}


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}).register()


@pytest.fixture
def a(cluster: Cluster, agent: FakeAgent) -> Iterator[Ear]:
    with ear(cluster, "a") as listening:
        yield listening


def submit(cluster: Cluster, cpu: int = 1, **options: Any) -> None:
    cluster.enqueue("tasks:work", cost={"cpu": cpu}, **options)


def test_who_submits_onto_an_empty_queue_says_so_to_its_agent(cluster: Cluster, a: Ear) -> None:
    submit(cluster)

    assert a.heard() == [WORK]


def test_who_submits_onto_a_queue_that_has_work_says_nothing(cluster: Cluster, a: Ear) -> None:
    submit(cluster)
    a.heard()

    submit(cluster)

    assert a.heard() == []


def test_a_queue_that_was_emptied_is_hinted_at_again(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    submit(cluster)
    agent.take()
    a.heard()

    submit(cluster)

    assert a.heard() == [WORK]


def test_who_waits_is_no_work_for_anybody(cluster: Cluster, a: Ear) -> None:
    submit(cluster, 3)

    assert a.heard() == []


def test_what_the_same_call_takes_needs_no_hint(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    submit(cluster, 2)
    submit(cluster, 2)
    [started] = agent.take()
    a.heard()

    agent.finish(ok(started.id), room=1)

    assert len(agent.runs) == 1
    assert a.heard() == []


def test_what_a_finish_places_and_does_not_take_is_hinted_at(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    submit(cluster, 2)
    submit(cluster, 2)
    [started] = agent.take()
    a.heard()

    agent.finish(ok(started.id), room=0)

    assert a.heard() == [WORK]


def test_a_call_that_places_several_says_so_once(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    submit(cluster, 2)
    submit(cluster)
    submit(cluster)
    [started] = agent.take()
    a.heard()

    agent.finish(ok(started.id), room=0)

    assert a.heard() == [WORK]


def test_a_hint_goes_to_the_node_that_has_the_work_and_to_no_other(cluster: Cluster, a: Ear) -> None:
    FakeAgent(cluster.store, "b", {"cpu": 2}).register()

    with ear(cluster, "b") as b:
        submit(cluster, node="b")

        assert (a.heard(), b.heard()) == ([], [WORK])


def test_whoever_makes_room_hints_at_what_starts_there(cluster: Cluster, a: Ear) -> None:
    claim = cluster.tracker.request("a", {"cpu": 2})
    submit(cluster)

    cluster.tracker.release(claim)

    assert a.heard() == [WORK]


def test_tokens_that_come_free_on_one_node_are_hinted_at_where_they_start_something(
    cluster: Cluster, agent: FakeAgent, a: Ear
) -> None:
    cluster.share({"seats": 1})
    other = FakeAgent(cluster.store, "b", {"gpu": 1}).register()
    cluster.enqueue("tasks:work", cost={"gpu": 1, "seats": 1})
    [started] = other.take()
    cluster.enqueue("tasks:work", cost={"cpu": 1, "seats": 1})
    assert a.heard() == []

    other.finish(ok(started.id))

    assert a.heard() == [WORK]
