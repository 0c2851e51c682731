"""An agent is a worker in the eyes of RQ, and hears its commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from rq import Worker
from rq.command import send_shutdown_command, send_stop_job_command
from rq.job import Job
from rq.worker import BaseWorker

from handoff.client.cluster import Cluster
from handoff.serializer import Serializer
from support.agent import FakeAgent, failure, ok
from support.expiry import Expiry
from support.passing import pass_ms
from support.rq_states import NOW, submit, to_started
from support.waiting import LIMIT_S


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

    def test_it_says_at_its_heartbeats_whether_something_runs_and_counts_what_it_did(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_started(cluster, agent)
        agent.beat()

        worker = self.worker(cluster, theirs)
        assert (worker.get_state(), worker.get_current_job_id()) == ("busy", handle.id)

        agent.finish(*(ok(id) for id in agent.runs))
        submit(cluster, "g")
        agent.finish(*(failure(started.id) for started in agent.take()))
        agent.beat()
        worker = self.worker(cluster, theirs)
        assert (worker.get_state(), worker.get_current_job_id()) == ("idle", None)
        assert (worker.successful_job_count, worker.failed_job_count) == (1, 1)

    @pytest.mark.parametrize("ends", ["returns", "is lost with its node"])
    def test_nothing_is_left_of_what_rq_cancels_while_it_runs_and_ends_before_the_next_heartbeat(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis, ends: str
    ) -> None:
        handle = to_started(cluster, agent)
        agent.beat()
        Job.fetch(handle.id, connection=theirs, serializer=Serializer).cancel()

        if ends == "returns":
            agent.finish(*(ok(id) for id in agent.runs))
        else:
            pass_ms(cluster.store, 10**6)
            other = FakeAgent(cluster.store, "b", {"cpu": 1}, lease_ms=10**7)
            other.register()
            other.beat()

        assert handle.status == "canceled"
        assert theirs.keys("rq:execution*") == []

    def test_it_says_at_its_heartbeats_how_long_it_has_worked(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        assert self.worker(cluster, theirs).total_working_time == 0
        agent.worked_ms = 61_500

        agent.beat()

        assert self.worker(cluster, theirs).total_working_time == 61.5

    def test_a_beat_is_its_heartbeat_and_without_beats_it_goes(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        pass_ms(cluster.store, 2000)
        expiry = Expiry(cluster.connection)
        agent.beat()

        assert self.worker(cluster, theirs).last_heartbeat == NOW + timedelta(seconds=2)
        expiry.check(3 * agent.lease_ms / 1000, [cluster.store.keys("rq_worker", f"{cluster.namespace}.a")])

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
