"""A cancel decides once, whatever state the function is in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import FunctionCanceled, UnknownFunction
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, Result, failure, killed, ok
from support.books import assert_nothing_held
from support.submits import later, submit, to_delayed, to_failed, to_finished, to_queued, to_started, to_waiting
from support.waiting import LIMIT_S


class TestCancel:
    @pytest.mark.parametrize("to_state", [to_waiting, to_delayed, to_queued])
    def test_what_has_not_started_is_canceled_at_once(
        self, cluster: Cluster, agent: FakeAgent, to_state: Callable[[Cluster, FakeAgent], Handle]
    ) -> None:
        handle = to_state(cluster, agent)

        assert handle.cancel()

        assert handle.status == "canceled"
        assert not handle.cancel()
        with pytest.raises(FunctionCanceled):
            handle.result()
        later(cluster, 5)
        assert handle.id not in [started.job_id for started in agent.take(9)]

    def test_what_runs_is_canceled_once_its_child_is_dead(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = to_started(cluster, agent)
        waiting = submit(cluster, cost={"cpu": 2})
        [running] = agent.runs

        assert handle.cancel()
        assert (handle.status, waiting.status) == ("started", "waiting")
        assert agent.beat() == [running]
        assert agent.finish(killed(running)) == ["canceled"]

        assert (handle.status, waiting.status) == ("canceled", "queued")

    def test_the_agent_of_what_runs_is_told(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = to_started(cluster, agent)
        subscribe: Callable[..., Any] = cluster.connection.pubsub
        with subscribe(ignore_subscribe_messages=True) as channel:
            channel.subscribe(cluster.store.keys("rq_channel", cluster.store.keys.queue("a")))
            channel.get_message(timeout=LIMIT_S)

            handle.cancel()

            message = None
            while message is None:
                message = channel.get_message(timeout=LIMIT_S)
            assert message["data"] == f'{{"command": "stop-job", "job_id": "{handle.id}"}}'.encode()

    @pytest.mark.parametrize("result", [ok, failure, killed])
    def test_what_runs_and_was_canceled_is_canceled_whatever_it_returned_meanwhile(
        self, cluster: Cluster, agent: FakeAgent, result: Callable[[str], Result]
    ) -> None:
        handle = submit(cluster, max_retries=3)
        [running] = agent.take()
        handle.cancel()

        assert agent.finish(result(running.id)) == ["canceled"]

        assert handle.status == "canceled"
        with pytest.raises(FunctionCanceled, match=r"function 'f' was canceled"):
            handle.result()

    def test_what_runs_and_was_canceled_is_canceled_when_its_node_is_lost(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        handle = to_started(cluster, agent)
        handle.cancel()

        later(cluster, 7)

        assert handle.status == "canceled"

    @pytest.mark.parametrize("to_state", [to_finished, to_failed])
    def test_what_has_ended_is_not_canceled(
        self, cluster: Cluster, agent: FakeAgent, to_state: Callable[[Cluster, FakeAgent], Handle]
    ) -> None:
        handle = to_state(cluster, agent)
        before = handle.status

        assert not handle.cancel()

        assert handle.status == before

    def test_what_is_gone_cannot_be_canceled(self, cluster: Cluster) -> None:
        handle = submit(cluster)
        handle.job.delete()

        with pytest.raises(UnknownFunction):
            handle.cancel()
        tick(cluster.store)

    def test_a_canceled_function_makes_room_for_those_that_wait(self, cluster: Cluster, agent: FakeAgent) -> None:
        queued, waiting = to_queued(cluster, agent), submit(cluster, cost={"cpu": 1})

        queued.cancel()

        assert waiting.status == "queued"

    @pytest.mark.parametrize("to_state", [to_waiting, to_queued, to_started])
    def test_of_many_that_cancel_at_the_same_time_one_decides(
        self, cluster: Cluster, agent: FakeAgent, to_state: Callable[[Cluster, FakeAgent], Handle]
    ) -> None:
        handle = to_state(cluster, agent)
        start = threading.Barrier(6)

        def cancel(_: int) -> bool:
            start.wait(timeout=LIMIT_S)
            return handle.cancel()

        with ThreadPoolExecutor(6) as threads:
            decided = list(threads.map(cancel, range(6)))

        assert sorted(decided) == [False] * 5 + [True]
        agent.finish(*(ok(id) for id in agent.runs))
        assert handle.status == "canceled"

    def test_of_a_cancel_and_a_result_at_the_same_time_one_decides(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = [submit(cluster) for _ in range(20)]
        running = {started.job_id: started.id for started in agent.take(20)}

        with ThreadPoolExecutor(1) as threads:
            canceling = threads.submit(lambda: {handle.id: handle.cancel() for handle in reversed(handles)})
            outcomes = {handle.id: agent.finish(ok(running[handle.id], "done")) for handle in handles}
            canceled = canceling.result(timeout=LIMIT_S)

        assert outcomes == {id: ["canceled" if decided else "stored"] for id, decided in canceled.items()}
        for handle in handles:
            assert handle.status == ("canceled" if canceled[handle.id] else "finished")
        assert_nothing_held(cluster.store)
