"""What functions tell is known of those too that run in the test's process."""

from __future__ import annotations

import sys

import pytest

import handoff
import handoff.testing
import unit_tasks
from handoff.errors import FunctionFailed
from handoff.testing import ClusterHere, NothingRuns


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


def test_what_a_function_prints_is_known_and_shown(
    handoff_cluster: ClusterHere, capsys: pytest.CaptureFixture[str]
) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.report, 2)

    handoff_cluster.run_all()

    assert handle.logs() == capsys.readouterr().out == "step 1\nstep 2\n"


def test_who_follows_what_a_function_prints_has_it_run(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.report, 2)

    assert list(handle.logs(follow=True)) == ["step 1", "step 2"]


def test_what_a_generator_yields_is_there_after_it_has_run(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.count, 3)
    handoff_cluster.run_all()

    assert list(handle.stream()) == [0, 1, 2]


def test_who_reads_a_stream_has_the_generator_run_and_tried_again(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.count_and_fail, 2, max_retries=1)
    handoff_cluster.run_all()
    parts = handle.stream(restart=True)
    assert [next(parts), next(parts)] == [0, 1]

    handoff_cluster.advance(5)

    with pytest.raises(FunctionFailed, match="no more"):
        list(parts)
    with pytest.raises(NothingRuns):
        list(handoff_cluster.enqueue(unit_tasks.count, 1, cost={"gpu": 1}).stream())


def test_a_function_that_is_called_by_itself_finds_itself_and_what_it_tells_is_kept() -> None:
    with handoff.testing.current(node="here", devices={"gpu": [1]}, cost={"gpu": 1}) as told:
        unit_tasks.report(2)
        found = handoff.current()

    assert told.progress == [(0.5, "step 1"), (1.0, "step 2")]
    assert (found.node, found.devices, found.cost, found.attempt) == ("here", {"gpu": [1]}, {"gpu": 1}, 1)
    with pytest.raises(RuntimeError):
        handoff.current()


def test_a_function_that_had_another_run_still_finds_itself(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.ask_and_tell)

    assert handle.result() == handle.id


def test_who_watches_what_cannot_run_is_told_so(handoff_cluster: ClusterHere) -> None:
    watched = handoff_cluster.enqueue(unit_tasks.note, 1, cost={"gpu": 1}).watch()

    assert next(watched).status == "waiting"
    with pytest.raises(NothingRuns):
        next(watched)
