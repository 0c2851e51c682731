"""The job of a function is one, whether it was submitted by itself or in a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import fakeredis
import pytest

from handoff.client.cluster import Cluster
from handoff.errors import NotSerializable, TooLarge
from handoff.graph.dag import DAG
from handoff.ledger.fields import FIELDS
from handoff.ledger.jobs import LARGEST_ARGUMENTS
from handoff.words.constraints import Not
from handoff.words.function import Function
from handoff.words.variants import After

#: What follows from the call that submitted it, and from its run.
OF_THE_CALL = {"created_at", "rank", "token", "since", "state", "message", "run", "description", "options"}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(connection=fakeredis.FakeRedis(server=fakeredis.FakeServer()), namespace="t")


def stored(cluster: Cluster, job_id: str) -> dict[str, Any]:
    """The hash of a job, by the keys of the page."""
    fields: Any = cluster.connection.hgetall(cluster.store.keys("rq_job", job_id))
    keys = {row.name: field for field, row in FIELDS.items()}
    return {keys[name.decode()]: value for name, value in fields.items()}


def alone(cluster: Cluster, function: Function) -> dict[str, Any]:
    return stored(cluster, cluster.submit(function).id)


def in_graph(cluster: Cluster, function: Function) -> dict[str, Any]:
    run = cluster.submit_dag(DAG().add(function), max_retries=0, result_ttl=500)
    return stored(cluster, run.handle(function.id).id)


FUNCTIONS = {
    "plain": Function("f", "tasks:f"),
    "arguments": Function("f", "tasks:f", extra_args=[1, "two"], kwargs={"three": [3]}),
    "costs": Function("f", "tasks:f", cost=[{"gpu": 1}, After(30, {"cpu": 8})], where={"zone": ["b", "a"]}, node="n"),
    "constraints": Function(
        "f", "tasks:f", cost={"cpu": 0.07}, where={"tier": Not("spot")}, priority=-7, max_retries=4
    ),
    "options": Function("f", "tasks:f", timeout=2.5, wait_ttl=1.5, on_infeasible=60, strategy="load_balanced"),
}


@pytest.mark.parametrize("serializer", [None, "pickle"])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_it_has_the_same_fields(cluster: Cluster, function: Function, serializer: str | None) -> None:
    with Cluster(connection=cluster.connection, namespace="t", serializer=serializer) as its:
        one, other = alone(its, function), in_graph(its, function)

    assert one.keys() - OF_THE_CALL == other.keys() - OF_THE_CALL
    assert {name: one[name] for name in one if name not in OF_THE_CALL} == {
        name: other[name] for name in other if name not in OF_THE_CALL
    }
    assert one.get("options") == other.get("options")
    assert other["description"] == b"f: " + one["description"]


def test_it_has_the_same_fields_among_many(cluster: Cluster) -> None:
    given = [function for function in FUNCTIONS.values() for _ in range(2)]
    given += [replace(function, extra_args=(), kwargs={}) for function in given]
    ids = [handle.id for handle in cluster.submit_many(given)]

    for id, function in zip(ids, given, strict=True):
        one, other = stored(cluster, id), alone(cluster, function)
        drop = {"created_at", "rank", "token", "since"}
        assert {name: value for name, value in one.items() if name not in drop} == {
            name: value for name, value in other.items() if name not in drop
        }


def test_only_in_a_graph_its_delay_stands_among_its_options(cluster: Cluster) -> None:
    delayed = Function("f", "tasks:f", delay=5)

    assert "options" not in alone(cluster, delayed)
    assert in_graph(cluster, delayed)["options"] == b"delay=5000"


@pytest.mark.parametrize("submit", [alone, in_graph])
def test_what_cannot_be_sent_is_refused_in_the_same_way(cluster: Cluster, submit: Any) -> None:
    with pytest.raises(NotSerializable):
        submit(cluster, Function("f", "tasks:f", extra_args=[object()]))
    with pytest.raises(TooLarge, match="'f'"):
        submit(cluster, Function("f", "tasks:f", extra_args=[b"x" * LARGEST_ARGUMENTS]))
    assert cluster.connection.keys("rq:job:*") == []
