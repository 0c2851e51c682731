"""Public calls by which a script was once ended in its midst."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import InvalidFunction
from handoff.ledger.asking import ScriptBug
from handoff.words.function import Function
from support.agent import FakeAgent, ok
from support.books import assert_nothing_held
from support.graphs import function, graph
from support.yard import bend


def test_a_claim_with_a_strategy_that_there_is_not_is_refused_and_nothing_is_claimed(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 4})
    bogus: Any = "bogus"
    functions = [Function("f", "tasks:work", cost={"cpu": 2}, strategy=bogus)]

    with pytest.raises((InvalidFunction, ValueError)):
        cluster.tracker.allocate_and_claim(functions)
    with pytest.raises(ScriptBug, match="argument entries"):
        cluster.store.run("allocate", "~c", "0", "bogus", "", "cpu=20000", among="", ttl_ms=0, owner="")

    assert_nothing_held(cluster.store)


def test_a_run_may_be_kept_for_longer_than_redis_counts_and_is_kept_for_ever(cluster: Cluster) -> None:
    cluster.store.now_ms = 1_900_000_000_000
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    with pytest.raises(ValueError, match="whole seconds"):
        cluster.submit_dag(graph(function("f")), result_ttl=sys.maxsize)
    # As an older client submits it.
    run = cluster.submit_dag(graph(function("f")))
    [started] = agent.take()
    key = cluster.store.keys("run", started.job_id.rpartition("-")[0])
    bend(cluster.store.client, key, "result_ttl", str(sys.maxsize))

    assert agent.finish(ok(started.id)) == ["stored"]
    cluster.store.run("tick", room=0, token="t")

    assert run.status == "finished"
    client: Any = cluster.store.client
    assert client.ttl(cluster.store.keys("rq_job", started.job_id)) == -1


@pytest.mark.parametrize("value", ["1.5", str(sys.maxsize), "nan", "soon"])
def test_a_function_may_save_whatever_it_likes_as_its_own_lifetime(cluster: Cluster, value: str) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    handle = cluster.enqueue("tasks:work", cost={"cpu": 1})
    [started] = agent.take()
    bend(cluster.store.client, cluster.store.keys("rq_job", handle.id), "result_ttl", value)

    assert agent.finish(ok(started.id)) == ["stored"]

    assert handle.status == "finished"
    assert_nothing_held(cluster.store)
