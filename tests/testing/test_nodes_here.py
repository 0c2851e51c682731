"""Nodes of a cluster in the test's process come, change and vanish."""

from __future__ import annotations

import pytest

import unit_tasks
from handoff import NodeLost, UnknownNode
from handoff.testing import ClusterHere, cluster


def test_what_runs_on_a_node_that_is_lost_is_lost_with_it(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1)

    handoff_cluster.lose_node("node")

    with pytest.raises(NodeLost):
        handle.result()
    assert unit_tasks.calls == []


@pytest.mark.handoff(nodes={"a": {"cpu": 1}, "b": {"cpu": 1}})
def test_what_has_retries_runs_elsewhere_after_its_node_is_lost(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, cost={"cpu": 1}, max_retries=1)
    assert handle.node == "a"

    handoff_cluster.lose_node("a")
    handoff_cluster.advance(2)
    handoff_cluster.run_all()

    assert (handle.result(), handle.node, handle.attempts) == (1, "b", 2)


@pytest.mark.handoff(nodes={"a": {"slots": 1}})
def test_what_has_not_started_is_not_lost(handoff_cluster: ClusterHere) -> None:
    lost, waits = (handoff_cluster.enqueue(unit_tasks.note, number) for number in range(2))

    handoff_cluster.lose_node("a")
    handoff_cluster.add_node("a", {"slots": 1})
    handoff_cluster.run_all()

    assert (lost.status, waits.status, waits.attempts) == ("failed", "finished", 1)


def test_a_failure_callback_is_told_of_a_loss(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, on_failure=unit_tasks.told)
    handoff_cluster.lose_node("node")
    handoff_cluster.add_node("other", {"cpu": 1})

    handoff_cluster.run_all()

    assert [call[:2] for call in unit_tasks.calls] == [("failed", handle.id)]


def test_what_waits_runs_on_a_node_that_comes(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, cost={"gpu": 1}, where={"zone": "a"})
    assert handoff_cluster.run_all() == 0

    handoff_cluster.add_node("late", {"gpu": 1}, labels={"zone": "a"})

    assert (handoff_cluster.run_all(), handle.node) == (1, "late")


def test_an_unknown_node_cannot_be_lost(handoff_cluster: ClusterHere) -> None:
    with pytest.raises(UnknownNode):
        handoff_cluster.lose_node("nowhere")


def test_a_node_that_is_there_is_not_added_again_and_keeps_what_runs(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1)

    with pytest.raises(ValueError, match="there is a node 'node' already"):
        handoff_cluster.add_node("node", {"cpu": 1})

    assert handle.result() == 1


def test_without_nodes_all_is_infeasible() -> None:
    with cluster(nodes={}) as empty:
        handle = empty.enqueue(unit_tasks.note, 1)

        assert (empty.run_all(), handle.verdict and handle.verdict.state) == (0, "infeasible")
