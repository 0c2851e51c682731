"""RQ tells the truth of our functions, and what its own tools do to them is honoured and leaks nothing.

The second half is one table: what becomes of a function in each state after each verb of rq's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import rq
from rq import Queue, Worker
from rq.command import send_shutdown_command, send_stop_job_command
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus
from rq.registry import (
    BaseRegistry,
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
    clean_registries,
)
from rq.results import Result as RqResult
from rq.suspension import resume, suspend
from rq.worker import BaseWorker

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnknownFunction
from handoff.ledger.housekeeping import tick
from handoff.local.server import RedisServer
from handoff.serializer import Serializer
from support.agent import FakeAgent, failure, killed, ok
from support.books import assert_nothing_held, check_books, read_ledger

NOW_MS = 1_900_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)

LIMIT_S = 20


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}).register()


def rq_connection(cluster: Cluster) -> redis.Redis:
    """A connection as users of rq have one: some of its classes change the pool that they are given."""
    pool = cluster.connection.connection_pool
    return redis.Redis(
        connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **pool.connection_kwargs)
    )


@pytest.fixture
def theirs(cluster: Cluster) -> redis.Redis:
    return rq_connection(cluster)


# A function in each state. All leave room for nothing else on the node, and a function that waits for that room.


def submit(cluster: Cluster, id: str, **options: Any) -> Handle:
    return cluster.enqueue("tasks:work", 1, b="2", cost={"cpu": 2}, job_id=f"{cluster.namespace}-{id}", **options)


def to_waiting(cluster: Cluster, agent: FakeAgent) -> Handle:
    submit(cluster, "before")
    return submit(cluster, "f")


def to_delayed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, "f", max_retries=1)
    agent.finish(*(failure(started.id) for started in agent.take()))
    return handle


def to_queued(cluster: Cluster, agent: FakeAgent) -> Handle:
    return submit(cluster, "f")


def to_started(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, "f")
    agent.take()
    return handle


def to_finished(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = to_started(cluster, agent)
    agent.finish(*(ok(id, [1]) for id in agent.runs))
    return handle


def to_failed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = to_started(cluster, agent)
    agent.finish(*(failure(id) for id in agent.runs))
    return handle


def to_canceled(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, "f")
    handle.cancel()
    return handle


def to_stopped(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = to_started(cluster, agent)
    agent.finish(*(killed(id) for id in agent.runs))
    return handle


STATES: dict[str, Callable[[Cluster, FakeAgent], Handle]] = {
    "waiting": to_waiting,
    "delayed": to_delayed,
    "queued": to_queued,
    "started": to_started,
    "finished": to_finished,
    "failed": to_failed,
    "canceled": to_canceled,
}


class TestJobs:
    @pytest.mark.parametrize(
        ("to_state", "status", "place"),
        [
            (to_waiting, JobStatus.DEFERRED, ""),
            (to_delayed, JobStatus.DEFERRED, ""),
            (to_queued, JobStatus.QUEUED, ".a"),
            (to_started, JobStatus.STARTED, ".a"),
            (to_finished, JobStatus.FINISHED, ".a"),
            (to_failed, JobStatus.FAILED, ".a"),
            (to_stopped, JobStatus.STOPPED, ".a"),
            (to_canceled, JobStatus.CANCELED, ".a"),
        ],
    )
    def test_a_job_is_fetched_in_every_state_without_naming_a_serializer(
        self,
        cluster: Cluster,
        agent: FakeAgent,
        theirs: redis.Redis,
        to_state: Callable[[Cluster, FakeAgent], Handle],
        status: JobStatus,
        place: str,
    ) -> None:
        handle = to_state(cluster, agent)

        job = Job.fetch(handle.id, connection=theirs)

        assert job.get_status() is status
        assert job.origin == f"{cluster.namespace}{place}"
        assert job.description == "tasks.work(1, b='2')"
        assert (job.result_ttl, job.failure_ttl) == (500, 365 * 24 * 3600)
        assert job.id == handle.id
        assert Job.exists(handle.id, connection=theirs)

    def test_its_times_are_those_of_the_server(self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis) -> None:
        handle = to_queued(cluster, agent)
        cluster.store.now_ms += 1500
        [started] = agent.take()
        cluster.store.now_ms += 250
        agent.finish(ok(started.id))

        job = Job.fetch(handle.id, connection=theirs)

        assert job.enqueued_at == NOW
        assert job.started_at == job.last_heartbeat == NOW + timedelta(milliseconds=1500)
        assert job.ended_at == NOW + timedelta(milliseconds=1750)
        assert job.created_at is not None
        assert abs(job.created_at - datetime.now(UTC)) < timedelta(hours=1)

    def test_times_that_have_not_come_are_absent(self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis) -> None:
        job = Job.fetch(to_waiting(cluster, agent).id, connection=theirs)

        assert (job.enqueued_at, job.started_at, job.ended_at, job.worker_name) == (None, None, None, None)
        assert job.latest_result() is None

    def test_the_call_is_read_with_our_serializer(self, cluster: Cluster, theirs: redis.Redis) -> None:
        handle = cluster.enqueue(
            "package.tasks:work", b"\0", {"a": (1,)}, c=2**70, timeout=90, meta={"owner": "me"}, description="mine",
            on_success="package.done", on_failure=rq.Callback("package.told", timeout=9),
        )  # fmt: skip

        job = Job.fetch(handle.id, connection=theirs, serializer=Serializer)

        assert (job.func_name, job.args, job.kwargs) == ("package.tasks.work", (b"\0", {"a": (1,)}), {"c": 2**70})
        assert (job.timeout, job.meta, job.description) == (90, {"owner": "me"}, "mine")
        assert (job._success_callback_name, job.success_callback_timeout) == ("package.done", 60)
        assert (job._failure_callback_name, job.failure_callback_timeout) == ("package.told", 9)

    def test_a_job_without_a_timeout_has_no_limit_in_rqs_eyes(self, cluster: Cluster, theirs: redis.Redis) -> None:
        assert Job.fetch(cluster.enqueue("tasks:work").id, connection=theirs).timeout == -1

    def test_the_result_is_read_with_our_serializer(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        job = Job.fetch(to_finished(cluster, agent).id, connection=theirs, serializer=Serializer)

        assert job.is_finished
        assert job.return_value() == [1]
        result = job.latest_result()
        assert result is not None
        assert (result.type, result.return_value, result.worker_name) == (
            RqResult.Type.SUCCESSFUL, [1], f"{cluster.namespace}.a",
        )  # fmt: skip
        assert len(job.results()) == 1

    @pytest.mark.parametrize(
        ("to_state", "type", "text"),
        [(to_failed, RqResult.Type.FAILED, "ValueError: no"), (to_stopped, RqResult.Type.STOPPED, "it was stopped")],
    )
    def test_a_failure_shows_its_traceback_to_everybody(
        self,
        cluster: Cluster,
        agent: FakeAgent,
        theirs: redis.Redis,
        to_state: Callable[[Cluster, FakeAgent], Handle],
        type: RqResult.Type,
        text: str,
    ) -> None:
        job = Job.fetch(to_state(cluster, agent).id, connection=theirs)

        result = job.latest_result()
        assert result is not None
        assert (result.type, result.exc_string) == (type, text)
        with pytest.warns(DeprecationWarning, match="latest_result"):
            assert job.exc_info == (text if type is RqResult.Type.FAILED else None)

    def test_a_function_that_was_lost_says_so_to_rqs_tools(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_started(cluster, agent)
        cluster.store.now_ms += 7000
        tick(cluster.store)

        job = Job.fetch(handle.id, connection=theirs)

        assert job.is_failed
        result = job.latest_result()
        assert result is not None
        assert result.exc_string is not None
        assert result.exc_string.startswith("handoff.errors.NodeLost: ")

    def test_a_function_can_keep_meta_while_it_runs(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        job = Job.fetch(to_started(cluster, agent).id, connection=theirs, serializer=Serializer)

        job.meta["step"] = 3
        job.save_meta()  # type: ignore[no-untyped-call]

        agent.finish(*(ok(id) for id in agent.runs))
        assert Job.fetch(job.id, connection=theirs, serializer=Serializer).meta == {"step": 3}


REGISTRIES: dict[str, tuple[type[BaseRegistry], str]] = {
    "waiting": (DeferredJobRegistry, ""),
    "delayed": (DeferredJobRegistry, ""),
    "started": (StartedJobRegistry, ".a"),
    "finished": (FinishedJobRegistry, ".a"),
    "failed": (FailedJobRegistry, ".a"),
    "canceled": (CanceledJobRegistry, ".a"),
}


class TestRegistries:
    @pytest.mark.parametrize("state", STATES)
    def test_a_function_is_in_the_one_registry_of_its_state(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis, state: str
    ) -> None:
        handle = STATES[state](cluster, agent)
        found = [
            (kind, place)
            for place in ("", ".a")
            for kind in (
                DeferredJobRegistry, StartedJobRegistry, FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry,
                ScheduledJobRegistry,
            )
            if handle.id in kind(f"{cluster.namespace}{place}", connection=theirs).get_job_ids()
        ]  # fmt: skip

        assert found == ([REGISTRIES[state]] if state in REGISTRIES else [])
        queue = Queue(f"{cluster.namespace}.a", connection=theirs)
        assert (handle.id in queue.job_ids) == (state == "queued")

    def test_a_function_that_runs_is_one_execution_of_its_agent(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_started(cluster, agent)
        name = f"{cluster.namespace}.a"

        [execution] = Job.fetch(handle.id, connection=theirs).get_executions()

        assert (execution.worker_name, execution.created_at) == (name, NOW)
        registry = StartedJobRegistry(name, connection=theirs)
        assert registry.get_job_and_execution_ids() == [(handle.id, execution.id)]
        assert [f"{handle.id}:{execution.id}"] == list(agent.runs)
        agent.finish(*(ok(id) for id in agent.runs))
        assert Job.fetch(handle.id, connection=theirs).get_executions() == []

    def test_entries_of_what_has_ended_expire_with_it(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        for end in (ok, failure):
            submit(cluster, end.__name__, result_ttl=60, failure_ttl=60)
            agent.finish(*(end(started.id) for started in agent.take()))
        submit(cluster, "canceled", failure_ttl=60).cancel()
        agent.goodbye()

        cluster.store.now_ms += 62_000
        tick(cluster.store)

        for kind in (FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry):
            assert kind(f"{cluster.namespace}.a", connection=theirs).get_job_count(cleanup=False) == 0

    def test_queues_are_the_lobby_and_one_for_each_node(self, cluster: Cluster, theirs: redis.Redis) -> None:
        def mine() -> set[str]:
            return {queue.name for queue in Queue.all(connection=theirs) if queue.name.startswith(cluster.namespace)}

        for name in ("a", "b"):
            cluster.register_node(name, {"cpu": 1})
        assert mine() == {cluster.namespace, f"{cluster.namespace}.a", f"{cluster.namespace}.b"}

        cluster.deregister_node("a")
        assert mine() == {cluster.namespace, f"{cluster.namespace}.b"}


class TestWorkers:
    def worker(self, cluster: Cluster, theirs: redis.Redis) -> BaseWorker:
        [worker] = [each for each in Worker.all(connection=theirs) if each.name.startswith(cluster.namespace)]
        return worker

    def test_an_agent_is_one_worker_named_as_its_queue(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        worker = self.worker(cluster, theirs)

        assert worker.name == f"{cluster.namespace}.a"
        assert worker.queue_names() == [f"{cluster.namespace}.a"]
        assert worker.get_state() == "idle"
        assert (worker.hostname, worker.pid) == ("here", 1)
        assert worker.birth_date == worker.last_heartbeat == NOW
        assert [each.name for each in Worker.all(queue=worker.queues[0])] == [worker.name]

    def test_it_is_busy_while_something_runs_and_counts_what_it_did(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_started(cluster, agent)

        worker = self.worker(cluster, theirs)
        assert (worker.get_state(), worker.get_current_job_id()) == ("busy", handle.id)

        agent.finish(*(ok(id) for id in agent.runs))
        submit(cluster, "g")
        agent.finish(*(failure(started.id) for started in agent.take()))
        worker = self.worker(cluster, theirs)
        assert (worker.get_state(), worker.get_current_job_id()) == ("idle", None)
        assert (worker.successful_job_count, worker.failed_job_count) == (1, 1)

    def test_a_beat_is_its_heartbeat_and_without_beats_it_goes(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        cluster.store.now_ms += 2000
        agent.beat()

        assert self.worker(cluster, theirs).last_heartbeat == NOW + timedelta(seconds=2)
        left_ms = cluster.connection.pttl(cluster.store.keys("rq_worker", f"{cluster.namespace}.a"))
        assert 2 * agent.lease_ms < left_ms <= 3 * agent.lease_ms

    def test_an_agent_that_says_goodbye_is_no_worker_any_more(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        agent.goodbye()

        assert not [each for each in Worker.all(connection=theirs) if each.name.startswith(cluster.namespace)]
        assert not cluster.connection.exists(cluster.store.keys("rq_queue_workers", f"{cluster.namespace}.a"))

    @pytest.mark.parametrize(
        ("send", "command"),
        [
            (
                lambda connection, job: send_stop_job_command(connection, job.id, serializer=Serializer),
                {"command": "stop-job"},
            ),
            (lambda connection, job: send_shutdown_command(connection, job.worker_name), {"command": "shutdown"}),
        ],
        ids=["stop-job", "shutdown"],
    )
    def test_commands_of_rq_arrive_on_the_channel_of_the_agent(
        self,
        cluster: Cluster,
        agent: FakeAgent,
        theirs: redis.Redis,
        send: Callable[[redis.Redis, Job], None],
        command: dict[str, str],
    ) -> None:
        job = to_started(cluster, agent).job
        subscribe: Callable[..., Any] = cluster.connection.pubsub
        with subscribe(ignore_subscribe_messages=True) as channel:
            channel.subscribe(f"rq:pubsub:{cluster.namespace}.a")
            channel.get_message(timeout=LIMIT_S)

            send(theirs, job)

            message = None
            while message is None:
                message = channel.get_message(timeout=LIMIT_S)
        said = json.loads(message["data"])
        assert said.pop("job_id", job.id) == job.id
        assert said == command


class TestCommandLine:
    @pytest.fixture
    def cluster(self, server: RedisServer) -> Any:
        with RedisServer() as own, Cluster(own.url) as cluster:
            yield cluster

    def rq(self, cluster: Cluster, *arguments: str) -> str:
        kwargs = cluster.connection.connection_pool.connection_kwargs
        url = f"redis://:{kwargs['password']}@{kwargs['host']}:{kwargs['port']}/0"
        done = subprocess.run(
            [sys.executable, "-m", "rq.cli", *arguments, "--url", url], capture_output=True, text=True, timeout=50
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def test_rq_info_counts_what_there_is(self, cluster: Cluster, agent: FakeAgent) -> None:
        for _ in range(3):
            to_finished(cluster, agent).job.delete()
        to_finished(cluster, agent)
        submit(cluster, "failed")
        agent.finish(*(failure(started.id) for started in agent.take()))
        submit(cluster, "running")
        agent.take()
        agent.capabilities = {"cpu": 6}
        agent.register()
        submit(cluster, "queued")
        submit(cluster, "queued-too")
        submit(cluster, "waiting")

        lines = self.rq(cluster, "info", "--raw").splitlines()

        assert "queue handoff.a 2, 1 executing, 1 finished, 1 failed" in lines
        assert "queue handoff 0, 0 executing, 0 finished, 0 failed" in lines
        assert "worker handoff.a (here None 1) busy handoff.a. jobs: 4 finished, 1 failed" in lines
        check_books(cluster.store)

    def test_rq_requeue_runs_failed_functions_again(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = []
        for number in range(3):
            handles.append(submit(cluster, f"f{number}"))
            agent.finish(*(failure(started.id) for started in agent.take()))

        said = self.rq(cluster, "requeue", "--all", "--queue", "handoff.a", "-S", "handoff.serializer.Serializer")

        assert "Requeueing 3 jobs" in said
        play_out(cluster, agent)
        assert [(handle.status, handle.attempts) for handle in handles] == [("finished", 2)] * 3

    def test_rq_empty_deletes_what_is_queued(self, cluster: Cluster, agent: FakeAgent) -> None:
        queued, waiting = to_queued(cluster, agent), submit(cluster, "g")

        assert "1 jobs removed from handoff.a queue" in self.rq(cluster, "empty", "--all")

        play_out(cluster, agent)
        assert ended(cluster, queued) == "gone"
        assert waiting.status == "finished"

    def test_rq_suspend_keeps_agents_from_taking_until_rq_resume(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = to_queued(cluster, agent)

        self.rq(cluster, "suspend")
        assert agent.take() == []
        self.rq(cluster, "resume")

        assert [started.job_id for started in agent.take()] == [handle.id]


# What rq's tools do, to whatever state a function is in.


def queue_of(cluster: Cluster, theirs: redis.Redis, node: str) -> Any:
    return Queue(cluster.store.keys.queue(node), connection=theirs, serializer=Serializer)


def of_registry(kind: type[BaseRegistry], place: str) -> Callable[[Cluster, Handle, redis.Redis], object]:
    return lambda cluster, handle, theirs: kind(
        f"{cluster.namespace}{place}", connection=theirs, serializer=Serializer
    ).requeue(handle.id)


def clean(cluster: Cluster, handle: Handle, theirs: redis.Redis) -> None:
    """What `rq info`, every count of a registry and the maintenance of any other rq worker do."""
    for place in ("", ".a"):
        queue = Queue(f"{cluster.namespace}{place}", connection=theirs)
        clean_registries(queue)
        for kind in (StartedJobRegistry, FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry):
            assert kind(queue=queue).count >= 0


def pause(cluster: Cluster, handle: Handle, theirs: redis.Redis) -> None:
    """Suspend, let everybody do what they can, resume."""
    suspend(theirs)
    agent = FakeAgent(cluster.store, "b", {"cpu": 2}).register()
    assert agent.take(9) == []
    agent.goodbye()
    resume(theirs)


VERBS: dict[str, Callable[[Cluster, Handle, redis.Redis], object]] = {
    "nothing": lambda cluster, handle, theirs: None,
    "job.cancel()": lambda cluster, handle, theirs: Job.fetch(handle.id, connection=theirs).cancel(),
    "job.delete()": lambda cluster, handle, theirs: Job.fetch(handle.id, connection=theirs).delete(),
    "job.requeue()": lambda cluster, handle, theirs: Job.fetch(
        handle.id, connection=theirs, serializer=Serializer
    ).requeue(),
    "canceled.requeue()": of_registry(CanceledJobRegistry, ".a"),
    "finished.requeue()": of_registry(FinishedJobRegistry, ".a"),
    "deferred.requeue()": of_registry(DeferredJobRegistry, ""),
    "queue.empty()": lambda cluster, handle, theirs: queue_of(cluster, theirs, "a").empty(),
    "lobby.empty()": lambda cluster, handle, theirs: queue_of(cluster, theirs, "").empty(),
    "queue.delete()": lambda cluster, handle, theirs: queue_of(cluster, theirs, "a").delete(),
    "registry.cleanup()": clean,
    "suspend, resume": pause,
}

OUTCOMES = """
verb               | waiting    | delayed    | queued     | started    | finished   | failed     | canceled
nothing            | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
job.cancel()       | canceled 0 | canceled 1 | canceled 0 | canceled 1 | canceled 1 | canceled 1 | refused
job.delete()       | gone 0     | gone 1     | gone 0     | gone 1     | gone 1     | gone 1     | gone 0
job.requeue()      | refused    | refused    | refused    | refused    | refused    | finished 2 | refused
canceled.requeue() | refused    | refused    | refused    | refused    | refused    | refused    | finished 1
finished.requeue() | refused    | refused    | refused    | refused    | finished 2 | refused    | refused
deferred.requeue() | finished 1 | finished 2 | refused    | refused    | refused    | refused    | refused
queue.empty()      | finished 1 | finished 2 | gone 0     | finished 1 | finished 1 | failed 1   | canceled 0
lobby.empty()      | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
queue.delete()     | finished 1 | finished 2 | gone 0     | finished 1 | finished 1 | failed 1   | canceled 0
registry.cleanup() | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
suspend, resume    | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
"""
"""How the function ends and how often it was started, when everybody has done their part after the verb.

