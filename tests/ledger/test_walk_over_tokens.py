"""Tokens that came free go to the best rank that has room, also where one call does not get through all of them."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, ok
from support.ledger import read_ledger

CROWD = 40
"""More shapes than one call looks at."""


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    """Of `b`, where there is room for one function that wants an fpga.

    The only seat has just come free. A crowd that wants it would fit `a` alone, which is full; one that would fit `b`
    waits behind all of them, and the call that freed the seat has not come so far.
    """
    cluster.limit_overtaking(None, None)
    cluster.share({"seats": 1})
    cluster.register_node("a", {"cpu": CROWD})
    cluster.enqueue("tasks:work", cost={"cpu": CROWD})
    agent = FakeAgent(cluster.store, "b", {"fpga": 1}).register()
    cluster.enqueue("tasks:work", cost={"seats": 1}, node="b")
    [started] = agent.take()
    for cpu in range(1, CROWD + 1):
        cluster.enqueue("tasks:work", cost={"cpu": cpu, "seats": 1}, priority=1)
    verdict = want_fpga(cluster, 0).verdict
    assert verdict is not None
    assert verdict.state == "waiting"
    agent.finish(ok(started.id))
    assert read_ledger(cluster.store).get("dirty")["*"] > 0
    return agent


def want_fpga(cluster: Cluster, priority: int) -> Handle:
    return cluster.enqueue("tasks:work", cost={"fpga": 1, "seats": 1}, priority=priority)


def test_who_joins_in_front_of_where_the_walk_has_come_is_not_passed_over(cluster: Cluster, agent: FakeAgent) -> None:
    first = want_fpga(cluster, priority=2)

    for _ in range(CROWD):
        tick(cluster.store)

    assert [started.job_id for started in agent.take()] == [first.id]


def test_who_joins_behind_where_the_walk_has_come_has_its_turn(cluster: Cluster, agent: FakeAgent) -> None:
    last = want_fpga(cluster, priority=-1)

    for _ in range(CROWD):
        tick(cluster.store)

    assert len(agent.take()) == 1
    assert last.status == "waiting"
