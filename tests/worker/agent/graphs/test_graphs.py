"""Graphs on real nodes: how results flow, where functions run, and what becomes of a run when things go wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rq.suspension import resume, suspend

import agent_tasks
import child_tasks
import graph_steps
from child_tasks import alive
from handoff import (
    DAG,
    Argument,
    Cluster,
    Collocated,
    Function,
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    LocalCluster,
    NodeLost,
    ResourcesUnavailable,
    RunCanceled,
    RunHandle,
    RunTimedOut,
    UnknownRun,
)
from handoff.local.server import RedisServer
from support import need_redis_server
from support.agent_processes import Agents
from support.books import assert_nothing_held, check_books
from support.events import await_event, newest
from support.gate import Gate
from support.processes import await_end, environment
from support.waiting import LIMIT_S, wait_until


@pytest.fixture(scope="module")
def local() -> Iterator[tuple[LocalCluster, Cluster]]:
    need_redis_server()
    local = LocalCluster(nodes={"a": {"cpu": 2}, "b": {"cpu": 2, "gpu": 1}}, namespace="graphs")
    with local as cluster:
        yield local, cluster


@pytest.fixture
def cluster(local: tuple[LocalCluster, Cluster]) -> Iterator[Cluster]:
    _, cluster = local
    yield cluster
    check_books(cluster.store)
    assert_nothing_held(cluster.store)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    (tmp_path / "gate").mkdir()
    gate = Gate(tmp_path / "gate", "a", "b")
    yield gate
    gate.close()


def graph(*functions: Function) -> DAG:
    dag = DAG()
    for function in functions:
        dag.add(function)
    return dag


def at_gate(id: str, gate: Gate, *args: str, **options: object) -> Function:
    """A function that stops at the gate; its result is what it took, and its node."""
    return Function(id, graph_steps.pass_gate, args=args, kwargs={"folder": gate.folder}, **options)  # type: ignore[arg-type]


def results(cluster: Cluster, *functions: Function) -> dict[str, object]:
    return cluster.submit_dag(graph(*functions)).result(LIMIT_S).results


def failure(run: RunHandle) -> FunctionFailed:
    with pytest.raises(FunctionFailed) as caught:
        run.result(LIMIT_S)
    return caught.value


def assert_canceled(run: RunHandle, reason: str) -> None:
    with pytest.raises(RunCanceled) as caught:
        run.result(LIMIT_S)
    assert (caught.value.id, caught.value.reason) == (run.id, reason)
    assert run.status == "canceled"


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


def test_a_function_takes_the_results_of_two_thousand_others() -> None:
    need_redis_server()
    count = 2000
    dag = DAG()
    for number in range(count):
        dag.add(Function(f"f{number}", agent_tasks.echo, extra_args=(number,)))
    ids = tuple(f"f{number}" for number in range(count))
    dag.add(Function("total", graph_steps.total, args=ids, argument_inclusion="as_list"))

    with LocalCluster(nodes={"a": {"cpu": 2}, "b": {"cpu": 2}}) as cluster:
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
    run = cluster.submit_dag(dag, result_ttl=1)
    run.result(LIMIT_S)
    redis: Any = cluster.connection
    traces = [run.handle("first").id.rpartition("-")[0].encode(), dag.id.encode()]

    def left() -> list[bytes]:
        found = [key for key in redis.scan_iter() if any(trace in key for trace in traces)]
        # For a minute a word says that it has ended, in case that its client asks again.
        return [key for key in found if b":gone:" not in key]

    before = len(left())
    wait_until(lambda: not left(), "all keys of the run have expired")

    assert before > 0
    with pytest.raises(UnknownRun):
        cluster.run(dag.id)
    assert dag.id not in [summary.id for summary in cluster.runs()]


# Failure.


def test_a_function_that_has_failed_for_good_fails_the_run_and_what_runs_elsewhere_is_killed(
    cluster: Cluster, gate: Gate
) -> None:
    run = cluster.submit_dag(
        graph(
            at_gate("elsewhere", gate, node="b"),
            Function("bad", graph_steps.pass_gate_and_fail, kwargs={"folder": gate.folder}, node="a"),
            Function("after", graph_steps.nothing, args=("bad",)),
            Function("waiting", agent_tasks.nothing, cost={"cpu": 2}, delay=3600),
        ),
        max_retries=1,
    )
    elsewhere = {arrival.node: arrival.pid for arrival in gate.arrivals(2)}["b"]
    gate.open("a")
    again = gate.arrival()
    alive_meanwhile = alive(elsewhere)
    gate.open("a")

    error = failure(run)

    assert (error.function_id, error.node, error.attempts) == ("bad", "a", 2)
    assert (error.exception_type, error.message) == ("agent_tasks.Refused", "behind the gate")
    assert "in pass_gate_and_fail" in error.traceback
    assert again.node == "a"
    assert alive_meanwhile
    assert not alive(elsewhere)
    assert run.status == "failed"
    others = run.result(partial=True).errors
    assert others.pop("bad").args == error.args
    assert {id: _reason(other) for id, other in others.items()} == dict.fromkeys(
        ("elsewhere", "after", "waiting"), f"its run '{run.id}' failed"
    )
    assert (run.handle("after").attempts, run.handle("waiting").attempts) == (0, 0)


def _reason(error: HandoffError) -> str:
    assert isinstance(error, FunctionCanceled)
    return error.reason


@pytest.mark.parametrize("where", ["the run", "the function"])
def test_without_retries_the_first_failure_is_the_last(cluster: Cluster, where: str) -> None:
    of_function, of_run = (0, 3) if where == "the function" else (None, 0)

    run = cluster.submit_dag(graph(Function("bad", agent_tasks.be_killed, max_retries=of_function)), max_retries=of_run)

    error = failure(run)
    assert (error.attempts, error.exception_type) == (1, "handoff.ChildDied")
    assert error.message == "its child process was killed by signal 9 (SIGKILL)"


def test_without_fail_fast_only_what_depends_on_a_failed_function_is_skipped(cluster: Cluster) -> None:
    run = cluster.submit_dag(
        graph(
            Function("bad", agent_tasks.fail, extra_args=("no",)),
            Function("through", graph_steps.nothing, args=("bad",), type="inline"),
            Function("after", graph_steps.nothing, args=("through",)),
            Function("long after", graph_steps.nothing, args=("after", "good")),
            Function("good", agent_tasks.echo, extra_args=(1,)),
            Function("better", graph_steps.with_my_pid, args=("good",)),
            Function("best", child_tasks.call, args=("good", "better")),
        ),
        max_retries=0,
        fail_fast=False,
    )

    error = failure(run)
    result = run.result(partial=True)

    assert (error.function_id, run.status) == ("bad", "failed")
    assert result.results.keys() == {"good", "better", "best"}
    assert result.errors.pop("bad").args == error.args
    assert {id: _reason(other) for id, other in result.errors.items()} == dict.fromkeys(
        ("after", "long after"), "its dependency 'bad' did not finish"
    )


def test_a_function_whose_child_is_killed_takes_the_same_results_at_its_next_attempt(cluster: Cluster) -> None:
    run = cluster.submit_dag(
        graph(
            Function("source", agent_tasks.echo, extra_args=(1,)),
            Function("inline", child_tasks.call, args=("source",), type="inline"),
            Function("killed", graph_steps.be_killed_once, args=("source", "inline")),
            Function("last", agent_tasks.echo, args=("killed",)),
        )
    )

    assert run.result(LIMIT_S).results["last"] == [1, [[1], {}], 2]
    assert run.handle("killed").attempts == 2


def test_a_run_that_takes_too_long_is_stopped(cluster: Cluster, gate: Gate) -> None:
    run = cluster.submit_dag(
        graph(at_gate("slow", gate), Function("after", graph_steps.nothing, args=("slow",))), timeout=0.5
    )
    pid = gate.arrival().pid

    with pytest.raises(RunTimedOut) as caught:
        run.result(LIMIT_S)

    assert (caught.value.id, caught.value.seconds) == (run.id, 0.5)
    assert not alive(pid)
    assert run.status == "failed"
    assert run.handle("after").status == "canceled"


def test_a_run_that_is_canceled_is_over_when_what_ran_of_it_is_dead(cluster: Cluster, gate: Gate) -> None:
    run = cluster.submit_dag(
        graph(
            at_gate("on a", gate, node="a"),
            at_gate("on b", gate, node="b"),
            Function("after", graph_steps.nothing, args=("on a", "on b")),
        )
    )
    pids = [arrival.pid for arrival in gate.arrivals(2)]

    decided = [run.cancel(), run.cancel()]

    assert_canceled(run, "canceled")
    assert decided == [True, False]
    assert not any(map(alive, pids))
    assert run.progress().counts == {"canceled": 3}
    assert not run.cancel()


# Clients.


@contextmanager
def client(how: str, cluster: Cluster, run: str, folder: str) -> Iterator[subprocess.Popen[str]]:
    """`graph_steps` as a process, as soon as it has said what it says."""
    arguments = [how, cluster.url, cluster.namespace, run, folder]
    process = subprocess.Popen(
        [sys.executable, "-m", "graph_steps", *arguments], env=environment(), stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            if how != "await":
                assert process.stdout is not None
                assert process.stdout.readline() == "submitted\n"
            yield process
        finally:
            process.kill()


def test_a_run_is_awaited_from_another_process_than_that_which_submitted_it(cluster: Cluster, gate: Gate) -> None:
    id = uuid.uuid4().hex
    with client("leave", cluster, id, gate.folder) as submitting:
        assert submitting.wait(LIMIT_S) == 0
    gate.arrival()

    with client("await", cluster, id, gate.folder) as waiting:
        gate.open("a")
        told, _ = waiting.communicate(timeout=LIMIT_S)

    assert json.loads(told) == [{"first": [1, "a"], "last": [1, "a"]}, {"first": "a", "last": "b"}]
    assert cluster.run(id).result(0).results == json.loads(told)[0]


def test_a_run_goes_on_when_the_client_that_submitted_it_is_killed(cluster: Cluster, gate: Gate) -> None:
    id = uuid.uuid4().hex
    with client("stay", cluster, id, gate.folder) as submitting:
        gate.arrival()
        submitting.kill()
        assert submitting.wait() == -signal.SIGKILL

    gate.open("a")

    assert cluster.run(id).result(LIMIT_S).results == {"first": [1, "a"], "last": [1, "a"]}


def test_an_attached_run_lives_as_long_as_its_client(cluster: Cluster, gate: Gate) -> None:
    id = uuid.uuid4().hex
    with client("attend", cluster, id, gate.folder) as attending:
        pid = gate.arrival().pid
        run = cluster.run(id)
        ends_ms = _lease_end_ms(cluster)
        wait_until(lambda: _lease_end_ms(cluster) > ends_ms + graph_steps.LEASE_S * 1000, "one lease and more is over")
        meanwhile = run.status, alive(pid)

        attending.kill()

        assert_canceled(run, "detached")
        assert meanwhile == ("running", True)
        assert not alive(pid)
        assert run.handle("last").status == "canceled"


def _lease_end_ms(cluster: Cluster) -> float:
    redis: Any = cluster.connection
    timers = redis.zrange(cluster.store.keys("timers"), 0, -1, withscores=True)
    (end_ms,) = (score for what, score in timers if what.startswith(b"attached|"))
    return float(end_ms)


# Nodes and Redis.


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server of the test's own, which keeps what it acknowledged when it is killed."""
    need_redis_server()
    with RedisServer(appendonly=True) as server:
        yield server