Where rq itself refuses the verb, all goes on as after nothing.
"""


def cases() -> list[tuple[str, str, str, str]]:
    """Verb, state, outcome, and the outcome after nothing."""
    heads, *rows = ([cell.strip() for cell in line.split("|")] for line in OUTCOMES.strip().splitlines())
    assert heads[1:] == list(STATES)
    assert [row[0] for row in rows] == list(VERBS)
    return [
        (row[0], state, row[column], rows[0][column]) for row in rows for column, state in enumerate(STATES, start=1)
    ]


def play_out(cluster: Cluster, agent: FakeAgent) -> None:
    """Let the agent beat, end what it is told to stop and finish the rest, until a minute has passed."""
    for _ in range(20):
        stops = agent.beat()
        agent.finish(*(killed(id) if id in stops else ok(id) for id in agent.runs), room=9)
        cluster.store.now_ms += 3000
        tick(cluster.store)


def ended(cluster: Cluster, handle: Handle) -> str:
    try:
        return handle.status
    except UnknownFunction:
        return "gone"


def starts(cluster: Cluster, handle: Handle) -> int:
    events = [event for _, event in cluster.events()]
    return sum(event["event"] == "started" and event["id"].startswith(f"{handle.id}:") for event in events)


def assert_no_trace_of_running(cluster: Cluster, *handles: Handle) -> None:
    """Nothing of rq's says that something runs, is queued or deferred."""
    left = {key.partition(":")[0] for key in read_ledger(cluster.store).rq}
    assert left <= {"job", "results", "finished", "failed", "canceled", "queues", "worker", "workers"}
    for handle in handles:
        assert not list(cluster.connection.scan_iter(f"rq:execution*:{handle.id}*"))
        assert not cluster.connection.exists(f"rq:executions:{handle.id}")


