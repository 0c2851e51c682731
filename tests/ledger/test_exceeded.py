"""A function that was stopped, for it used more memory than it had declared: its end, or one more attempt with more."""

from __future__ import annotations

from typing import Any

import pytest

from handoff import DAG, Collocated, Function, InvalidFunction, MemoryExceeded
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from handoff.ledger.texts.usage import FunctionUsage
from handoff.why.function_status import read_function
from handoff.words.function import OnMemoryExceeded
from support.agent import FakeAgent, exceeded, failure, ok
from support.passing import pass_ms
from support.told import brought_back, take

START_MS = 1_900_000_000_000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2, "memory": 2000}, lease_ms=100_000).register()


def start(cluster: Cluster, agent: FakeAgent, memory: float = 500, **options: Any) -> tuple[Handle, str]:
    handle = cluster.enqueue("tasks:f", cost={"cpu": 1, "memory": memory}, **options)
    return handle, take(agent)


def raised(handle: Handle) -> MemoryExceeded:
    with pytest.raises(MemoryExceeded) as caught:
        handle.result(timeout=0)
    return caught.value


def test_it_fails_with_what_it_had_declared_and_used(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)

    assert agent.finish(exceeded(id, 912)) == ["failed"]

    error = raised(handle)
    assert (handle.status, error.declared, error.used) == ("failed", 500, 912)


def test_retries_are_not_for_that(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, max_retries=3)

    agent.finish(exceeded(id, 912))

    assert (handle.status, handle.attempts) == ("failed", 1)


@pytest.mark.parametrize(("used", "wanted"), [(600, 1000), (900, 1125)])
def test_it_grows_to_twice_the_declared_or_to_the_used_and_a_quarter(
    cluster: Cluster, agent: FakeAgent, used: int, wanted: int
) -> None:
    handle, id = start(cluster, agent, on_memory_exceeded="grow")

    assert agent.finish(exceeded(id, used)) == ["retrying"]

    assert read_function(cluster.store, handle.id).cost == {"cpu": 1, "memory": wanted}
    agent.finish(ok(brought_back(cluster, agent), "done"))
    assert (handle.result(timeout=0), handle.attempts) == ("done", 2)


def test_it_grows_once(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, memory=300, on_memory_exceeded="grow", max_retries=3)
    agent.finish(exceeded(id, 400))

    agent.finish(exceeded(brought_back(cluster, agent), 800))

    error = raised(handle)
    assert (error.declared, error.used, handle.attempts) == (600, 800, 2)


def test_the_attempt_with_more_is_beside_the_retries(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, on_memory_exceeded="grow", max_retries=1)
    agent.finish(exceeded(id, 600))

    agent.finish(failure(brought_back(cluster, agent)))
    agent.finish(failure(brought_back(cluster, agent)))

    assert (handle.status, handle.attempts) == ("failed", 3)


def test_a_function_of_a_graph_grows_where_it_or_its_graph_says_so(cluster: Cluster, agent: FakeAgent) -> None:
    said: list[OnMemoryExceeded | None] = [None, "fail", "grow"]
    dag = DAG()
    for each in said:
        dag.add(Function(str(each), "m:f", cost={"memory": 300}, on_memory_exceeded=each))
    run = cluster.submit_dag(dag, on_memory_exceeded="grow", fail_fast=False)
    usual = cluster.submit_dag(DAG().add(Function("f", "m:f", cost={"memory": 300})))
    agent.take(room=4)

    agent.finish(*(exceeded(id, 400) for id in agent.runs))

    assert [run.handle(str(each)).status for each in said] == ["delayed", "failed", "delayed"]
    assert usual.handle("f").status == "failed"


