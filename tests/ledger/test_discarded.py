"""What has failed or was canceled is dropped with all that is kept of it, and nothing else is."""

from __future__ import annotations

import pytest

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from handoff.ledger.functions import discard
from support.agent import FakeAgent, failure, ok
from support.ledger import read_ledger


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=10**10).register()


def submit(cluster: Cluster, *ids: str) -> None:
    for id in ids:
        cluster.enqueue("tasks:f", job_id=id, cost={"cpu": 1})


def test_nothing_is_kept_of_what_failed_or_was_canceled(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster, "failed", "canceled")
    [started] = agent.take(room=1)
    agent.finish(failure(started.id))
    cluster.handle("canceled").cancel()

    assert discard(cluster.store, ["failed", "canceled", "failed"]) == 2

    for id in ("failed", "canceled"):
        with pytest.raises(UnknownFunction):
            cluster.handle(id)
    assert not [key for key in read_ledger(cluster.store).rq if "failed" in key or "canceled" in key]


def test_what_has_not_ended_or_has_finished_or_belongs_to_a_run_stays(cluster: Cluster, agent: FakeAgent) -> None:
    run = cluster.submit_dag(DAG().add(Function("first", "tasks:f", cost={"cpu": 1})), max_retries=0)
    [started] = agent.take(room=1)
    agent.finish(failure(started.id))
    submit(cluster, "finished")
    [started] = agent.take(room=1)
    agent.finish(ok(started.id))
    submit(cluster, "runs", "queued", "waits")
    agent.take(room=1)
    statuses = {id: cluster.handle(id).status for id in ("finished", "runs", "queued", "waits")}

    assert discard(cluster.store, [*statuses, run.handle("first").id, "nobody"]) == 0

    assert {id: cluster.handle(id).status for id in statuses} == statuses
    assert run.handle("first").status == "failed"
    assert cluster.cancel(["runs", "queued", "waits"])


def test_more_than_one_call_takes_are_dropped_all(cluster: Cluster) -> None:
    ids = [f"f{number}" for number in range(70)]
    submit(cluster, *ids)
    cluster.cancel(ids)

    assert discard(cluster.store, ids) == 70