class TestVerbs:
    @pytest.mark.parametrize(
        ("verb", "state", "outcome", "undisturbed"),
        [pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in cases()],
    )
    def test_a_verb_in_a_state_has_its_outcome_and_leaks_nothing(
        self,
        cluster: Cluster,
        agent: FakeAgent,
        theirs: redis.Redis,
        verb: str,
        state: str,
        outcome: str,
        undisturbed: str,
    ) -> None:
        handle = STATES[state](cluster, agent)
        behind = submit(cluster, "behind")
        if outcome == "refused":
            with pytest.raises(InvalidJobOperation):
                VERBS[verb](cluster, handle, theirs)
            outcome = undisturbed
        else:
            VERBS[verb](cluster, handle, theirs)

        play_out(cluster, agent)

        assert f"{ended(cluster, handle)} {starts(cluster, handle)}" == outcome
        # The deleted queue held only the function itself, or the one behind it.
        lost = verb in ("queue.empty()", "queue.delete()") and state in ("delayed", "finished", "failed", "canceled")
        assert ended(cluster, behind) == ("gone" if lost else "finished")
        assert cluster.tracker.available("a") == {"cpu": 2}
        assert_nothing_held(cluster.store)
        assert_no_trace_of_running(cluster, handle, behind)

    @pytest.mark.parametrize("verb", ["job.cancel()", "job.delete()"])
    def test_the_room_of_what_rq_took_off_the_queue_of_a_static_node_comes_back(
        self, cluster: Cluster, theirs: redis.Redis, verb: str
    ) -> None:
        cluster.store.now_ms = NOW_MS
        cluster.register_node("a", {"cpu": 2})
        handle, behind = submit(cluster, "f"), submit(cluster, "behind")

        VERBS[verb](cluster, handle, theirs)
        for _ in range(4):
            tick(cluster.store)

        assert behind.status == "queued"

    def test_a_requeued_function_is_kept_until_it_ends_again(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = submit(cluster, "f", failure_ttl=60)
        agent.finish(*(failure(started.id) for started in agent.take()))

        VERBS["job.requeue()"](cluster, handle, theirs)
        agent.take()

        assert handle.status == "started"
        assert cluster.connection.ttl(cluster.store.keys("rq_job", handle.id)) == -1

    def test_a_canceled_function_that_was_requeued_can_be_canceled_again(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_canceled(cluster, agent)

        VERBS["canceled.requeue()"](cluster, handle, theirs)
        agent.take()

        assert handle.status == "started"
        assert agent.beat() == []
        assert handle.cancel()
        assert len(agent.beat()) == 1

    def test_a_requeued_function_gives_its_new_result_and_not_its_old_failure(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_failed(cluster, agent)

        VERBS["job.requeue()"](cluster, handle, theirs)
        with pytest.raises(TimeoutError):
            handle.result(timeout=0)
        agent.finish(*(ok(started.id, "new") for started in agent.take()))

        assert handle.result(timeout=0) == "new"

    def test_a_function_requeued_where_its_node_is_gone_runs_elsewhere(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_failed(cluster, agent)
        agent.goodbye()
        other = FakeAgent(cluster.store, "b", {"cpu": 2}).register()

        VERBS["job.requeue()"](cluster, handle, theirs)
        play_out(cluster, other)

        assert (handle.status, handle.node) == ("finished", "b")

    def test_a_function_requeued_where_its_node_is_lost_runs_elsewhere(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_failed(cluster, agent)
        cluster.store.now_ms += 7000
        other = FakeAgent(cluster.store, "b", {"cpu": 2}).register()
        tick(cluster.store)

        VERBS["job.requeue()"](cluster, handle, theirs)
        play_out(cluster, other)

        assert (handle.status, handle.node) == ("finished", "b")

    def test_requeueing_takes_its_turn_where_the_node_is_full(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle, running = to_failed(cluster, agent), submit(cluster, "running")
        [started] = agent.take()

        VERBS["job.requeue()"](cluster, handle, theirs)
        assert agent.take(9) == []
        assert handle.status == "waiting"
        agent.finish(ok(started.id))

        assert (handle.status, running.status) == ("queued", "finished")

    def test_a_job_that_rq_itself_put_onto_a_nodes_queue_gets_a_slot_and_runs(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        queue = Queue(f"{cluster.namespace}.a", connection=theirs, serializer=Serializer)
        job = queue.enqueue("tasks.work", 1, job_id=f"{cluster.namespace}-rq")

        [started] = agent.take()

        assert started.job_id == job.id
        assert agent.finish(ok(started.id, 7)) == ["stored"]
        assert job.return_value() == 7

    def test_a_job_that_rq_itself_put_onto_the_lobby_runs_on_some_node(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        job = Queue(cluster.namespace, connection=theirs, serializer=Serializer).enqueue(
            "tasks.work", job_id=f"{cluster.namespace}-rq"
        )

        tick(cluster.store)

        [started] = agent.take()
        assert started.job_id == job.id
        agent.finish(ok(started.id))
        assert job.get_status() is JobStatus.FINISHED

    def test_all_jobs_that_rq_put_onto_the_queue_of_a_node_that_never_was_run_elsewhere(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        queue = Queue(f"{cluster.namespace}.never", connection=theirs, serializer=Serializer)
        jobs = [queue.enqueue("tasks.work", job_id=f"{cluster.namespace}-{number}") for number in range(40)]

        play_out(cluster, agent)

        assert {job.get_status() for job in jobs} == {JobStatus.FINISHED}
        assert queue.key not in {each.key for each in Queue.all(connection=theirs)}

    def test_while_suspended_functions_are_placed_and_nothing_is_started(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        suspend(theirs)
        handle = submit(cluster, "f")

        assert agent.take(9) == []
        agent.beat()
        assert handle.status == "queued"

        resume(theirs)
        assert len(agent.take(9)) == 1

    def test_a_suspension_lets_what_runs_finish(self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis) -> None:
        handle, behind = to_started(cluster, agent), submit(cluster, "behind")

        suspend(theirs)

        assert agent.finish(*(ok(id) for id in agent.runs), room=9) == ["stored"]
        assert (handle.status, behind.status, list(agent.runs)) == ("finished", "queued", [])
        resume(theirs)
