"""RQ's own programs and classes, used on functions that agents run: they tell the truth, and what they write holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rq import Queue, Worker
from rq.command import (
    send_kill_horse_command,
    send_shutdown_command,
    send_stop_execution_command,
    send_stop_job_command,
)
from rq.job import Job, JobStatus
from rq.registry import (
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    StartedJobRegistry,
)

import agent_tasks
from child_tasks import alive
from handoff import Cluster, FunctionCanceled, FunctionFailed, Handle, LocalCluster, Serializer, UnknownFunction
from support import need_redis_server
from support.books import assert_nothing_held, check_books
from support.events import await_event, exchanges
from support.gate import Gate
from support.local import local_cluster
from support.processes import environment
from support.waiting import LIMIT_S, wait_until

NAMESPACE = "rqtools"

QUEUE = f"{NAMESPACE}.a"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def local() -> Iterator[tuple[LocalCluster, Cluster]]:
    """What RQ's tools have written an agent finds with its heartbeat, three times a lease."""
    need_redis_server()
    local = LocalCluster(nodes={"a": {"cpu": 2, "gpu": 1}}, namespace=NAMESPACE, lease=15)
    with local as cluster:
        yield local, cluster


@pytest.fixture
def cluster(local: tuple[LocalCluster, Cluster]) -> Iterator[Cluster]:
    yield local[1]
    check_books(local[1].store)
    assert_nothing_held(local[1].store)


@pytest.fixture
def url(local: tuple[LocalCluster, Cluster]) -> str:
    return local[0].server.url


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path, "a", "b")
    yield gate
    gate.close()


@pytest.fixture
def suspended(cluster: Cluster, url: str) -> Iterator[None]:
    """`rq suspend` for the time of a test, or until the test resumes."""
    rq("suspend", url=url)
    yield
    rq("resume", url=url)