def test_of_memory_of_gpus_the_same_is_so(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS
    agent = FakeAgent(cluster.store, "a", {"gpu": 1}, device_memory={"gpu": 9000}, lease_ms=100_000).register()
    cost = {"gpu_memory": 2000}
    fails, grows, hopeless = (
        (cluster.enqueue("tasks:f", cost=cost, on_memory_exceeded=how), take(agent)) for how in ("fail", "grow", "grow")
    )

    agent.finish(
        *(exceeded(id, used, of_gpus=True) for (_, id), used in ((fails, 3000), (grows, 3600), (hopeless, 8000)))
    )

    error = raised(fails[0])
    assert (error.declared, error.used, error.resource, error.wanted) == (2000, 3000, "gpu_memory", None)
    assert "it used 3000 MB of gpu_memory and had declared 2000" in str(error)
    assert fails[0].usage == FunctionUsage(41, None, 1.5, 3000)
    assert read_function(cluster.store, grows[0].id).cost == {"gpu_memory": 4500}
    assert "no live node on which it may run could hold gpu_memory 10000" in str(raised(hopeless[0]))


def test_what_no_node_could_hold_is_not_tried(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, memory=1500, on_memory_exceeded="grow")

    agent.finish(exceeded(id, 1700))

    assert "no live node on which it may run could hold memory 3000" in str(raised(handle))


def test_all_that_it_may_cost_grows_and_what_asks_for_more_stays(cluster: Cluster, agent: FakeAgent) -> None:
    costs = [{"cpu": 1, "memory": 500}, {"cpu": 2, "memory": 100}, {"memory": 1800}, {"cpu": 2}]
    handle = cluster.enqueue("tasks:f", cost=costs, on_memory_exceeded="grow")

    agent.finish(exceeded(take(agent), 600))

    grown = [variant.cost.get("memory") for variant in read_function(cluster.store, handle.id).variants]
    assert grown == [1000, 1000, 1800, None]


def test_what_is_retried_by_hand_asks_for_what_it_had_declared(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, memory=300, on_memory_exceeded="grow", max_retries=2)
    agent.finish(exceeded(id, 400))
    agent.finish(exceeded(brought_back(cluster, agent), 800))

    handle.retry()

    assert read_function(cluster.store, handle.id).cost == {"cpu": 1, "memory": 300}
    for _ in range(2):
        agent.finish(failure(take(agent)))
        pass_ms(cluster.store, 70_000)
        agent.register()
        tick(cluster.store)
    agent.finish(failure(take(agent)))
    assert (handle.status, handle.attempts) == ("failed", 3)


def test_while_it_is_to_be_tried_with_more_it_says_why(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, on_memory_exceeded="grow")

    agent.finish(exceeded(id, 900))

    assert "it used 900 MB of memory and had declared 500" in handle.explain().text


def test_what_outgrows_the_node_of_its_group_takes_the_group_to_one_that_can_hold_it(
    cluster: Cluster, agent: FakeAgent
) -> None:
    larger = FakeAgent(cluster.store, "b", {"memory": 9000}, lease_ms=100_000).register()
    dag = (
        DAG()
        .add(Function("first", "m:f", cost={"memory": 300}))
        .add(Function("grows", "m:f", args=["first"], cost={"memory": 300}, node=Collocated("first")))
        .add(Function("last", "m:f", args=["grows"], cost={"memory": 300}, node=Collocated("first")))
    )
    run = cluster.submit_dag(dag, on_memory_exceeded="grow")
    agent.finish(ok(take(agent)))

    agent.finish(exceeded(take(agent), 2000))
    pass_ms(cluster.store, 1)
    tick(cluster.store)
    larger.finish(ok(take(larger)))

    assert [run.handle(name).node for name in ("first", "grows", "last")] == ["a", "b", "b"]


@pytest.mark.parametrize(("of_one", "of_all"), [("grow", "fail"), (None, "grow")])
def test_nothing_grows_in_a_run_that_reserves_whole(
    cluster: Cluster, agent: FakeAgent, of_one: OnMemoryExceeded | None, of_all: OnMemoryExceeded
) -> None:
    dag = DAG().add(Function("f", "m:f", on_memory_exceeded=of_one))

    with pytest.raises((InvalidFunction, ValueError), match='reserve="whole"'):
        cluster.submit_dag(dag, on_memory_exceeded=of_all, reserve="whole")