@pytest.fixture
def own(own_server: RedisServer) -> Iterator[Cluster]:
    """A cluster whose nodes and server a test may end."""
    with Cluster(own_server.url) as cluster:
        yield cluster
        check_books(cluster.store)
        assert_nothing_held(cluster.store)


@pytest.fixture
def agents(own: Cluster, own_server: RedisServer, tmp_path: Path) -> Iterator[Agents]:
    with Agents(own, own_server.url, tmp_path) as agents:
        yield agents
        check_books(own.store)
        assert_nothing_held(own.store)


def test_a_run_goes_on_elsewhere_when_a_node_is_killed(own: Cluster, agents: Agents, gate: Gate) -> None:
    lost = agents.start("a", lease=1)
    agents.start("b")
    run = own.submit_dag(
        graph(
            at_gate("left", gate, cost={"cpu": 2}),
            at_gate("right", gate, cost={"cpu": 2}),
            Function("last", child_tasks.call, args=("left", "right")),
        )
    )
    assert {arrival.node for arrival in gate.arrivals(2)} == {"a", "b"}
    family = lost.family()

    lost.signal(signal.SIGKILL)

    await_end(family)
    gate.open("b")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert run.result(LIMIT_S).results["last"] == [[["b"], ["b"]], {}]
    assert sorted(run.handle(id).attempts for id in ("left", "right", "last")) == [1, 1, 2]