def rq(*arguments: str, url: str) -> str:
    """Run RQ's command line; return what it prints."""
    ended = subprocess.run(
        [sys.executable, "-m", "rq.cli", *arguments, "--url", url],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def fetch(cluster: Cluster, handle: Handle) -> Job:
    """Fetch the job as anybody does who does not know its serializer."""
    return Job.fetch(handle.id, connection=cluster.connection)


# What RQ shows.


def test_rq_info_shows_the_queue_and_the_worker_of_a_node_and_what_it_runs(
    cluster: Cluster, url: str, gate: Gate
) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    state = f"rq:worker:{QUEUE}", "state"
    wait_until(lambda: cluster.connection.hget(*state) == b"busy", "the next heartbeat")

    shown = rq("info", url=url)
    raw = rq("info", "--raw", "--only-workers", url=url)

    gate.open("a")
    handle.result(LIMIT_S)
    assert f"{NAMESPACE}.a" in shown
    assert "1 workers, 2 queues" in shown
    assert raw.split()[1] == QUEUE
    assert f"busy {QUEUE}" in raw


def test_an_agent_is_a_worker_with_a_name_a_queue_and_a_state(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()

    def state() -> tuple[str, bool]:
        (worker,) = Worker.all(connection=cluster.connection)
        return str(worker.get_state()), bool(worker.get_current_executions())

    wait_until(lambda: state() == ("busy", True), "a heartbeat")
    (busy,) = Worker.all(connection=cluster.connection)
    running = [execution.job_id for execution in busy.get_current_executions()]

    gate.open("a")
    handle.result(LIMIT_S)
    wait_until(lambda: state() == ("idle", False), "the heartbeat behind that")
    (idle,) = Worker.all(connection=cluster.connection)
    assert (busy.name, busy.queue_names(), busy.get_state()) == (QUEUE, [QUEUE], "busy")
    assert running == [handle.id]
    assert idle.get_state() == "idle"
    assert idle.successful_job_count == busy.successful_job_count + 1


def test_a_job_can_be_followed_through_rqs_registries(cluster: Cluster, gate: Gate) -> None:
    connection = cluster.connection
    started, deferred = StartedJobRegistry(QUEUE, connection), DeferredJobRegistry(NAMESPACE, connection)
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    waiting = cluster.enqueue(agent_tasks.nothing, cost={"gpu": 1})
    gate.arrival()
    wait_until(lambda: started.get_job_ids() == [running.id], "the next heartbeat")

    seen = [
        [fetch(cluster, handle).get_status() for handle in (running, waiting)],
        [started.get_job_ids(), deferred.get_job_ids()],
    ]
    gate.open("a")
    waiting.result(LIMIT_S)

    assert seen == [[JobStatus.STARTED, JobStatus.DEFERRED], [[running.id], [waiting.id]]]
    assert [started.get_job_ids(), deferred.get_job_ids()] == [[], []]
    assert {running.id, waiting.id} <= set(FinishedJobRegistry(QUEUE, connection).get_job_ids())


def test_a_finished_job_has_its_times_and_with_the_serializer_its_call_and_result(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.echo, {"a": (1, b"2")}, meta={"user": 7})
    handle.result(LIMIT_S)

    job = Job.fetch(handle.id, connection=cluster.connection, serializer=Serializer)

    assert (job.func_name, job.args, job.kwargs) == ("agent_tasks.echo", ({"a": (1, b"2")},), {})
    assert job.meta == {"user": 7}
    assert job.return_value() == {"a": (1, b"2")}
    result = job.latest_result()
    assert result is not None
    assert (result.type, result.return_value) == (result.Type.SUCCESSFUL, {"a": (1, b"2")})
    times = [time for time in (job.enqueued_at, job.started_at, job.ended_at) if time is not None]
    assert len(times) == 3
    assert times == sorted(times)
    assert job.worker_name == QUEUE


def test_a_failed_job_shows_its_traceback_without_any_serializer(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.fail, "no", meta={"user": 7})
    with pytest.raises(FunctionFailed):
        handle.result(LIMIT_S)

    job = fetch(cluster, handle)

    assert job.get_status() is JobStatus.FAILED
    with pytest.warns(DeprecationWarning, match="exc_info"):
        assert "agent_tasks.Refused: no" in str(job.exc_info)
    assert handle.id in FailedJobRegistry(QUEUE, cluster.connection)


# Commands to a worker.


def test_a_job_that_is_stopped_is_dead_failed_and_not_retried(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1}, max_retries=3)
    pid = gate.arrival().pid

    send_stop_job_command(cluster.connection, handle.id)

    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)
    assert caught.value.exception_type == "handoff.Stopped"
    assert not alive(pid)
    assert (handle.status, handle.attempts) == ("failed", 1)
    assert fetch(cluster, handle).get_status() is JobStatus.STOPPED
    assert handle.id in FailedJobRegistry(QUEUE, cluster.connection)


def test_one_execution_can_be_stopped(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    wait_until(lambda: bool(fetch(cluster, handle).get_executions()), "the next heartbeat")
    (execution,) = fetch(cluster, handle).get_executions()

    send_stop_execution_command(cluster.connection, handle.id, execution.id)

    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)
    assert caught.value.exception_type == "handoff.Stopped"


def test_kill_horse_costs_what_runs_an_attempt(cluster: Cluster, gate: Gate) -> None:
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    failed = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrivals(2)

    send_kill_horse_command(cluster.connection, QUEUE)

    with pytest.raises(FunctionFailed) as caught:
        failed.result(LIMIT_S)
    gate.arrival()
    gate.open("a")
    assert retried.result(LIMIT_S) == 7
    assert caught.value.exception_type == "handoff.ChildDied"
    assert retried.attempts == 2


