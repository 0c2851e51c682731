"""How results flow through a graph on real nodes, and where and when its functions run."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import agent_tasks
import child_tasks
import graph_steps
from handoff import (
    DAG,
    Argument,
    Cluster,
    Collocated,
    Function,
    ResourcesUnavailable,
    RunHandle,
    UnknownRun,
)
from support import need_redis_server
from support.books import assert_nothing_held, check_books
from support.deadlines import pass_ttls
from support.events import newest
from support.gate import Gate
from support.local import local_cluster
from support.real_graphs import at_gate, graph
from support.waiting import LIMIT_S, wait_until


def results(cluster: Cluster, *functions: Function) -> dict[str, object]:
    return cluster.submit_dag(graph(*functions)).result(LIMIT_S).results


def events_of(cluster: Cluster, run: RunHandle, after: bytes, *ids: str) -> list[dict[str, str]]:
    """What was told of reservations of these functions of a run, since then."""
    jobs = {run.handle(id).id for id in ids}
    told = []
    while events := cluster.events(after):
        after = events[-1][0]
        told += [event for _, event in events if event.get("id", "").rpartition(":")[0] in jobs]
    return told


def most_at_once(events: list[dict[str, str]]) -> int:
    """How many reservations were held at the same time."""
    held = most = 0
    for event in events:
        held += {"reserved": 1, "released": -1}.get(event["event"], 0)
        most = max(most, held)
    assert held == 0
    return most


# How results flow.


def test_results_come_first_in_the_order_of_args_then_constants_then_keywords(cluster: Cluster) -> None:
    dag = graph(
        Function("from a", agent_tasks.echo, extra_args=("A",), node="a"),
        Function("from/b: ü", agent_tasks.echo, extra_args=("B",), node="b"),
        Function(
            "call", child_tasks.call, args=("from/b: ü", "from a", "from/b: ü"), extra_args=(3, None),
            kwargs={"key": 4}, node="a",
        ),
    )  # fmt: skip

    result = cluster.execute(dag)

    assert result.results == {"from a": "A", "from/b: ü": "B", "call": [["B", "A", "B", 3, None], {"key": 4}]}
    assert result.allocations == {"from a": "a", "from/b: ü": "b", "call": "a"}


def test_results_come_as_one_list_where_that_is_asked_for(cluster: Cluster) -> None:
    found = results(
        cluster,
        Function("one", agent_tasks.echo, extra_args=(1,), node="a"),
        Function("two", agent_tasks.echo_later, extra_args=(2,), node="b"),
        Function("call", child_tasks.call, args=("two", "one"), extra_args=(3,), argument_inclusion="as_list"),
    )

    assert found["call"] == [[[2, 1], 3], {}]


def test_a_result_is_serialized_where_it_was_made_and_deserialized_where_it_is_taken(cluster: Cluster) -> None:
    taken = Argument("made", (graph_steps.sent, "out", 1), (graph_steps.received, "in", 2))

    found = results(
        cluster,
        Function("made", agent_tasks.pid, node="a"),
        Function("taken", agent_tasks.echo, args=(taken,), node="b"),
        Function("as it is", agent_tasks.echo, args=("made",), node="b"),
    )

    assert found["taken"] == [[True, "a", "out", 1, "a"], "a", "b", "in", 2, "b"]
    assert found["as it is"] == found["made"]


def test_a_value_that_no_message_carries_travels_as_what_is_made_of_it(cluster: Cluster) -> None:
    point = Argument("point", graph_steps.as_pair, (graph_steps.as_point, 10))

    found = results(
        cluster,
        Function("point", graph_steps.make_point, extra_args=(1, 2), node="a"),
        Function("sum", graph_steps.sum_of, args=(point,), node="b"),
    )

    assert found == {"point": (1, 2), "sum": 30}


def test_inline_functions_are_evaluated_in_each_that_takes_them_and_scheduled_nowhere(cluster: Cluster) -> None:
    dag = graph(
        Function("source", agent_tasks.echo, extra_args=(1,)),
        Function("inner", graph_steps.with_my_pid, args=("source",), type="inline"),
        Function("outer", graph_steps.with_my_pid, args=("inner", "source"), type="inline"),
        Function("on a", graph_steps.with_my_pid, args=("outer",), node="a"),
        Function("on b", graph_steps.with_my_pid, args=("outer",), node="b"),
    )

    result = cluster.execute(dag)

    a, b = (result.results[id][-1] for id in ("on a", "on b"))
    assert a != b
    assert result.results == {"source": 1, "on a": [[[1, a], 1, a], a], "on b": [[[1, b], 1, b], b]}
    assert result.allocations.keys() == result.results.keys()


def test_a_result_of_some_megabytes_that_three_take_is_stored_once(cluster: Cluster) -> None:
    size = 4_000_000
    takers = [Function(f"to {node}", graph_steps.digest, args=("data",), node=node) for node in ("a", "b", None)]

    run = cluster.submit_dag(graph(Function("data", graph_steps.zeros, extra_args=(size,)), *takers))

    found = run.result(LIMIT_S).results
    assert found.pop("data") == bytes(size)
    assert set(found.values()) == {graph_steps.digest(bytes(size))}
    redis: Any = cluster.connection
    stream = cluster.store.keys("rq_results", run.handle("data").id)
    (entry,) = redis.xrange(stream)
    assert len(entry[1][b"return_value"]) >= size
    assert [key for key in redis.scan_iter() if redis.memory_usage(key) > size / 2] == [stream.encode()]


@pytest.mark.slow
def test_a_function_takes_the_results_of_two_thousand_others() -> None:
    need_redis_server()
    count = 2000
    dag = DAG()
    for number in range(count):
        dag.add(Function(f"f{number}", agent_tasks.echo, extra_args=(number,)))
    ids = tuple(f"f{number}" for number in range(count))
    dag.add(Function("total", graph_steps.total, args=ids, argument_inclusion="as_list"))

    with local_cluster({"a": {"cpu": 2}, "b": {"cpu": 2}}) as cluster:
        result = cluster.submit_dag(dag).result(LIMIT_S)

        check_books(cluster.store)
        assert_nothing_held(cluster.store)
    assert result.results["total"] == sum(range(count))
    assert len(result.results) == count + 1


def test_dependencies_that_end_at_the_same_moment_start_what_takes_them_once(cluster: Cluster) -> None:
    dag = DAG()
    for number in range(40):
        for node in ("a", "b"):
            dag.add(Function(f"{node} {number}", agent_tasks.nothing, node=node))
        ids = (f"a {number}", f"b {number}")
        dag.add(Function(f"both {number}", graph_steps.count, args=ids, kwargs={"key": f"both:{dag.id}"}))

    found = cluster.execute(dag).results

    assert sorted(value for id, value in found.items() if id.startswith("both")) == list(range(1, 41))


# Where and when functions run.


def test_a_chain_of_functions_of_one_cpu_holds_one_cpu(cluster: Cluster) -> None:
    ids = [f"f{number}" for number in range(10)]
    chain = [
        Function(id, graph_steps.with_my_pid, args=(before,) if before else (), cost={"cpu": 1})
        for before, id in zip(["", *ids], ids, strict=False)
    ]
    after = newest(cluster)

    run = cluster.submit_dag(graph(*chain))

    run.result(LIMIT_S)
    told = events_of(cluster, run, after, *ids)
    assert most_at_once(told) == 1
    assert Counter(event["event"] for event in told) == {"reserved": 10, "started": 10, "released": 10}


def test_no_more_functions_of_a_run_are_placed_at_once_than_it_may_have(cluster: Cluster) -> None:
    ids = [f"f{number}" for number in range(20)]
    after = newest(cluster)

    run = cluster.submit_dag(graph(*(Function(id, agent_tasks.nothing) for id in ids)), max_concurrency=3)

    run.result(LIMIT_S)
    assert most_at_once(events_of(cluster, run, after, *ids)) == 3
    assert cluster.shared() == {}


def test_collocated_functions_run_on_the_node_that_could_hold_all_of_them(cluster: Cluster) -> None:
    found = results(
        cluster,
        Function("alone", agent_tasks.where, cost={"cpu": 1}),
        Function("left", agent_tasks.where, cost={"cpu": 1}),
        Function("right", agent_tasks.where, node=Collocated("left"), cost={"cpu": 1}),
        Function("last", graph_steps.where, args=("left", "right"), node=Collocated("right"), cost={"gpu": 1}),
    )

    assert found == {"alone": "a", "left": "b", "right": "b", "last": "b"}


def test_a_run_that_reserves_whole_keeps_others_from_what_its_later_functions_need(
    cluster: Cluster, gate: Gate
) -> None:
    dag = graph(
        at_gate("first", gate, cost={"cpu": 1}, node="a"),
        Function("second", graph_steps.where, args=("first",), cost={"cpu": 1}, node="a"),
        Function("third", graph_steps.where, args=("second",), cost={"cpu": 2}, node="b"),
    )
    run = cluster.submit_dag(dag, reserve="whole")
    gate.arrival()

    other = cluster.enqueue(agent_tasks.where, cost={"cpu": 1})
    second_run = graph(Function("large", agent_tasks.where, cost={"cpu": 1}))
    with pytest.raises(ResourcesUnavailable):
        cluster.submit_dag(second_run, reserve="whole")
    meanwhile = other.status

    gate.open("a")
    assert run.result(LIMIT_S).results == {"first": ["a"], "second": "a", "third": "b"}
    assert meanwhile == "waiting"
    assert other.result(LIMIT_S) == "a"
    with pytest.raises(UnknownRun):
        cluster.run(second_run.id)


def test_progress_says_what_runs_where_and_what_waits_for_what(cluster: Cluster, gate: Gate) -> None:
    run = cluster.submit_dag(
        graph(
            Function("before", agent_tasks.nothing),
            at_gate("running", gate, "before", cost={"cpu": 2}, node="a"),
            Function("waiting", graph_steps.nothing, args=("before",), cost={"cpu": 1}, node="a"),
            Function("deferred", graph_steps.nothing, args=("waiting", "running")),
        )
    )
    gate.arrival()

    progress = run.progress()

    assert progress.counts == {"deferred": 1, "waiting": 1, "started": 1, "finished": 1}
    assert progress.running == {"running": "a"}
    assert progress.waiting.keys() == {"waiting"}
    assert (progress.status, progress.total) == ("running", 4)
    gate.open("a")
    run.result(LIMIT_S)
    assert run.progress().counts == {"finished": 4}


def test_what_a_run_leaves_expires_together_and_nothing_stays(cluster: Cluster) -> None:
    dag = DAG("monthly report: äöü / 7\n")
    dag.add(Function("first", agent_tasks.echo, extra_args=(1,)))
    dag.add(Function("last", agent_tasks.echo, args=("first",)))
    run = cluster.submit_dag(dag, result_ttl=3600)
    run.result(LIMIT_S)
    redis: Any = cluster.connection
    traces = [run.handle("first").id.rpartition("-")[0].encode(), dag.id.encode()]

    def left() -> list[bytes]:
        found = [key for key in redis.scan_iter() if any(trace in key for trace in traces)]
        # For a minute a word says that it has ended, in case that its client asks again.
        return [key for key in found if b":gone:" not in key]

    before = len(left())
    pass_ttls(cluster, 3600)
    wait_until(lambda: not left(), "all keys of the run have expired")

    assert before > 0
    with pytest.raises(UnknownRun):
        cluster.run(dag.id)
    assert dag.id not in [summary.id for summary in cluster.runs()]
