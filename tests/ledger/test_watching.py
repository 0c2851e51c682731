"""Who watches a function is given each change of where it stands, and of how far it is."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from handoff.ledger import housekeeping
from handoff.ledger.watching import FunctionState
from support.agent import FakeAgent, ok
from support.told import start, take
from support.waiting import LIMIT_S

START_MS = 1_900_000_000_000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=100_000).register()


@pytest.fixture
def unlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by the clock within a test."""
    monkeypatch.setattr(housekeeping, "WAIT_SLICE_S", LIMIT_S)


def told(state: FunctionState) -> tuple[str, str | None, int, float | None]:
    return state.status, state.node, state.attempts, state.progress.fraction if state.progress else None


def test_what_stands_now_is_given_and_then_what_changes_until_the_end(
    cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "WAIT_SLICE_S", 0.01)
    handle = cluster.enqueue("tasks:work")
    states = handle.watch()
    assert told(next(states)) == ("queued", "a", 0, None)

    id = take(agent)
    assert told(next(states)) == ("started", "a", 1, None)

    agent.tell((id, "progress", 0.25, "epoch 1"))
    assert told(next(states)) == ("started", "a", 1, 0.25)

    agent.finish(ok(id))
    assert [told(state) for state in states] == [("finished", "a", 1, 0.25)]


def test_of_one_that_has_ended_the_end_is_given_whatever_the_limit_of_time(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    agent.finish(ok(id))

    assert [told(state) for state in handle.watch(timeout=0)] == [("finished", "a", 1, None)]


@pytest.mark.usefixtures("unlooked")
@pytest.mark.parametrize("passes_ms", [1, 0, -1000], ids=["later", "in the same moment", "by a clock set back"])
def test_a_progress_wakes_who_begins_to_watch(cluster: Cluster, agent: FakeAgent, passes_ms: int) -> None:
    handle, id = start(cluster, agent)
    agent.tell((id, "progress", 0.25, ""))
    cluster.store.now_ms += passes_ms
    agent.tell((id, "progress", 0.5, ""))
    states = handle.watch()
    assert told(next(states))[3] == 0.5

    cluster.store.now_ms += 1
    agent.tell((id, "progress", 0.75, ""))

    assert told(next(states))[3] == 0.75


@pytest.mark.usefixtures("unlooked")
def test_an_end_wakes_who_watches(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    states = handle.watch()
    next(states)

    agent.finish(ok(id))

    assert [told(state)[0] for state in states] == ["finished"]


@pytest.mark.usefixtures("unlooked")
def test_what_an_earlier_function_of_that_id_has_said_wakes_who_watches_once_at_most(
    cluster: Cluster, agent: FakeAgent
) -> None:
    _, id = start(cluster, agent, job_id="again")
    agent.tell((id, "progress", 0.25, ""))
    agent.finish(ok(id))
    cluster.connection.delete(cluster.store.keys("rq_job", "again"), cluster.store.keys("rq_results", "again"))
    handle = cluster.enqueue("tasks:work", job_id="again")
    looks: list[str] = []
    run = cluster.store.run
    cluster.store.run = lambda script, *rest, **given: looks.append(script) or run(script, *rest, **given)  # type: ignore[method-assign, func-returns-value]

    states = handle.watch(timeout=0.05)
    assert told(next(states)) == ("queued", "a", 0, None)
    with pytest.raises(TimeoutError, match=r"function 'again' is queued after 0\.05 s"):
        next(states)

    assert looks in (["look"] * count for count in (1, 2, 3))


def test_a_limit_of_time_that_is_none_is_refused_before_anything_is_asked(cluster: Cluster, agent: FakeAgent) -> None:
    handle, _ = start(cluster, agent)

    with pytest.raises(ValueError, match="timeout is 'soon'"):
        handle.watch(timeout="soon")  # type: ignore[arg-type]


def test_one_that_is_gone_is_unknown(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    agent.finish(ok(id))
    handle.job.delete()

    with pytest.raises(UnknownFunction):
        next(handle.watch())