@pytest.mark.usefixtures("local")
def test_a_worker_that_is_told_to_shut_down_finishes_what_it_runs_and_leaves(gate: Gate) -> None:
    with local_cluster({"b": {"cpu": 1}}, namespace="shutdown") as cluster:
        handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
        gate.arrival()

        send_shutdown_command(cluster.connection, "shutdown.b")

        wait_until(lambda: not cluster.resources_available("b", None), "the node takes no more")
        gate.open("b")
        assert handle.result(LIMIT_S) == 7
        await_event(cluster, event="node", node="b", change="deregistered")
        assert Worker.all(connection=cluster.connection) == []
        assert [queue.name for queue in Queue.all(connection=cluster.connection)] == ["shutdown"]
        check_books(cluster.store)
        assert_nothing_held(cluster.store)


# What RQ's classes and programs write.


def test_a_running_job_that_rq_cancels_is_ended_and_stays_canceled(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1}, max_retries=3)
    pid = gate.arrival().pid

    fetch(cluster, handle).cancel()

    with pytest.raises(FunctionCanceled):
        handle.result(LIMIT_S)
    await_event(cluster, event="released", of=handle.id)
    assert not alive(pid)
    assert fetch(cluster, handle).get_status() is JobStatus.CANCELED
    assert handle.id in CanceledJobRegistry(QUEUE, cluster.connection)
    assert (handle.status, handle.attempts) == ("canceled", 1)


def test_the_result_of_a_job_that_rq_has_canceled_does_not_undo_that(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()

    fetch(cluster, handle).cancel()
    gate.open("a")

    await_event(cluster, event="released", of=handle.id)
    with pytest.raises(FunctionCanceled):
        handle.result(LIMIT_S)
    assert handle.id not in FinishedJobRegistry(QUEUE, cluster.connection)


def test_a_running_job_that_rq_deletes_is_ended_and_leaves_nothing(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    pid = gate.arrival().pid

    fetch(cluster, handle).delete()

    await_event(cluster, event="released", of=handle.id)
    assert not alive(pid)
    with pytest.raises(UnknownFunction):
        handle.result(0)
    left: Any = cluster.connection.keys(f"*{handle.id}*")
    assert left == []


@pytest.mark.usefixtures("suspended")
def test_suspended_workers_take_nothing_until_they_are_resumed(cluster: Cluster, url: str) -> None:
    handle = cluster.enqueue(agent_tasks.echo, 7)
    looked = exchanges(cluster, "a")
    wait_until(lambda: exchanges(cluster, "a") > looked + 1, "the agent has looked for work")
    before = handle.status

    rq("resume", url=url)

    assert handle.result(LIMIT_S) == 7
    assert before == "queued"


@pytest.mark.usefixtures("suspended")
def test_a_queue_that_rq_empties_gives_its_room_to_what_waits(cluster: Cluster, url: str) -> None:
    queued = [cluster.enqueue(agent_tasks.nothing, cost={"cpu": 1}) for _ in range(2)]
    waiting = cluster.enqueue(agent_tasks.echo, 7, cost={"cpu": 2})
    before = (queued[0].status, waiting.status)

    queue: Any = Queue(QUEUE, connection=cluster.connection)
    assert queue.empty() == 2

    rq("resume", url=url)
    assert waiting.result(LIMIT_S) == 7
    assert before == ("queued", "waiting")
    for handle in queued:
        with pytest.raises(UnknownFunction):
            handle.result(0)


@pytest.mark.usefixtures("suspended")
def test_a_queued_job_that_rq_cancels_or_deletes_gives_its_room_back(cluster: Cluster, url: str) -> None:
    canceled, deleted = (cluster.enqueue(agent_tasks.nothing, cost={"cpu": 1}) for _ in range(2))
    waiting = cluster.enqueue(agent_tasks.echo, 7, cost={"cpu": 2})

    fetch(cluster, canceled).cancel()
    fetch(cluster, deleted).delete()

    rq("resume", url=url)
    assert waiting.result(LIMIT_S) == 7
    assert (canceled.status, canceled.attempts) == ("canceled", 0)
    with pytest.raises(UnknownFunction):
        deleted.result(0)


def test_waiting_jobs_that_rq_cancels_or_deletes_never_run(cluster: Cluster, gate: Gate) -> None:
    holder = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    canceled, deleted, last = (cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1}) for _ in range(3))
    gate.arrival()

    fetch(cluster, canceled).cancel()
    fetch(cluster, deleted).delete()

    gate.open("a", 2)
    holder.result(LIMIT_S)
    last.result(LIMIT_S)
    assert (canceled.status, canceled.attempts) == ("canceled", 0)
    with pytest.raises(UnknownFunction):
        deleted.result(0)


