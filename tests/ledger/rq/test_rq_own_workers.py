"""A worker of RQ's own on our queues, as people run it in tests: what it has ended is given back, without an agent."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from rq import Queue, SimpleWorker

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import FunctionFailed
from handoff.serializer import Serializer
from support.agent import FakeAgent, ok
from support.books import assert_nothing_held
from support.submits import NOW_MS

LOOKS: dict[str, Callable[[Handle], object]] = {
    "result": lambda handle: handle.result(timeout=0),
    "status": lambda handle: handle.status,
    "attempts": lambda handle: handle.attempts,
}


@pytest.fixture
def node(cluster: Cluster) -> str:
    cluster.store.now_ms = NOW_MS
    cluster.register_node("a", {"gpu": 1})
    return "a"


def work(cluster: Cluster, node: str) -> None:
    """Let such a worker run all that stands on the node's queue."""
    queue = Queue(cluster.store.keys.queue(node), connection=cluster.connection, serializer=Serializer)
    SimpleWorker([queue], connection=cluster.connection, serializer=Serializer).work(burst=True, logging_level="ERROR")


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_at_what_it_has_run_gives_the_room_to_the_next(cluster: Cluster, node: str, look: str) -> None:
    first, second = (cluster.enqueue(operator.add, n, 1, cost={"gpu": 1}) for n in (1, 2))
    work(cluster, node)
    assert cluster.tracker.available(node)["gpu"] == 0

    LOOKS[look](first)

    assert second.status == "queued"
    work(cluster, node)
    assert (first.result(timeout=0), second.result(timeout=0)) == (2, 3)
    assert_nothing_held(cluster.store)


def test_what_has_failed_under_it_gives_its_room_back_too(cluster: Cluster, node: str) -> None:
    handle = cluster.enqueue(operator.truediv, 1, 0, cost={"gpu": 1})
    work(cluster, node)

    with pytest.raises(FunctionFailed):
        handle.result(timeout=0)

    assert_nothing_held(cluster.store)


def test_of_what_an_agent_has_ended_nothing_is_asked_but_to_read_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = FakeAgent(cluster.store, "a", {"gpu": 1}).register()
    handle = cluster.enqueue(operator.add, 1, 1, cost={"gpu": 1})
    [started] = agent.take()
    agent.finish(ok(started.id, 2))
    monkeypatch.setattr(cluster.store, "attempt", lambda script, **_: pytest.fail(script))

    assert (handle.status, handle.result(timeout=0)) == ("finished", 2)


def test_what_waits_holds_nothing_that_could_be_given_back(cluster: Cluster, node: str) -> None:
    queued = cluster.enqueue(operator.add, 1, 1, cost={"gpu": 1})

    assert cluster.store.run("give_back", job_id=queued.id) == ["nothing"]

    assert cluster.tracker.available(node)["gpu"] == 0
