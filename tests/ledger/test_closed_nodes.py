"""A node that is drained or quiet starts nothing; what stood on its queue goes elsewhere, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rq import Queue

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from handoff.serializer import Serializer
from support.agent import FakeAgent, failure, ok
from support.passing import pass_ms

START_MS = 1_900_000_000_000

QUEUED = 150
"""More than one call hands back."""

FIRST_SLOTS = 100
"""Of another node: it has room for some of them, and not for all."""

CALLS = 20
"""By so many calls of anybody a queue of that length is handed back."""

Close = Callable[[Cluster, FakeAgent], None]

CLOSINGS: dict[str, Close] = {
    "drained": lambda cluster, agent: cluster.drain("a"),
    "quiet": lambda cluster, agent: agent.quiet(),
}

closing = pytest.mark.parametrize("close", CLOSINGS.values(), ids=CLOSINGS)


class CallerDied(Exception):
    """Whoever closes a node calls Redis once and is no more."""


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    """Of a node called `a`."""
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": QUEUED}).register()


def submit(cluster: Cluster, count: int = QUEUED) -> list[Handle]:
    return [cluster.enqueue("tasks:work", cost={"cpu": 1}) for _ in range(count)]


def die_closing(cluster: Cluster, close: Callable[[], None]) -> None:
    """Close a node by a caller that dies when it has called Redis once."""
    original = cluster.store.run

    def once(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        original(script, *rest, **arguments)
        raise CallerDied

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster.store, "run", once)
        with pytest.raises(CallerDied):
            close()


def queue_of(cluster: Cluster, node: str) -> list[str]:
    keys = cluster.store.keys
    listed: Any = cluster.connection.lrange(keys("rq_queue", keys.queue(node)), 0, -1)
    return [id.decode() for id in listed]


def where(handles: list[Handle]) -> list[str]:
    """The node of each that is queued, the status of the others."""
    return [handle.node or "" if handle.status == "queued" else handle.status for handle in handles]


def ticks(cluster: Cluster, agent: FakeAgent) -> None:
    for _ in range(CALLS):
        tick(cluster.store)


def calls_of_its_agent(cluster: Cluster, agent: FakeAgent) -> None:
    for _ in range(CALLS):
        agent.beat()
        assert agent.take(50) == []


@pytest.mark.parametrize(
    "close",
    [*CLOSINGS.values(), lambda cluster, agent: cluster.drain("a", 3600)],
    ids=[*CLOSINGS, "drained by a deadline"],
)
def test_a_closed_node_starts_nothing_of_what_still_stands_on_its_queue(
    cluster: Cluster, agent: FakeAgent, close: Close
) -> None:
    handles = submit(cluster)
    die_closing(cluster, lambda: close(cluster, agent))
    assert len(queue_of(cluster, "a")) > 50

    assert agent.take(50) == []

    assert "started" not in where(handles)


@closing
def test_a_closed_node_starts_nothing_in_the_call_that_delivers_a_result(
    cluster: Cluster, agent: FakeAgent, close: Close
) -> None:
    first = submit(cluster, 1)
    [started] = agent.take()
    handles = submit(cluster, QUEUED - 1)
    die_closing(cluster, lambda: close(cluster, agent))

    assert agent.finish(ok(started.id), room=50) == ["stored"]

    assert agent.runs == {}
    assert where(first) == ["finished"]
    assert "started" not in where(handles)


@closing
@pytest.mark.parametrize("come_by", [ticks, calls_of_its_agent])
def test_what_still_stands_on_the_queue_of_a_closed_node_goes_elsewhere_by_whoever_comes_by(
    cluster: Cluster, agent: FakeAgent, close: Close, come_by: Close
) -> None:
    handles = submit(cluster)
    cluster.register_node("b", {"cpu": FIRST_SLOTS})
    die_closing(cluster, lambda: close(cluster, agent))

    come_by(cluster, agent)

    assert queue_of(cluster, "a") == []
    assert where(handles) == ["b"] * FIRST_SLOTS + ["waiting"] * (QUEUED - FIRST_SLOTS)
    assert {handle.attempts for handle in handles} == {0}


@closing
def test_what_still_stands_on_the_queue_of_a_closed_node_waits_where_there_is_no_other(
    cluster: Cluster, agent: FakeAgent, close: Close
) -> None:
    handles = submit(cluster)
    die_closing(cluster, lambda: close(cluster, agent))

    ticks(cluster, agent)

    assert where(handles) == ["waiting"] * QUEUED


def test_what_stands_on_the_queue_of_a_drained_node_without_an_agent_goes_elsewhere(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS
    cluster.register_node("a", {"cpu": QUEUED})
    handles = submit(cluster)
    cluster.register_node("b", {"cpu": FIRST_SLOTS})
    die_closing(cluster, lambda: cluster.drain("a"))

    for _ in range(CALLS):
        tick(cluster.store)

    assert queue_of(cluster, "a") == []
    assert where(handles) == ["b"] * FIRST_SLOTS + ["waiting"] * (QUEUED - FIRST_SLOTS)


OPENINGS: dict[str, Close] = {
    "undrained": lambda cluster, agent: cluster.undrain("a"),
    "serving": lambda cluster, agent: agent.quiet(False),
}

reopening = pytest.mark.parametrize(
    ("close", "open_again"),
    [(CLOSINGS["drained"], OPENINGS["undrained"]), (CLOSINGS["quiet"], OPENINGS["serving"])],
    ids=OPENINGS,
)


@reopening
def test_a_node_that_is_opened_before_it_was_emptied_starts_all_of_its_queue_once(
    cluster: Cluster, agent: FakeAgent, close: Close, open_again: Close
) -> None:
    handles = submit(cluster)
    die_closing(cluster, lambda: close(cluster, agent))

    open_again(cluster, agent)
    for _ in range(CALLS):
        tick(cluster.store)
        agent.take(50)

    assert where(handles) == ["started"] * QUEUED
    assert {handle.attempts for handle in handles} == {1}


@reopening
def test_a_node_that_is_opened_before_it_was_emptied_keeps_what_is_left_of_its_queue(
    cluster: Cluster, agent: FakeAgent, close: Close, open_again: Close
) -> None:
    submit(cluster)
    die_closing(cluster, lambda: close(cluster, agent))
    cluster.register_node("b", {"cpu": QUEUED})
    left = queue_of(cluster, "a")

    open_again(cluster, agent)
    kept = queue_of(cluster, "a")[: len(left)]
    for _ in range(CALLS):
        tick(cluster.store)

    assert kept == left
    assert queue_of(cluster, "a")[: len(left)] == left


@closing
def test_what_rq_requeues_onto_a_closed_node_runs_elsewhere(cluster: Cluster, agent: FakeAgent, close: Close) -> None:
    [handle] = submit(cluster, 1)
    agent.finish(*(failure(started.id) for started in agent.take()))
    cluster.register_node("b", {"cpu": 1})
    close(cluster, agent)

    handle.job.requeue()
    ticks(cluster, agent)

    assert where([handle]) == ["b"]


def test_what_rq_puts_onto_the_queue_of_a_drained_node_without_an_agent_runs_elsewhere(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS
    cluster.register_node("a", {"cpu": 1})
    cluster.register_node("b", {"cpu": 1})
    cluster.drain("a")

    queue = Queue(f"{cluster.namespace}.a", connection=cluster.connection, serializer=Serializer)
    job = queue.enqueue("tasks.work")
    for _ in range(CALLS):
        tick(cluster.store)

    assert where([cluster.handle(job.id)]) == ["b"]


def test_a_node_lowered_below_what_it_holds_still_starts_what_stands_on_its_queue(
    cluster: Cluster, agent: FakeAgent
) -> None:
    handles = submit(cluster, 2)
    agent.capabilities = {"cpu": 1}
    agent.register()

    assert {started.job_id for started in agent.take(2)} == {handle.id for handle in handles}


MOST_STOPPED = 32
"""At the deadline of a drain, by one script."""


def told_to_stop(cluster: Cluster, agent: FakeAgent) -> int:
    """By one script more."""
    before = set(agent.beat())
    cluster.store.run("tick", room=0, token="t")
    return len(set(agent.beat()) - before)


def test_at_the_deadline_of_a_drain_what_runs_is_told_to_stop_a_few_a_script(
    cluster: Cluster, agent: FakeAgent
) -> None:
    submit(cluster)
    agent.take(QUEUED)
    cluster.drain("a", 1)
    pass_ms(cluster.store, 1000)

    told = []
    while len(agent.beat()) < QUEUED:
        told.append(told_to_stop(cluster, agent))
        assert 0 < told[-1] <= MOST_STOPPED

    assert told_to_stop(cluster, agent) == 0


def test_what_ends_meanwhile_keeps_none_from_being_told_to_stop(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster)
    agent.take(QUEUED)
    cluster.drain("a", 1)
    pass_ms(cluster.store, 1000)
    told_to_stop(cluster, agent)

    agent.finish(*(ok(id) for id in sorted(agent.runs)[::2]))
    ticks(cluster, agent)

    assert sorted(agent.beat()) == sorted(agent.runs)


def test_the_next_drain_stops_all_that_runs_at_its_own_deadline(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster)
    agent.take(QUEUED)
    cluster.drain("a", 1)
    pass_ms(cluster.store, 1000)
    assert told_to_stop(cluster, agent) < QUEUED

    cluster.undrain("a")
    agent.finish(*(ok(id) for id in list(agent.runs)))
    submit(cluster)
    agent.take(QUEUED)
    cluster.drain("a", 1)
    pass_ms(cluster.store, 1000)
    ticks(cluster, agent)

    assert len(agent.beat()) == QUEUED
