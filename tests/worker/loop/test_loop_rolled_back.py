"""The agent's loop after Redis was rolled back: first it tells what has ended, then it goes on."""

from __future__ import annotations

import pytest
from rq import Queue

from handoff.client.cluster import Cluster
from support.agent_loop import LEASE_S, Loop
from support.roll_back import snapshot

PAUSE_S = LEASE_S / 3
"""For so long it takes nothing: others may have to tell what stands on its queue."""


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch)


def test_what_ended_is_not_run_again_and_what_came_of_it_is_told(loop: Loop) -> None:
    loop.step()
    handle = loop.cluster.enqueue("tasks:work")
    bring_back = snapshot(loop.cluster)
    loop.pass_s(1)
    loop.step()
    loop.finish()
    loop.step()
    assert handle.status == "finished"
    bring_back()
    assert handle.status == "queued"

    loop.pass_s(LEASE_S / 3)
    loop.step(3)

    assert handle.status == "finished"
    assert loop.running() == [handle.id]


def test_it_is_told_before_a_result_is_delivered(loop: Loop) -> None:
    first, second = (loop.cluster.enqueue("tasks:work") for _ in range(2))
    loop.step()
    bring_back = snapshot(loop.cluster)
    loop.finish(0)
    loop.step()
    bring_back()
    loop.calls()

    loop.finish(1)
    loop.step(2)

    assert loop.calls()[:2] == ["finish", "recall"]
    loop.step(2)
    assert [first.status, second.status] == ["finished", "finished"]


def test_for_a_while_nothing_is_taken(loop: Loop) -> None:
    loop.cluster.enqueue("tasks:work")
    loop.step()
    bring_back = snapshot(loop.cluster)
    loop.finish()
    loop.step()
    bring_back()
    loop.pass_s(LEASE_S / 3)
    loop.step()
    new = loop.cluster.enqueue("tasks:work")

    loop.step(3)
    assert new.status == "queued"
    loop.pass_s(PAUSE_S)
    loop.step(3)

    assert new.status == "started"


def test_what_is_started_once_more_is_not_launched(loop: Loop) -> None:
    handle = loop.cluster.enqueue("tasks:work")
    bring_back = snapshot(loop.cluster)
    loop.step()
    loop.finish()
    loop.step()
    bring_back()
    # Nobody has told anything: the numbers of calls are as they were, as where the books of a node are older still.
    loop.cluster.connection.hset(loop.cluster.store.keys("node", "a"), "op", 2)

    loop.pass_s(1)
    loop.step(3)

    assert loop.running() == [handle.id]
    assert (handle.status, handle.attempts) == ("finished", 1)


def test_an_agent_that_registers_anew_tells_it_and_takes_at_once_where_nothing_was_rolled_back(loop: Loop) -> None:
    loop.cluster.enqueue("tasks:work")
    loop.step()
    loop.finish()
    loop.step()
    loop.pass_s(2 * LEASE_S)
    loop.step()
    assert loop.calls()[-1] == "register"
    new = loop.cluster.enqueue("tasks:work")

    loop.step(3)

    assert "recall" in loop.calls()
    assert new.status == "started"


def test_a_job_that_rq_puts_onto_the_queue_once_more_is_run_once_more(loop: Loop) -> None:
    queue = Queue(f"{loop.cluster.namespace}.a", connection=loop.cluster.connection)
    job = queue.enqueue("tasks.work")
    loop.step()
    loop.finish()
    loop.step()
    job.delete()

    queue.enqueue_job(job)
    loop.pass_s(1)
    loop.step(3)

    assert loop.running() == [job.id, job.id]
