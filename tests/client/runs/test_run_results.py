"""The results of a run, or why there are none; whoever waits is woken, and nobody waits longer than asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from handoff import DAG
from handoff.client.cluster import Cluster
from handoff.errors import (
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    NodeLost,
    RunCanceled,
    RunTimedOut,
    UnknownFunction,
    UnknownRun,
)
from handoff.ledger import runs
from handoff.ledger.members import read_members
from handoff.ledger.results import RunResult, gather
from handoff.serializer import Serializer
from support.agent import FakeAgent, failure, ok
from support.diamond import advance, dag, diamond, function, play
from support.waiting import LIMIT_S


class TestResults:
    def test_they_are_of_every_function_but_inlines_with_the_node_of_each(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(diamond())
        play(agent, {"end": None, "left": [1, (2,)]})

        result = run.result(LIMIT_S)

        assert result.dag_id == run.id
        assert result.results == {"top": "top", "left": [1, (2,)], "right": "right", "end": None}
        assert list(result.results) == ["top", "left", "right", "end"]
        assert result.allocations == dict.fromkeys(["top", "left", "right", "end"], "a")
        assert result.errors == {}

    def test_no_functions_are_no_results_at_once(self, cluster: Cluster) -> None:
        assert cluster.execute(DAG("none")) == RunResult("none", {}, {})
        assert cluster.run("none").status == "finished"

    def test_many_are_read_in_few_round_trips(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("handoff.ledger.members.SLICE", 10)
        run = cluster.submit_dag(dag(*(function(f"f{i}") for i in range(25))))
        play(agent, {})
        found = runs.look_run(cluster.store, run.id)
        members = read_members(cluster.store, found.instance) or []
        trips: list[object] = []
        read_each = cluster.store.read_each

        def count(commands: Sequence[tuple[Any, ...]]) -> list[Any]:
            trips.append(commands)
            return read_each(commands)

        monkeypatch.setattr(cluster.store, "read_each", count)

        result = gather(cluster.store, found, members, Serializer, partial=False)

        assert (len(result.results), len(trips)) == (25, 3)

    def test_what_failed_first_is_raised_as_by_its_own_handle(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        play(agent, {"top": ValueError("no")})

        with pytest.raises(FunctionFailed) as caught:
            run.result(LIMIT_S)
        with pytest.raises(FunctionFailed) as own:
            run.handle("top").result(LIMIT_S)

        assert caught.value.args == own.value.args
        assert (run.status, caught.value.function_id) == ("failed", "top")

    def test_partial_ones_have_what_finished_and_the_error_of_each_that_did_not(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(diamond(), fail_fast=False)
        play(agent, {"right": ValueError("no")})

        result = run.result(LIMIT_S, partial=True)

        assert result.results == {"top": "top", "left": "left"}
        assert {id: type(error) for id, error in result.errors.items()} == {
            "right": FunctionFailed,
            "end": FunctionCanceled,
        }
        assert "its dependency 'right'" in str(result.errors["end"])
        assert result.allocations == dict.fromkeys(["top", "left", "right"], "a")
        with pytest.raises(FunctionFailed, match="'right'"):
            run.result(LIMIT_S)

    def test_a_function_whose_node_is_lost_is_the_reason(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        agent.take(1)
        agent.goodbye()

        with pytest.raises(NodeLost, match="'top'"):
            run.result(LIMIT_S)

    def test_a_function_that_is_canceled_alone_is_the_reason(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        run.handle("left").cancel()

        with pytest.raises(FunctionCanceled, match="function 'left' was canceled"):
            run.result(LIMIT_S)

    def test_a_run_that_is_canceled_says_so_and_its_functions_say_why(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())

        assert (run.cancel(), run.cancel(), run.status) == (True, False, "canceled")

        with pytest.raises(RunCanceled) as caught:
            run.result(LIMIT_S)
        assert (caught.value.id, caught.value.reason) == (run.id, "canceled")
        with pytest.raises(FunctionCanceled, match="its run"):
            run.handle("end").result(LIMIT_S)
        assert "canceled before it started, for its run" in run.handle("end").explain().text

    def test_a_run_that_took_too_long_says_how_long_that_was(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond(), timeout=2.5)
        advance(cluster, 10)

        with pytest.raises(RunTimedOut) as caught:
            run.result(LIMIT_S)

        assert (caught.value.id, caught.value.seconds) == (run.id, 2.5)
        assert isinstance(caught.value, TimeoutError)

    def test_nobody_waits_longer_than_asked_and_may_ask_again(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())

        with pytest.raises(
            TimeoutError, match=r"is running after 0 s of waiting: 0 of 4 functions have ended"
        ) as caught:
            run.result(timeout=0)

        assert not isinstance(caught.value, HandoffError)
        play(agent, {})
        assert len(run.result(LIMIT_S).results) == 4

    def test_who_waits_in_vain_is_told_what_no_node_could_hold(self, cluster: Cluster, agent: FakeAgent) -> None:
        never = [function(f"big{i}", cost={"cpu": 8}) for i in range(5)]
        run = cluster.submit_dag(dag(*never, function("x"), function("busy", cost={"cpu": 2}, delay=60)))

        with pytest.raises(TimeoutError) as caught:
            run.result(timeout=0)
        with pytest.raises(TimeoutError) as waited:
            run.wait(timeout=0)

        assert str(caught.value) == str(waited.value)
        assert str(caught.value).endswith(
            "0 of 7 functions have ended, and no live node could hold 'big0', 'big1', 'big2', 2 more, even when idle"
        )
        run.cancel()

    def test_partial_ones_are_what_there_is_when_the_time_is_over(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(
            dag(function("x"), function("y"), function("z", "x", "y"), function("w", "x")), fail_fast=False
        )
        assert run.result(timeout=0, partial=True) == RunResult(run.id, {}, {})
        first, second = agent.take(2)
        agent.finish(ok(first.id, 7), failure(second.id, "no"))
        agent.take(1)

        found = run.result(timeout=0, partial=True)

        assert found.to_dict() == {
            "dag_id": run.id,
            "results": {"x": 7},
            "allocations": {"x": "a", "y": "a"},
            "errors": {
                "y": {"type": "builtins.ValueError", "message": "no"},
                "z": {"type": "FunctionCanceled", "message": str(found.errors["z"])},
            },
        }
        assert run.status == "running"
        play(agent, {})
        run.cancel()
        agent.goodbye()

    @pytest.mark.parametrize("end", ["finished", "failed", "canceled"])
    def test_to_wait_for_the_end_is_to_learn_how_it_ended_and_raises_nothing_else(
        self, cluster: Cluster, agent: FakeAgent, end: str
    ) -> None:
        run = cluster.submit_dag(diamond())
        with pytest.raises(TimeoutError):
            run.wait(timeout=0)
        if end == "canceled":
            run.cancel()
        play(agent, {"top": ValueError("no")} if end == "failed" else {})

        assert run.wait(LIMIT_S) == end

    def test_whoever_waits_is_woken_by_the_end(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        found: list[RunResult] = []
        waiter = threading.Thread(target=lambda: found.append(run.result(LIMIT_S)))
        waiter.start()

        play(agent, {})
        waiter.join(LIMIT_S)

        assert [len(result.results) for result in found] == [4]

    def test_a_result_that_rq_deleted_is_missed(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        play(agent, {})
        run.handle("left").job.delete()

        with pytest.raises(UnknownFunction):
            run.result(LIMIT_S)
        partial = run.result(LIMIT_S, partial=True)

        assert list(partial.results) == ["top", "right", "end"]
        assert {id: type(error) for id, error in partial.errors.items()} == {"left": UnknownFunction}
        assert '["left"]:::gone' in run.to_mermaid()

    def test_a_run_of_which_nothing_is_kept_is_unknown_afterwards(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond(), result_ttl=0)
        play(agent, {})

        for ask in (run.result, run.progress, run.to_mermaid, run.cancel, lambda: run.status):
            with pytest.raises(UnknownRun):
                ask()
