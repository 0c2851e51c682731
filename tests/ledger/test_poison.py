"""A function that dies three times in a row is failed with that history; what else ends an attempt is no death."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rq.job import Job

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import FunctionFailed
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, Result, died, failure, killed
from support.passing import pass_ms

LEASE_MS = 15_000

KILLED = "its child process was killed by signal 9 (SIGKILL)"

End = Callable[[Cluster, FakeAgent], None]


def finishing(make: Callable[[str], Result]) -> End:
    def end(cluster: Cluster, agent: FakeAgent) -> None:
        (id,) = agent.runs
        agent.finish(make(id))

    return end


def lose(cluster: Cluster, agent: FakeAgent) -> None:
    pass_ms(cluster.store, LEASE_MS)
    tick(cluster.store)


def drain(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.drain(agent.name, deadline=1)
    pass_ms(cluster.store, 1000)
    tick(cluster.store)
    (stopped,) = agent.beat()
    agent.finish(killed(stopped))
    cluster.undrain(agent.name)


def lose_the_reply(cluster: Cluster, agent: FakeAgent) -> None:
    agent.runs.clear()
    agent.beat()


def leaving(cause: str = "") -> End:
    def leave(cluster: Cluster, agent: FakeAgent) -> None:
        agent.goodbye(cause)

    return leave


child_dies = finishing(died)

DEATHS: dict[str, End] = {
    "child": child_dies,
    "node": lose,
    "agent": leaving(),
}

ASKED_FOR: dict[str, End] = {
    "drained": drain,
    "told to end": leaving("grace 30"),
    "deregistered": lambda cluster, agent: cluster.deregister_node(agent.name),
    "a reply was lost": lose_the_reply,
    "rq's kill-horse": finishing(lambda id: Result(id, "failed", error="handoff.ChildDied", retryable=True)),
}


@pytest.fixture(autouse=True)
def own_clock(cluster: Cluster) -> None:
    cluster.store.now_ms = 1_800_000_000_000


def attempt(cluster: Cluster, name: str, end: End) -> None:
    """Have whatever waits run on a node of that name, and end so."""
    agent = FakeAgent(cluster.store, name, {}, lease_ms=LEASE_MS).register()
    pass_ms(cluster.store, 1)
    if not agent.take():
        # The pause before a retry; the agent is heard of meanwhile.
        for _ in range(6):
            pass_ms(cluster.store, 12_000)
            agent.beat()
            tick(cluster.store)
        assert agent.take()
    end(cluster, agent)
    agent.goodbye("grace 0")


def submit(cluster: Cluster, **options: Any) -> Handle:
    return cluster.enqueue("m:f", max_retries=10, **options)


def seen_by_rq(cluster: Cluster, handle: Handle) -> str:
    result = Job.fetch(handle.id, connection=cluster.connection).latest_result()
    assert result is not None
    return str(result.exc_string)


@pytest.mark.parametrize("last", DEATHS.values(), ids=DEATHS)
def test_a_function_that_dies_three_times_in_a_row_is_failed_with_the_history_of_it(
    cluster: Cluster, last: End
) -> None:
    handle = submit(cluster)
    attempt(cluster, "a", child_dies)
    attempt(cluster, "b", lose)
    assert handle.status == "delayed"
    attempt(cluster, "c", last)

    with pytest.raises(FunctionFailed) as caught:
        handle.result(0)
    error = caught.value
    assert (error.exception_type, error.attempts, error.node) == ("handoff.Poisoned", 3, "c")
    first, second, third = error.message.partition(": ")[2].split("; ")
    assert error.message.startswith("it has died 3 times in a row: 2027-01-15T08:00:00")
    assert first.endswith(f"Z on node a: {KILLED}")
    assert second.endswith("Z on node b: the node was lost")
    assert " on node c: " in third
    assert first < second < third
    lines = ["handoff.Poisoned: it has died 3 times in a row", *(f"  {each}" for each in (first, second, third))]
    assert error.traceback.splitlines() == lines
    assert seen_by_rq(cluster, handle).splitlines() == lines


@pytest.mark.parametrize("asked_for", ASKED_FOR.values(), ids=ASKED_FOR)
def test_what_somebody_has_asked_for_is_no_death(cluster: Cluster, asked_for: End) -> None:
    handle = submit(cluster)
    for end in (child_dies, child_dies, asked_for):
        attempt(cluster, "a", end)
    assert (handle.status, handle.attempts) == ("delayed", 3)

    for _ in range(3):
        attempt(cluster, "a", asked_for)

    assert (handle.status, handle.attempts) == ("delayed", 6)


@pytest.mark.parametrize("between", ["told to end", "drained", "a reply was lost"])
def test_what_takes_it_from_its_node_does_not_end_the_row(cluster: Cluster, between: str) -> None:
    handle = submit(cluster)

    for end in (child_dies, child_dies, ASKED_FOR[between], child_dies):
        attempt(cluster, "a", end)

    assert (handle.status, handle.attempts) == ("failed", 4)


def test_an_attempt_that_came_to_an_end_of_its_own_begins_a_new_row(cluster: Cluster) -> None:
    handle = submit(cluster)

    for end in (child_dies, child_dies, finishing(failure), child_dies, child_dies):
        attempt(cluster, "a", end)
    assert handle.status == "delayed"
    attempt(cluster, "a", child_dies)

    assert (handle.status, handle.attempts) == ("failed", 6)


@pytest.mark.parametrize("end", [child_dies, lose], ids=["child", "node"])
def test_with_fewer_retries_it_fails_as_what_has_died_does(cluster: Cluster, end: End) -> None:
    handle = cluster.enqueue("m:f", max_retries=1)

    attempt(cluster, "a", end)
    attempt(cluster, "a", end)

    assert handle.status == "failed"
    assert "Poisoned" not in seen_by_rq(cluster, handle)


def test_what_rq_brings_back_may_die_three_times_more(cluster: Cluster) -> None:
    handle = submit(cluster)
    for _ in range(3):
        attempt(cluster, "a", child_dies)
    assert handle.status == "failed"

    handle.job.requeue()

    for _ in range(2):
        attempt(cluster, "a", child_dies)
        assert handle.status == "delayed"
    attempt(cluster, "a", child_dies)
    assert handle.status == "failed"


@pytest.mark.parametrize("last", [child_dies, lose], ids=["child", "node"])
def test_its_on_failure_is_handed_to_whoever_ticks_once(cluster: Cluster, last: End) -> None:
    handle = submit(cluster, on_failure="m:told", failure_ttl=0)
    for end in (child_dies, child_dies, last):
        attempt(cluster, "a", end)

    handed = [cluster.store.run("tick", room=4, token=token)[2] for token in ("one", "two")]

    assert [[id.decode() for id, *_ in each] for each in handed] == [[handle.id], []]


@pytest.mark.parametrize("written", ["", "\n\n", "nonsense", "a b c\n" * 1000, "x" * 100_000, "\x00 \xff \x01"])
def test_what_others_have_written_over_its_history_harms_nobody(cluster: Cluster, written: str) -> None:
    handle = submit(cluster)
    attempt(cluster, "a", child_dies)
    cluster.store.client.hset(cluster.store.keys("rq_job", handle.id), "h_deaths", written)

    attempt(cluster, "a", child_dies)

    assert handle.status in ("delayed", "failed")
