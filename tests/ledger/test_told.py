"""What a function tells while it runs is kept with its job, once, and of the attempt that runs alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.told import FunctionProgress
from support.agent import FakeAgent, Stale, failure, killed, ok
from support.expiry import Expiry
from support.told import retry, start, take

START_MS = 1_900_000_000_000

WEEK_S = 7 * 24 * 3600


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=100_000).register()


def keys_of(cluster: Cluster, handle: Handle) -> list[str]:
    return [cluster.store.keys(name, handle.id) for name in ("output", "parts")]


def kept(cluster: Cluster, name: str, handle: Handle) -> list[tuple[bytes, bytes]]:
    """-> of each entry the attempt, and what that has told"""
    entries = cluster.store.read("XRANGE", cluster.store.keys(name, handle.id), "-", "+")
    return [(entry[b"attempt"], entry[b"data"]) for _, entry in entries]


def test_nothing_is_known_of_how_far_a_function_is_before_it_says_so(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    assert handle.progress is None

    agent.tell((id, "progress", 0.25, "epoch 1|2"))

    moment = datetime.fromtimestamp(START_MS / 1000, UTC)
    assert handle.progress == FunctionProgress(0.25, "epoch 1|2", 1, moment)


def test_the_last_progress_is_shown_and_stays_after_the_end(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    agent.tell((id, "progress", 0.25, "a"), (id, "progress", 0.5, ""))

    agent.finish(ok(id))

    assert handle.progress is not None
    assert (handle.progress.fraction, handle.progress.message) == (0.5, None)


def test_a_progress_says_of_which_attempt_it_is(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, max_retries=1)
    agent.tell((id, "progress", 0.9, ""))
    again = retry(cluster, agent, id)
    assert handle.progress is not None
    assert handle.progress.attempt == 1

    agent.tell((again, "progress", 0.1, ""))

    assert (handle.progress.attempt, handle.progress.fraction) == (2, 0.1)


@pytest.mark.parametrize("end", [ok, failure, killed], ids=["finished", "failed", "stopped"])
def test_what_is_told_after_the_end_is_dropped(cluster: Cluster, agent: FakeAgent, end: Any) -> None:
    handle, id = start(cluster, agent)
    agent.finish(end(id))

    agent.tell((id, "progress", 0.5, ""), (id, "output", 1, "x"), (id, "part", 1, "y"))

    assert handle.progress is None
    assert cluster.store.read("EXISTS", *keys_of(cluster, handle)) == 0


def test_what_an_attempt_tells_while_another_runs_is_dropped(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, max_retries=1)
    retry(cluster, agent, id)

    agent.tell((id, "progress", 0.5, ""))

    assert handle.progress is None


def test_an_agent_that_has_lost_its_node_tells_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    agent.epoch = "1"

    with pytest.raises(Stale):
        agent.tell((id, "progress", 0.5, ""))

    assert handle.progress is None


def test_a_job_that_rq_deletes_does_not_come_back_by_what_it_tells(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    handle.job.delete()

    agent.tell((id, "progress", 0.5, ""), (id, "output", 1, "x"))

    assert cluster.store.read("EXISTS", f"rq:job:{handle.id}", *keys_of(cluster, handle)) == 0
    agent.finish(ok(id))


def test_what_was_told_is_kept_once(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    told = [(id, "output", 2, "ab"), (id, "output", 4, "cd"), (id, "part", 1, "x")]
    agent.tell(*told[:2])

    agent.tell(*told)

    assert kept(cluster, "output", handle) == [(b"1", b"ab"), (b"1", b"cd")]
    assert kept(cluster, "parts", handle) == [(b"1", b"x")]


def test_what_is_not_to_be_kept_any_more_is_taken_off(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    agent.tell(*[(id, "output", number, str(number)) for number in (1, 2, 3)])
    agent.tell(*[(id, "part", number, str(number)) for number in (1, 2, 3)])

    agent.tell((id, "dropped", 2, ""), (id, "kept", 3, ""))

    assert kept(cluster, "output", handle) == [(b"1", b"1"), (b"1", b"3")]
    assert kept(cluster, "parts", handle) == [(b"1", b"3")]


def test_the_output_of_the_last_four_attempts_is_kept_and_the_parts_of_the_last(
    cluster: Cluster, agent: FakeAgent
) -> None:
    handle, id = start(cluster, agent, max_retries=5)
    for attempt in range(1, 6):
        agent.tell((id, "output", 1, str(attempt)), (id, "part", 1, str(attempt)), (id, "kept", 1, ""))
        id = retry(cluster, agent, id) if attempt < 5 else id

    assert [attempt for attempt, _ in kept(cluster, "output", handle)] == [b"2", b"3", b"4", b"5"]
    assert kept(cluster, "parts", handle) == [(b"5", b"5")]


def test_what_is_told_expires_with_the_job(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, result_ttl=100)
    expiry = Expiry(cluster.store.client)
    agent.tell((id, "output", 1, "x"), (id, "part", 1, "y"))
    expiry.check(WEEK_S, keys_of(cluster, handle))

    agent.finish(ok(id))

    expiry.check(100, [*keys_of(cluster, handle), f"rq:job:{handle.id}"])


def test_of_a_job_of_which_nothing_is_kept_nothing_told_is(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, result_ttl=0)
    agent.tell((id, "output", 1, "x"), (id, "part", 1, "y"))

    agent.finish(ok(id))

    assert cluster.store.read("EXISTS", *keys_of(cluster, handle)) == 0


def test_who_has_failed_and_makes_way_takes_along_what_it_has_told(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, job_id="f")
    agent.tell((id, "output", 1, "x"), (id, "part", 1, "y"))
    agent.finish(failure(id))

    cluster.enqueue("tasks:work", job_id="f", replace=True)

    assert cluster.store.read("EXISTS", *keys_of(cluster, handle)) == 0


def test_what_is_told_of_a_job_that_is_kept_for_ever_is_kept_for_a_week(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, result_ttl=-1)
    expiry = Expiry(cluster.store.client)
    agent.tell((id, "output", 1, "x"), (id, "part", 1, "y"))

    agent.finish(ok(id))

    expiry.check(WEEK_S, keys_of(cluster, handle))


def test_what_a_function_of_a_run_tells_expires_with_the_run(cluster: Cluster, agent: FakeAgent) -> None:
    run = cluster.submit_dag(DAG().add(Function("f", "tasks:work")))
    id = take(agent)
    expiry = Expiry(cluster.store.client)
    agent.tell((id, "output", 1, "x"), (id, "part", 1, "y"))

    agent.finish(ok(id))

    expiry.check(500, keys_of(cluster, run.handle("f")))


def test_what_others_have_put_in_the_place_of_a_stream_is_no_hindrance(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    for key in keys_of(cluster, handle):
        cluster.store.client.set(key, "x")

    agent.tell((id, "output", 1, "x"), (id, "part", 1, "y"), (id, "kept", 1, ""))

    assert kept(cluster, "output", handle) == [(b"1", b"x")]
    assert kept(cluster, "parts", handle) == [(b"1", b"y")]
