"""A function whose node is lost: how it was to go on is what decides, whatever took the node, and each start counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import NodeLost
from handoff.graph.dag import DAG
from handoff.ledger.housekeeping import tick
from handoff.words.function import Function, OnNodeLoss
from support.agent import FakeAgent, died, failure, killed
from support.passing import pass_ms

LEASE_MS = 15_000

Lose = Callable[[Cluster, FakeAgent], None]


def lapse(cluster: Cluster, agent: FakeAgent) -> None:
    pass_ms(cluster.store, LEASE_MS)
    tick(cluster.store)


def drain(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.drain("a", deadline=1)
    pass_ms(cluster.store, 1000)
    tick(cluster.store)
    (stopped,) = agent.beat()
    agent.finish(killed(stopped))
    cluster.undrain("a")


def lose_the_reply_that_starts(cluster: Cluster, agent: FakeAgent) -> None:
    agent.runs.clear()
    agent.beat()


def take_over(cluster: Cluster, agent: FakeAgent) -> None:
    FakeAgent(cluster.store, "a", {}).register(dead=agent.incarnation)


def be_mended(cluster: Cluster, agent: FakeAgent) -> None:
    """Its reservation is gone, whoever took it."""
    (id,) = agent.runs
    cluster.connection.hdel(cluster.store.keys("reservations", "a"), id)
    cluster.store.run("mend_node", name="a")
    cluster.store.run("mend_job", job_id=id.partition(":")[0])


def leaving(cause: str = "") -> Lose:
    def leave(cluster: Cluster, agent: FakeAgent) -> None:
        agent.goodbye(cause)

    return leave


LOSSES: dict[str, Lose] = {
    "lapsed": lapse,
    "its agent has crashed": leaving(),
    "its agent was told to end": leaving("grace 30"),
    "drained": drain,
    "deregistered": lambda cluster, agent: cluster.deregister_node("a"),
    "taken over": take_over,
    "a reply was lost": lose_the_reply_that_starts,
    "its reservation was gone": be_mended,
}  # fmt: skip

losing = pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = 1_800_000_000_000
    return FakeAgent(cluster.store, "a", {}, lease_ms=LEASE_MS).register()


def start(cluster: Cluster, agent: FakeAgent, on_node_loss: OnNodeLoss, retries: int = 2) -> Handle:
    handle = cluster.enqueue("m:f", max_retries=retries, on_node_loss=on_node_loss)
    assert agent.take()
    return handle


def end_of(handle: Handle) -> str:
    """-> `lost` where it has ended so, else where it stands."""
    if handle.status != "failed":
        return handle.status
    with pytest.raises(NodeLost):
        handle.result(0)
    return "lost"


@losing
def test_a_function_that_is_to_end_with_its_node_is_not_tried_again(
    cluster: Cluster, agent: FakeAgent, lose: Lose
) -> None:
    handle = start(cluster, agent, "fail")

    lose(cluster, agent)

    assert (end_of(handle), handle.attempts) == ("lost", 1)


@losing
def test_any_other_is_tried_again_and_each_start_counts(cluster: Cluster, agent: FakeAgent, lose: Lose) -> None:
    handle = start(cluster, agent, "retry", retries=1)

    lose(cluster, agent)
    assert end_of(handle) == "delayed"
    pass_ms(cluster.store, 60_000)
    other = FakeAgent(cluster.store, "b", {}, lease_ms=LEASE_MS).register()
    tick(cluster.store)
    assert other.take()
    lapse(cluster, other)

    assert (end_of(handle), handle.attempts) == ("lost", 2)


@pytest.mark.parametrize("end", [failure, died])
def test_what_ends_otherwise_is_tried_again_also_where_it_is_to_end_with_its_node(
    cluster: Cluster, agent: FakeAgent, end: Callable[..., object]
) -> None:
    handle = start(cluster, agent, "fail")

    (id,) = agent.runs
    assert agent.finish(end(id)) == ["retrying"]  # type: ignore[arg-type]

    assert handle.status == "delayed"


def test_a_function_of_a_graph_ends_with_its_node_where_it_or_its_graph_says_so(
    cluster: Cluster, agent: FakeAgent
) -> None:
    said: list[OnNodeLoss | None] = [None, "retry", "fail"]
    dag = DAG()
    for each in said:
        dag.add(Function(str(each), "m:f", on_node_loss=each))
    runs = [cluster.submit_dag(dag, on_node_loss="fail", fail_fast=False)]
    runs.append(cluster.submit_dag(DAG().add(Function("f", "m:f")), fail_fast=False))
    agent.take(room=4)

    lapse(cluster, agent)

    assert [end_of(runs[0].handle(str(each))) for each in said] == ["lost", "delayed", "lost"]
    assert end_of(runs[1].handle("f")) == "delayed"
