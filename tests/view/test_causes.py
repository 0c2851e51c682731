"""Why functions wait, as one word each: the word says what the sentence says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.view.causes import CAUSES, cause_of
from handoff.why.explain import explain
from handoff.words.variants import After
from support.status import idle_agent

Scene = Callable[[Cluster], Handle]


def infeasible(cluster: Cluster) -> Handle:
    cluster.register_node("a", {"cpu": 4})
    return cluster.enqueue("tasks:f", cost={"gpu": 1})


def later(cluster: Cluster) -> Handle:
    cluster.register_node("a", {"cpu": 4})
    return cluster.enqueue("tasks:f", cost=[After(600, {"cpu": 1})])


def short(cluster: Cluster) -> Handle:
    cluster.register_node("a", {"cpu": 4})
    cluster.tracker.request("a", {"cpu": 2})
    return cluster.enqueue("tasks:f", cost={"cpu": 3})


def closed(cluster: Cluster) -> Handle:
    idle_agent(cluster).quiet("")
    return cluster.enqueue("tasks:f", cost={"cpu": 1})


def held(cluster: Cluster) -> Handle:
    cluster.limit_overtaking(count=1, seconds=None)
    cluster.register_node("a", {"cpu": 4})
    cluster.tracker.request("a", {"cpu": 1})
    cluster.enqueue("tasks:f", cost={"cpu": 4})
    for _ in range(2):
        last = cluster.enqueue("tasks:f", cost={"cpu": 1})
    return last


def shared(cluster: Cluster) -> Handle:
    cluster.share({"license": 1})
    cluster.register_node("a", {"cpu": 4})
    cluster.enqueue("tasks:f", cost={"license": 1})
    return cluster.enqueue("tasks:f", cost={"license": 1, "cpu": 1})


def run_limit(cluster: Cluster) -> Handle:
    cluster.register_node("a", {"cpu": 4})
    dag = DAG("night").add(Function("first", "tasks:f", cost={"cpu": 1}))
    dag.add(Function("second", "tasks:f", cost={"cpu": 1}))
    run = cluster.submit_dag(dag, max_concurrency=1)
    return run.handle("second")


SCENES: list[Scene] = [infeasible, later, short, closed, held, shared, run_limit]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_what_keeps_it_from_starting_is_one_word(cluster: Cluster, scene: Scene) -> None:
    assert cause_of(explain(cluster.store, scene(cluster).id)) == scene.__name__


def test_every_word_but_that_of_a_moment_has_a_scene() -> None:
    assert {scene.__name__ for scene in SCENES} == {*CAUSES} - {"starting"}
