"""RQ's own command line, used on our functions."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.agent import FakeAgent, failure
from support.books import check_books
from support.rq_states import ended, play_out, submit, to_finished, to_queued


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
        agent.beat()

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