def test_collocated_functions_choose_again_when_their_node_is_killed(own: Cluster, agents: Agents, gate: Gate) -> None:
    lost = agents.start("a", lease=1)
    run = own.submit_dag(
        graph(
            at_gate("first", gate),
            at_gate("second", gate, "first", node=Collocated("first")),
            Function("third", graph_steps.where, args=("second",), node=Collocated("first")),
        )
    )
    gate.arrival()
    gate.open("a")
    assert gate.arrival().node == "a"
    agents.start("b")

    lost.signal(signal.SIGKILL)

    assert gate.arrival().node == "b"
    gate.open("b")
    assert run.result(LIMIT_S).results == {"first": ["a"], "second": [["a"], "b"], "third": "b"}


def test_collocated_functions_that_stand_before_a_node_that_is_killed_go_to_another_together(
    own: Cluster, agents: Agents, gate: Gate
) -> None:
    lost = agents.start("a", lease=1)
    busy = own.enqueue(agent_tasks.pass_gate, gate.folder, cost={"cpu": 1})
    gate.arrival()
    after = newest(own)
    suspend(own.connection)
    try:
        run = own.submit_dag(
            graph(
                Function("queued", agent_tasks.where, cost={"cpu": 1}),
                Function("waiting", agent_tasks.where, cost={"cpu": 1}, node=Collocated("queued")),
            )
        )
        before = [(handle.status, handle.node) for handle in map(run.handle, ("queued", "waiting"))]
        agents.start("b")

        lost.signal(signal.SIGKILL)

        await_event(own, after, event="node", change="lost", node="a")
    finally:
        resume(own.connection)
    assert run.result(LIMIT_S).results == {"queued": "b", "waiting": "b"}
    assert before == [("queued", "a"), ("waiting", None)]
    with pytest.raises(NodeLost):
        busy.result(LIMIT_S)


def test_a_run_goes_on_when_redis_is_back(own: Cluster, agents: Agents, gate: Gate, own_server: RedisServer) -> None:
    agent = agents.start("a")
    agents.start("b")
    run = own.submit_dag(
        graph(
            at_gate("first", gate, node="a"),
            Function("inline", graph_steps.with_my_pid, args=("first",), type="inline"),
            at_gate("second", gate, "first", node="b"),
            Function("last", child_tasks.call, args=("second", "first")),
        )
    )
    gate.arrival()

    own_server.kill()
    gate.open("a")
    wait_until(lambda: "trying again" in agent.wrote(), "the agent misses Redis")
    own_server.restart()

    gate.open("b")
    assert run.result(LIMIT_S).results["last"] == [[[["a"], "b"], ["a"]], {}]
    assert [run.handle(id).attempts for id in ("first", "second", "last")] == [1, 1, 1]
