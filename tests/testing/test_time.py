"""Time passes for the scripts when the test says so, and never for the test's own functions."""

from __future__ import annotations

import time

import pytest

import unit_tasks
from handoff import After, FunctionFailed, UnknownFunction, WaitExpired
from handoff.testing import ClusterHere

DAY_S = 24 * 3600


def test_a_delay_ends_when_its_time_has_passed(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, delay=60)
    assert handoff_cluster.run_all() == 0

    handoff_cluster.advance(59)
    assert (handoff_cluster.run_all(), handle.status) == (0, "delayed")
    handoff_cluster.advance(1)

    assert (handoff_cluster.run_all(), handle.status) == (1, "finished")


def test_nothing_becomes_due_by_itself(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, delay=0.001)
    time.sleep(0.01)

    assert (handoff_cluster.run_all(), handle.status) == (0, "delayed")


def test_a_retry_waits_its_backoff_out(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.fail, "no", max_retries=1)
    handoff_cluster.run_all()
    assert (handle.status, handle.attempts) == ("delayed", 1)

    handoff_cluster.advance(2)
    handoff_cluster.run_all()

    assert (handle.status, handle.attempts) == ("failed", 2)


def test_only_after_what_it_names_a_function_is_tried_again_and_as_soon_as_it_says(
    handoff_cluster: ClusterHere,
) -> None:
    other = handoff_cluster.enqueue(unit_tasks.fail, "no", max_retries=1, retry_on=OSError)
    named = handoff_cluster.enqueue(
        unit_tasks.fail, "no", max_retries=1, retry_on=[OSError, "ValueError"], retry_after=90
    )
    handoff_cluster.run_all()
    assert (other.status, other.attempts) == ("failed", 1)

    handoff_cluster.advance(89)
    assert (handoff_cluster.run_all(), named.status) == (0, "delayed")
    handoff_cluster.advance(1)

    assert (handoff_cluster.run_all(), named.status, named.attempts) == (1, "failed", 2)


def test_time_goes_on_to_the_next_moment_at_which_something_is_due(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.fail, "no", max_retries=1)
    later = handoff_cluster.enqueue(unit_tasks.note, 1, delay=60)
    handoff_cluster.run_all()

    waited_s = handoff_cluster.advance_to_next()
    assert 0 < waited_s <= 1.2, "a second of backoff, +-20 %, of which some may have passed"
    assert (handoff_cluster.run_all(), handle.status, later.status) == (1, "failed", "delayed")
    assert waited_s + handoff_cluster.advance_to_next() == pytest.approx(60)
    assert handoff_cluster.run_all() == 1

    assert handoff_cluster.advance_to_next() == 0


def test_a_second_cost_counts_when_the_first_was_waited_for_long_enough(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, cost=[{"gpu": 1}, After(30, {"cpu": 1})])
    assert (handoff_cluster.run_all(), handle.status) == (0, "waiting")

    handoff_cluster.advance(31)

    assert (handoff_cluster.run_all(), handle.status) == (1, "finished")


def test_one_that_may_not_wait_for_longer_fails(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, cost={"gpu": 1}, wait_ttl=10)

    handoff_cluster.advance(11)

    with pytest.raises(WaitExpired):
        handle.result()


def test_results_expire_with_the_time_that_passes(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, result_ttl=100)
    handoff_cluster.run_all()

    handoff_cluster.advance(99)
    assert handle.result() == 1
    handoff_cluster.advance(2)

    with pytest.raises(UnknownFunction):
        handle.result()
    assert [each.id for each in handoff_cluster.submitted] == [handle.id]


def test_nodes_live_on_however_much_time_passes(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.advance(3 * DAY_S)

    assert handoff_cluster.enqueue(unit_tasks.note, 1).result() == 1


def test_rqs_timestamps_move_and_the_users_clock_does_not(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.advance(DAY_S)
    handle = handoff_cluster.enqueue(unit_tasks.now_s)
    handoff_cluster.run_all()

    assert handle.job.ended_at is not None
    assert handle.job.ended_at.timestamp() - handle.result() > DAY_S / 2


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_goes_on_by_a_finite_number_of_seconds(handoff_cluster: ClusterHere, seconds: float) -> None:
    with pytest.raises(ValueError, match="time goes on"):
        handoff_cluster.advance(seconds)


def test_a_failure_is_kept_for_its_own_time(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.fail, "no", failure_ttl=1000)
    handoff_cluster.run_all()
    handoff_cluster.advance(900)

    with pytest.raises(FunctionFailed):
        handle.result()
