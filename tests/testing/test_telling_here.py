"""What functions tell is known of those too that run in the test's process."""

from __future__ import annotations

import sys

import unit_tasks
from handoff.testing import ClusterHere


def test_how_far_a_function_has_come_is_known(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.report, 3)

    handoff_cluster.run_all()

    assert handle.progress is not None
    assert (handle.progress.fraction, handle.progress.message, handle.progress.attempt) == (1.0, "step 3", 1)


def test_what_a_generator_returns_is_its_result(handoff_cluster: ClusterHere) -> None:
    assert handoff_cluster.enqueue(unit_tasks.count, 3).result() == "counted"


def test_streams_are_left_as_they_were(handoff_cluster: ClusterHere) -> None:
    write = sys.stdout.write
    handoff_cluster.enqueue(unit_tasks.report, 3)

    handoff_cluster.run_all()

    assert sys.stdout.write == write