def test_a_failed_job_that_rq_requeues_runs_again_with_a_reservation_of_its_own(
    cluster: Cluster, url: str, gate: Gate
) -> None:
    handle = cluster.enqueue(agent_tasks.fail_once, 7, cost={"gpu": 1}, meta={"user": 7})
    with pytest.raises(FunctionFailed):
        handle.result(LIMIT_S)

    rq("requeue", "--queue", QUEUE, handle.id, url=url)

    at, first = await_event(cluster, event="reserved", of=handle.id)
    _, second = await_event(cluster, at, event="reserved", of=handle.id)
    assert handle.result(LIMIT_S) == 7
    assert first["id"] != second["id"]
    assert (handle.status, handle.attempts, handle.devices) == ("finished", 2, {"gpu": [0]})
    assert handle.job.meta == {"user": 7}
    assert handle.id not in FailedJobRegistry(QUEUE, cluster.connection)


def test_a_job_that_rq_requeues_waits_where_there_is_no_room(cluster: Cluster, url: str, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.fail_once, 7, cost={"gpu": 1})
    with pytest.raises(FunctionFailed):
        handle.result(LIMIT_S)
    holder = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    gate.arrival()

    rq("requeue", "--queue", QUEUE, handle.id, url=url)

    wait_until(lambda: handle.status == "waiting", "the requeued job waits")
    gate.open("a")
    assert handle.result(LIMIT_S) == 7
    holder.result(LIMIT_S)


@pytest.mark.parametrize("queue", [QUEUE, NAMESPACE], ids=["the queue of a node", "the lobby"])
def test_a_job_that_rq_enqueues_past_us_gets_a_reservation_and_runs(cluster: Cluster, url: str, queue: str) -> None:
    job_id = f"past-{queue.replace('.', '-')}"

    rq(
        *("enqueue", "--queue", queue, "--serializer", "handoff.Serializer", "--job-id", job_id),
        *("agent_tasks.echo", ":[1, 2]"),
        url=url,
    )

    await_event(cluster, event="reserved", of=job_id, cost="slots=10000")
    assert cluster.handle(job_id).result(LIMIT_S) == [1, 2]


def test_a_job_that_rq_has_pickled_fails_and_is_not_unpickled(cluster: Cluster, url: str) -> None:
    rq("enqueue", "--queue", QUEUE, "--job-id", "pickled", "agent_tasks.echo", "7", url=url)

    # rq writes the job in several steps.
    wait_until(lambda: bool(cluster.connection.exists("rq:results:pickled")), "the end of the job")
    with pytest.raises(FunctionFailed, match="were not written by Handoff's msgpack serializer"):
        cluster.handle("pickled").result(LIMIT_S)


def test_rqs_own_cleaning_leaves_what_runs_alone(cluster: Cluster, url: str, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, timeout=60)
    gate.arrival()

    for registry in (StartedJobRegistry, FailedJobRegistry, FinishedJobRegistry, DeferredJobRegistry):
        registry(QUEUE, cluster.connection).cleanup()
    rq("info", url=url)

    assert handle.status == "started"
    gate.open("a")
    assert handle.result(LIMIT_S) == 7
    assert handle.attempts == 1
