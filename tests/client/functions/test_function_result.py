"""Whoever asks for a result gets it, or the error that tells why there is none, and is woken for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import FunctionCanceled, FunctionFailed, NodeLost, UnknownFunction
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, Result, failure, killed, ok
from support.passing import pass_ms
from support.submits import later, run, submit, to_started
from support.waiting import LIMIT_S


class TestResult:
    @pytest.mark.parametrize("value", [None, 0, "", [1, {"a": None}], b"\0" * 100_000, 2**80], ids=lambda v: str(v)[:9])
    def test_what_the_function_returned_is_given(self, cluster: Cluster, agent: FakeAgent, value: Any) -> None:
        handle = submit(cluster)
        run(agent, lambda id: ok(id, value))

        assert handle.result() == value
        assert handle.result(timeout=0) == value

    @pytest.mark.parametrize("timeout", [0, -1, 0.001])
    def test_a_wait_that_is_over_says_where_the_function_is_and_changes_nothing(
        self, cluster: Cluster, agent: FakeAgent, timeout: float
    ) -> None:
        handle = submit(cluster)
        with pytest.raises(TimeoutError, match=r"^function 'f' is queued on a after .* s of waiting$"):
            handle.result(timeout=timeout)

        run(agent, lambda id: ok(id, 7))
        assert handle.result(timeout=timeout) == 7

    def test_a_wait_of_a_second_that_is_over_says_why_the_function_has_not_started(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        cluster.store.now_ms = 1_800_000_000_000
        cluster.register_node("static", {})
        waiting, started, queued = submit(cluster, cost={"tpu": 1}), submit(cluster), submit(cluster, node="static")
        agent.take()

        said = []
        for handle in (waiting, started, queued):
            with pytest.raises(TimeoutError) as caught:
                handle.result(timeout=1)
            said.append(str(caught.value))

        assert said == [
            "function 'f' is waiting after 1 s of waiting: waits for tpu 1: no live node could hold it, even when idle "
            "(tpu 1 wanted, a has 0)",
            "function 'f' is started on a after 1 s of waiting",
            "function 'f' is queued on static after 1 s of waiting: placed on static, and not yet started: "
            "no agent runs node static, it was registered by hand",
        ]

    @pytest.mark.parametrize("end", [ok, failure, killed])
    def test_whoever_waits_is_woken_by_every_kind_of_end(
        self, cluster: Cluster, agent: FakeAgent, end: Callable[[str], Result]
    ) -> None:
        handle = submit(cluster)
        [running] = agent.take()

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(lambda: handle.result(timeout=LIMIT_S))
            agent.finish(end(running.id))
            error = waiting.exception(timeout=LIMIT_S)

        assert type(error) is (type(None) if end is ok else FunctionFailed)

    def test_whoever_waits_is_woken_by_a_cancel(self, cluster: Cluster) -> None:
        handle = submit(cluster)

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(lambda: handle.result(timeout=LIMIT_S))
            handle.cancel()

            assert isinstance(waiting.exception(timeout=LIMIT_S), FunctionCanceled)

    def test_whoever_waits_learns_that_the_function_was_deleted(self, cluster: Cluster) -> None:
        handle = submit(cluster)

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(lambda: handle.result(timeout=LIMIT_S))
            handle.job.delete()

            assert isinstance(waiting.exception(timeout=LIMIT_S), UnknownFunction)
        # Whoever looked for the first time after it was deleted has not ticked.
        tick(cluster.store)

    def test_whoever_waits_does_the_housekeeping_where_no_agent_is_left(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        handle = to_started(cluster, agent)
        pass_ms(cluster.store, 7000)

        with pytest.raises(NodeLost):
            handle.result(timeout=LIMIT_S)

    def test_a_failure_is_told_with_all_that_is_known_of_it(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, "mine", max_retries=1)
        run(agent, failure)
        later(cluster, 1)
        run(agent, lambda id: failure(id, "of course"))

        with pytest.raises(FunctionFailed) as caught:
            handle.result()

        error = caught.value
        assert (error.function_id, error.node, error.attempts) == ("mine", "a", 2)
        assert (error.exception_type, error.message) == ("builtins.ValueError", "of course")
        assert error.traceback == "ValueError: of course"

    def test_a_function_whose_node_went_away_is_told_as_lost(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, "mine")
        agent.take()
        later(cluster, 7)

        with pytest.raises(NodeLost) as caught:
            handle.result()

        assert (caught.value.function_id, caught.value.node, caught.value.attempts) == ("mine", "a", 1)
