"""A function's way from submit to its end, as the client sees it; a fake agent does what agents do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from handoff.books.allocator import SimpleAllocator
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import FunctionCanceled, FunctionFailed, NodeLost, UnknownFunction
from handoff.ledger import functions as work
from handoff.ledger.housekeeping import tick
from handoff.ledger.result_entry import ENDING_TEXTS
from handoff.ledger.verdict import Verdict
from handoff.local.server import RedisServer
from handoff.why.explain import explain
from handoff.words.function import Function
from support.agent import FakeAgent, Result, failure, killed, ok
from support.books import assert_nothing_held, check_books

NOW_MS = 1_900_000_000_000

LIMIT_S = 20


@pytest.fixture(autouse=True)
def _still(request: pytest.FixtureRequest) -> None:
    """Time stands still for the scripts, and moves where a test says so."""
    if "cluster" in request.fixturenames:
        request.getfixturevalue("cluster").store.now_ms = NOW_MS


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": 2}).register()


def submit(cluster: Cluster, id: str = "f", **fields: Any) -> Handle:
    return cluster.submit(Function(id, "tasks:work", **fields))


def verdict_of(cluster: Cluster, **fields: Any) -> Verdict:
    verdict = submit(cluster, **fields).verdict
    assert verdict is not None
    return verdict


def later(cluster: Cluster, seconds: float) -> None:
    """Let the clock move and the housekeeping be done."""
    cluster.store.now_ms += round(seconds * 1000)
    tick(cluster.store)


def run(agent: FakeAgent, make: Callable[[str], Result] = ok) -> list[str]:
    """Take the next function and end it. -> what became of the result"""
    [started] = agent.take()
    return agent.finish(make(started.id))


def names(started: Sequence[Any]) -> list[str]:
    return [each.job["h_function"].decode() for each in started]


def callbacks_due(cluster: Cluster) -> list[str]:
    reply = cluster.store.run("tick", room=9, token="t", **ENDING_TEXTS)
    return [id.decode() for id, _ in reply[2]]


class TestVerdict:
    def test_a_function_that_fits_is_placed_on_the_first_node_that_was_registered(self, cluster: Cluster) -> None:
        for name in ("b", "a"):
            cluster.register_node(name, {"cpu": 1})

        assert verdict_of(cluster, cost={"cpu": 1}) == Verdict("placed", "b", {}, "placed on b")
        assert verdict_of(cluster, cost={"cpu": 0.5}) == Verdict("placed", "a", {}, "placed on a")

    def test_it_says_which_devices_it_holds(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": [0, 3, 5], "fpga": [7]})

        handle = submit(cluster, cost={"gpu": 2, "fpga": 0.5})

        devices = {"gpu": [0, 3], "fpga": [7]}
        assert handle.verdict == Verdict("placed", "a", devices, "placed on a with fpga 7, gpu 0 3")
        assert handle.devices == devices
        assert verdict_of(cluster, cost={"gpu": 0.5}).devices == {"gpu": [5]}

    def test_what_fits_on_no_node_now_waits_and_says_for_what(self, cluster: Cluster) -> None:
        for name in ("a", "b"):
            cluster.register_node(name, {"cpu": 2})
            cluster.tracker.request(name, {"cpu": 1})

        handle = submit(cluster, cost={"cpu": 2})

        reason = "waits until a node has room for cpu 2: 2 live nodes could hold it when idle"
        assert handle.verdict == Verdict("waiting", None, {}, reason)
        assert (handle.status, handle.node, handle.devices, handle.attempts) == ("waiting", None, {}, 0)

    def test_what_only_lacks_a_slot_waits_for_one(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"slots": 1})
        submit(cluster)

        reason = "waits until a node has room for a slot: 1 live node could hold it when idle"
        assert verdict_of(cluster) == Verdict("waiting", None, {}, reason)

    def test_what_is_pinned_waits_for_its_node_while_others_have_room(self, cluster: Cluster) -> None:
        for name in ("a", "b"):
            cluster.register_node(name, {"cpu": 1})
        submit(cluster, cost={"cpu": 1}, node="b")

        reason = "waits until node b has room for cpu 1"
        assert verdict_of(cluster, cost={"cpu": 1}, node="b") == Verdict("waiting", None, {}, reason)
        assert verdict_of(cluster, cost={"cpu": 1}).node == "a"

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"cost": {"cpu": 5}}, "cpu 5 wanted, a has 4"),
            ({"cost": {"tpu": 0.5}}, "tpu 0.5 wanted, a has 0"),
            ({"cost": {"gpu": 3}}, "gpu 3 wanted, b has 2"),
            ({"cost": {"cpu": 4, "gpu": 1}}, "cpu 4 wanted, b has 2"),
            ({"cost": {"gpu": 1}, "node": "a"}, "gpu 1 wanted, a has 0"),
            ({"cost": {"cpu": 3}, "node": "b"}, "cpu 3 wanted, b has 2"),
        ],
        ids=["too much", "unknown resource", "devices", "at once", "pinned without", "pinned too much"],
    )
    def test_what_no_node_could_hold_even_when_idle_is_infeasible(
        self, cluster: Cluster, fields: dict[str, Any], reason: str
    ) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.register_node("b", {"cpu": 2, "gpu": 2})

        handle = submit(cluster, **fields)

        assert handle.verdict == Verdict("infeasible", None, {}, reason)
        assert handle.status == "waiting"

    def test_without_any_node_everything_is_infeasible(self, cluster: Cluster) -> None:
        assert verdict_of(cluster).state == "infeasible"
        assert verdict_of(cluster, node="a").state == "infeasible"
        assert "node a" in verdict_of(cluster, node="a").reason

    def test_a_node_whose_lease_is_over_holds_nothing(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms += agent.lease_ms

        assert verdict_of(cluster).state == "infeasible"

    def test_a_handle_made_from_an_id_has_no_verdict(self, cluster: Cluster) -> None:
        assert cluster.handle(submit(cluster).id).verdict is None

    def test_the_users_id_is_kept_and_need_not_be_unique(self, cluster: Cluster) -> None:
        one, other = submit(cluster, "any text: it is the user's"), submit(cluster, "any text: it is the user's")

        assert one.id != other.id
        assert cluster.handle(one.id).function_id == "any text: it is the user's"
        assert one.job.id == one.id


class TestOrder:
    def test_larger_priorities_start_first_and_equals_in_order_of_submit(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        submit(cluster, "blocks", cost={"cpu": 2})
        for id, priority in [("low", -1000), ("one", 0), ("high", 1000), ("two", 0), ("minus", -1)]:
            submit(cluster, id, cost={"cpu": 2}, priority=priority)

        seen = []
        while started := agent.take():
            seen += names(started)
            agent.finish(ok(started[0].id))

        assert seen == ["blocks", "high", "one", "two", "minus", "low"]

    def test_priority_counts_between_different_costs_too(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, "blocks", cost={"cpu": 2})
        submit(cluster, "small", cost={"cpu": 1.5})
        submit(cluster, "urgent", cost={"cpu": 2}, priority=1)

        run(agent)

        assert names(agent.take(9)) == ["urgent"]

    def test_what_fits_is_not_held_up_by_what_does_not(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, "one", cost={"cpu": 1})
        large = submit(cluster, "large", cost={"cpu": 2}, priority=9)
        small = submit(cluster, "small", cost={"cpu": 1})

        assert (large.status, small.status) == ("waiting", "queued")

    def test_the_last_of_a_kind_never_overtakes_the_first(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        held = cluster.tracker.request("a", {"cpu": 1})
        handles = [submit(cluster, cost={"cpu": 1}) for _ in range(3)]

        cluster.tracker.release(held)

        assert [handle.status for handle in handles] == ["queued", "waiting", "waiting"]

    def test_all_that_fits_into_the_room_starts_at_once(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        held = cluster.tracker.request("a", {"cpu": 4})
        handles = [submit(cluster, cost={"cpu": cpu}) for cpu in (2, 3, 1, 1, 1)]

        cluster.tracker.release(held)

        assert [handle.status for handle in handles] == ["queued", "waiting", "queued", "queued", "waiting"]

    def test_pinned_functions_wait_each_for_their_own_node(self, cluster: Cluster) -> None:
        claims = {}
        for name in ("a", "b@x", "b"):
            cluster.register_node(name, {"cpu": 1})
            claims[name] = cluster.tracker.request(name, {"cpu": 1})
        handles = {name: submit(cluster, cost={"cpu": 1}, node=name) for name in claims}
        free = submit(cluster, cost={"cpu": 1})

        cluster.tracker.release(claims["b@x"])

        assert [handles[name].status for name in claims] == ["waiting", "queued", "waiting"]
        assert free.status == "waiting"
        assert handles["b@x"].node == "b@x"

    def test_a_node_that_joins_takes_what_waits_by_rank(self, cluster: Cluster) -> None:
        ranked = [submit(cluster, cost={"cpu": cpu}, priority=priority) for cpu, priority in [(1, 0), (3, 2), (2, 1)]]

        cluster.register_node("a", {"cpu": 4})

        assert [handle.status for handle in ranked] == ["queued", "queued", "waiting"]


class TestRetries:
    def test_a_failed_attempt_is_retried_after_a_delay_that_doubles(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, cost={"cpu": 2}, max_retries=3)
        delays = []

        for _ in range(3):
            assert run(agent, failure) == ["retrying"]
            assert (handle.status, handle.node) == ("delayed", None)
            due = cluster.connection.zscore(cluster.store.keys("delayed"), handle.id)
            assert due is not None
            delays.append(due - cluster.store.now_ms)
            later(cluster, (delays[-1] - 1) / 1000)
            agent.beat()
            assert (handle.status, agent.take()) == ("delayed", [])
            later(cluster, 0.001)
            assert handle.status == "queued"

        assert delays == [1000, 2000, 4000]
        assert run(agent, failure) == ["failed"]
        assert (handle.status, handle.attempts) == ("failed", 4)

    def test_no_delay_is_longer_than_a_minute_but_for_its_jitter(self, cluster: Cluster, agent: FakeAgent) -> None:
        agent.lease_ms = 10**9
        agent.register()
        handle = submit(cluster, max_retries=9)

        for _ in range(8):
            run(agent, failure)
            later(cluster, 60)
        run(agent, lambda id: failure(id, jitter=1.2))

        assert cluster.connection.zscore(cluster.store.keys("delayed"), handle.id) == cluster.store.now_ms + 72_000

    def test_the_room_of_a_delayed_function_goes_to_others(self, cluster: Cluster, agent: FakeAgent) -> None:
        delayed = submit(cluster, cost={"cpu": 2}, max_retries=1)
        other = submit(cluster, cost={"cpu": 2})

        run(agent, failure)
        later(cluster, 1)

        assert (delayed.status, other.status) == ("waiting", "queued")

    def test_what_would_fail_the_same_way_again_is_not_retried(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, max_retries=3)

        assert run(agent, lambda id: failure(id, retryable=False)) == ["failed"]

        assert (handle.status, handle.attempts) == ("failed", 1)

    def test_without_max_retries_the_first_failure_is_the_last(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster)

        assert run(agent, failure) == ["failed"]

        assert handle.attempts == 1

    def test_a_retry_that_succeeds_gives_its_value(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, max_retries=1)
        run(agent, failure)
        later(cluster, 1)

        assert run(agent, lambda id: ok(id, "second")) == ["stored"]

        assert (handle.result(timeout=0), handle.attempts, handle.status) == ("second", 2, "finished")

    def test_a_retry_may_go_to_another_node(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, cost={"cpu": 2}, max_retries=1)
        run(agent, failure)
        cluster.register_node("b", {"cpu": 2})
        cluster.tracker.request("a", {"cpu": 1})

        later(cluster, 1)

        assert handle.node == "b"


def to_waiting(cluster: Cluster, agent: FakeAgent) -> Handle:
    submit(cluster, cost={"cpu": 2})
    return submit(cluster, cost={"cpu": 2})


def to_delayed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, max_retries=1)
    run(agent, failure)
    return handle


def to_queued(cluster: Cluster, agent: FakeAgent) -> Handle:
    return submit(cluster, cost={"cpu": 2})


def to_started(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, cost={"cpu": 2})
    agent.take()
    return handle


def to_finished(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster)
    run(agent)
    return handle


def to_failed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster)
    run(agent, failure)
    return handle


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


class TestHandle:
    @pytest.fixture
    def other(self, cluster: Cluster) -> Iterator[Cluster]:
        """Another process's view of the same namespace."""
        with Cluster(connection=cluster.connection, namespace=cluster.namespace) as other:
            other.store.now_ms = NOW_MS
            yield other

    def test_a_handle_from_an_id_sees_waits_and_cancels_as_the_first_one(
        self, cluster: Cluster, other: Cluster, agent: FakeAgent
    ) -> None:
        done, running = submit(cluster, "done"), submit(cluster, "running", cost={"cpu": 1})
        agent.finish(*(ok(started.id, {"a": (1, b"2")}) for started in agent.take()), room=1)

        seen = other.handle(done.id)
        assert (seen.id, seen.function_id) == (done.id, "done")
        assert (seen.status, seen.node, seen.attempts) == ("finished", "a", 1)
        assert seen.result() == done.result() == {"a": (1, b"2")}
        assert other.handle(running.id).status == "started"
        assert other.handle(running.id).cancel()
        assert not running.cancel()

    def test_every_step_shows_in_status_node_and_attempts(self, cluster: Cluster, agent: FakeAgent) -> None:
        def seen() -> tuple[str, str | None, int]:
            return handle.status, handle.node, handle.attempts

        claim = cluster.tracker.request("a", {"cpu": 2})
        handle = submit(cluster, cost={"cpu": 1}, max_retries=1)
        steps = [seen()]
        cluster.tracker.release(claim)
        steps.append(seen())
        [first] = agent.take()
        steps.append(seen())
        agent.finish(failure(first.id))
        steps.append(seen())
        later(cluster, 1)
        steps.append(seen())
        [second] = agent.take()
        steps.append(seen())
        agent.finish(ok(second.id))
        steps.append(seen())

        assert steps == [
            ("waiting", None, 0), ("queued", "a", 0), ("started", "a", 1), ("delayed", None, 1), ("queued", "a", 1),
            ("started", "a", 2), ("finished", "a", 2),
        ]  # fmt: skip

    def test_a_function_of_another_namespace_is_unknown_and_nobody_there_cancels_it(self, cluster: Cluster) -> None:
        handle = submit(cluster)

        with Cluster(connection=cluster.connection, namespace="elsewhere") as elsewhere:
            for look in (
                elsewhere.handle,
                lambda id: work.cancel(elsewhere.store, id),
                lambda id: explain(elsewhere.store, id),
            ):
                with pytest.raises(UnknownFunction):
                    look(handle.id)
        assert handle.status == "waiting"

    def test_whatever_looks_at_a_function_that_is_gone_says_so(self, cluster: Cluster) -> None:
        handle = submit(cluster)
        handle.job.delete()
        tick(cluster.store)

        for look in (
            lambda: handle.status, lambda: handle.node, lambda: handle.devices, lambda: handle.attempts,
            lambda: handle.job, handle.result, lambda: cluster.handle(handle.id),
        ):  # fmt: skip
            with pytest.raises(UnknownFunction, match=handle.id):
                look()


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
        cluster.store.now_ms += 7000

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


class TestLostNode:
    def test_what_was_queued_waits_again_at_no_cost_and_what_ran_costs_an_attempt(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        running, queued = submit(cluster, cost={"cpu": 1}, max_retries=1), submit(cluster, cost={"cpu": 1})
        agent.take()

        later(cluster, 7)

        assert (running.status, running.attempts) == ("delayed", 1)
        assert (queued.status, queued.attempts) == ("waiting", 0)

    def test_both_run_elsewhere(self, cluster: Cluster, agent: FakeAgent) -> None:
        running, queued = submit(cluster, cost={"cpu": 1}, max_retries=1), submit(cluster, cost={"cpu": 1})
        agent.take()
        later(cluster, 7)
        other = FakeAgent(cluster.store, "b", {"cpu": 1}).register()

        assert run(other) == ["stored"]
        later(cluster, 1)
        assert run(other) == ["stored"]

        assert [(handle.status, handle.node, handle.attempts) for handle in (running, queued)] == [
            ("finished", "b", 2),
            ("finished", "b", 1),
        ]

    def test_the_late_result_of_a_lost_agent_is_refused(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster)
        [running] = agent.take()
        later(cluster, 7)

        agent.register()

        assert agent.finish(ok(running.id, "late")) == ["refused"]
        with pytest.raises(NodeLost):
            handle.result()

    @pytest.mark.parametrize("callback", ["tasks.told", None])
    def test_on_failure_of_a_lost_function_is_handed_to_one_agent(
        self, cluster: Cluster, agent: FakeAgent, callback: str | None
    ) -> None:
        handle = cluster.enqueue("tasks:work", on_failure=callback)
        agent.take()
        cluster.store.now_ms += 7000

        assert callbacks_due(cluster) == ([handle.id] if callback else [])
        assert cluster.connection.llen(cluster.store.keys("callbacks")) == 0

    def test_deregistering_a_node_loses_what_it_ran(self, cluster: Cluster, agent: FakeAgent) -> None:
        running, queued = submit(cluster, cost={"cpu": 1}), submit(cluster, cost={"cpu": 1})
        agent.take()

        cluster.deregister_node("a")

        assert queued.status == "waiting"
        with pytest.raises(NodeLost):
            running.result()


class TestCosts:
    def test_the_default_cost_is_that_of_functions_that_name_none(self, connection: redis.Redis) -> None:
        with Cluster(connection=connection, namespace="default-cost", default_cost={"cpu": 2}) as cluster:
            cluster.register_node("a", {"cpu": 5})

            submit(cluster)
            cluster.enqueue("tasks:work", cost={})
            cluster.enqueue("tasks:work", cost={"cpu": 1})

            assert cluster.tracker.available("a") == {"cpu": 2}
            check_books(cluster.store)

    def test_a_function_takes_a_slot_and_a_claim_does_not(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"slots": 2})

        submit(cluster)
        cluster.tracker.request("a", {})

        assert cluster.tracker.available("a") == {"slots": 1}


class Choosing:
    """An allocator that notes what it was asked, and answers what it is told to."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked: list[tuple[list[Function], Mapping[str, Any]]] = []

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Any]) -> dict[str, str | None]:
        self.asked.append((list(functions), free))
        return {function.id: self.answer for function in functions}


class TestAllocator:
    @pytest.fixture
    def choose(self, cluster: Cluster) -> Iterator[Callable[[Any], Cluster]]:
        """The same namespace with an allocator; nodes a and b, of which b is full."""
        cluster.register_node("a", {"cpu": 2, "gpu": 1})
        cluster.register_node("b", {"cpu": 2})
        cluster.register_node("c", {"cpu": 2})
        cluster.tracker.request("b", {"cpu": 2})
        opened: list[Cluster] = []

        def choose(allocator: Any) -> Cluster:
            opened.append(
                Cluster(
                    connection=cluster.connection, namespace=cluster.namespace, allocator=allocator,
                    default_cost={"cpu": 1},
                )
            )  # fmt: skip
            opened[-1].store.now_ms = NOW_MS
            return opened[-1]

        yield choose
        for each in opened:
            each.close()

    def test_its_answer_is_tried_first(self, choose: Callable[[Any], Cluster]) -> None:
        assert verdict_of(choose(Choosing("c")), cost={"cpu": 1}).node == "c"

    def test_it_is_asked_with_the_function_and_what_nodes_have_free(self, choose: Callable[[Any], Cluster]) -> None:
        allocator = Choosing(None)

        submit(choose(allocator), "mine", cost={"cpu": 0.5})

        [(functions, free)] = allocator.asked
        assert [(function.id, function.cost) for function in functions] == [("mine", {"cpu": 0.5})]
        assert free == {"a": {"cpu": 2, "gpu": 1}, "b": {"cpu": 0}, "c": {"cpu": 2}}
        assert list(free) == ["a", "b", "c"]

    def test_it_is_asked_about_the_cost_that_will_be_held(self, choose: Callable[[Any], Cluster]) -> None:
        allocator = Choosing(None)

        submit(choose(allocator))

        [([function], _)] = allocator.asked
        assert function.cost == {"cpu": 1}

    @pytest.mark.parametrize("answer", [None, "b", "gone", "", "no name"])
    def test_an_answer_that_does_not_fit_is_passed_over(
        self, choose: Callable[[Any], Cluster], answer: str | None
    ) -> None:
        assert verdict_of(choose(Choosing(answer)), cost={"cpu": 1}).node == "a"

    def test_it_does_not_move_what_is_pinned(self, choose: Callable[[Any], Cluster]) -> None:
        assert verdict_of(choose(Choosing("c")), cost={"cpu": 1}, node="a").node == "a"

    def test_it_does_not_let_one_overtake_those_of_its_kind(self, choose: Callable[[Any], Cluster]) -> None:
        cluster = choose(Choosing("c"))
        for name in ("a", "c"):
            cluster.tracker.request(name, {"cpu": 2})
        waiting = submit(cluster, cost={"cpu": 1})
        cluster.register_node("c", {"cpu": 2.5})

        assert verdict_of(cluster, cost={"cpu": 1}).state == "waiting"
        assert waiting.status == "waiting"

    def test_an_error_in_it_is_raised_before_anything_is_written(self, choose: Callable[[Any], Cluster]) -> None:
        class Broken:
            def allocate(self, functions: object, free: object) -> dict[str, str]:
                raise LookupError("broken")

        cluster = choose(Broken())
        before = cluster.connection.dbsize()

        with pytest.raises(LookupError, match="broken"):
            submit(cluster)
        assert cluster.connection.dbsize() == before

    def test_our_own_allocator_decides_as_the_script_does(self, choose: Callable[[Any], Cluster]) -> None:
        cluster = choose(SimpleAllocator(this_node="c"))

        assert [verdict_of(cluster, cost={"cpu": 1}).node for _ in range(4)] == ["c", "c", "a", "a"]


class TestKeeping:
    def ttl(self, cluster: Cluster, handle: Handle) -> tuple[int, int]:
        """Seconds that the job's hash and its results are still kept; -1 = for ever, -2 = gone."""
        keys = cluster.store.keys
        return cluster.connection.ttl(keys("rq_job", handle.id)), cluster.connection.ttl(keys("rq_results", handle.id))

    def test_a_function_that_has_not_ended_is_kept(self, cluster: Cluster, agent: FakeAgent) -> None:
        for handle in (to_queued(cluster, agent), to_waiting(cluster, agent)):
            assert self.ttl(cluster, handle)[0] == -1

    @pytest.mark.parametrize(
        ("end", "options", "seconds"),
        [
            (ok, {}, 500),
            (ok, {"result_ttl": None}, 500),
            (ok, {"result_ttl": 7, "failure_ttl": 9}, 7),
            (ok, {"result_ttl": -1}, -1),
            (failure, {}, 365 * 24 * 3600),
            (failure, {"result_ttl": 7, "failure_ttl": 9}, 9),
            (failure, {"failure_ttl": -1}, -1),
            (killed, {"result_ttl": 7, "failure_ttl": 9}, 9),
        ],
    )
    def test_how_long_it_is_kept_after_its_end_is_the_users_choice(
        self, cluster: Cluster, agent: FakeAgent, end: Callable[[str], Result], options: dict[str, int], seconds: int
    ) -> None:
        handle = cluster.enqueue("tasks:work", **options)  # type: ignore[arg-type]

        run(agent, end)

        for ttl in self.ttl(cluster, handle):
            assert ttl in (seconds, seconds - 1)

    def test_a_canceled_function_is_kept_as_a_failed_one(self, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:work", failure_ttl=9)

        handle.cancel()

        assert set(self.ttl(cluster, handle)) <= {9, 8}

    @pytest.mark.parametrize(("end", "option"), [(ok, "result_ttl"), (failure, "failure_ttl")])
    def test_with_a_ttl_of_zero_nothing_is_kept(
        self, cluster: Cluster, agent: FakeAgent, end: Callable[[str], Result], option: str
    ) -> None:
        handle = cluster.enqueue("tasks:work", **{option: 0})  # type: ignore[arg-type]

        run(agent, end)

        assert self.ttl(cluster, handle) == (-2, -2)
        with pytest.raises(UnknownFunction):
            handle.result()

    def test_a_retry_keeps_what_has_not_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = cluster.enqueue("tasks:work", max_retries=1, failure_ttl=9)

        run(agent, failure)

        assert self.ttl(cluster, handle)[0] == -1

    def test_all_has_an_owner_and_goes_with_it(self, own_server: RedisServer) -> None:
        subscribe: Callable[..., Any] = redis.Redis.from_url(own_server.url).pubsub
        with Cluster(own_server.url) as cluster, subscribe(ignore_subscribe_messages=True) as expired:
            cluster.connection.config_set("notify-keyspace-events", "Ex")
            expired.subscribe("__keyevent@0__:expired")
            agent = FakeAgent(cluster.store, "a", {"cpu": 1, "gpu": 1}).register()
            short: dict[str, Any] = {"cost": {"cpu": 1, "gpu": 0.5}, "result_ttl": 1, "failure_ttl": 1}
            for end in (ok, failure, killed):
                cluster.enqueue("tasks:work", job_id=end.__name__, **short)
                run(agent, end)
            for id in ("queued", "waiting"):
                cluster.enqueue("tasks:work", job_id=id, **short)
            for id in ("queued", "waiting"):
                assert cluster.handle(id).cancel()
            claim = cluster.tracker.request("a", {"cpu": 1})
            cluster.tracker.release(claim)
            assert agent.goodbye()

            awaited = {cluster.store.keys("rq_job", id) for id in ("ok", "failure", "killed", "queued", "waiting")}
            awaited |= {cluster.store.keys("rq_results", id) for id in ("ok", "failure", "killed", "queued", "waiting")}
            while awaited:
                message = expired.get_message(timeout=LIMIT_S)
                if message is not None:
                    awaited.discard(message["data"].decode())
            cluster.store.now_ms = round(cluster.connection.time()[0] * 1000) + 10_000
            tick(cluster.store)

            left = {key.decode() for key in cluster.connection.scan_iter("*")}
            permanent = {cluster.store.keys(name) for name in ("epoch", "order", "events", "sweep", "rq_queues")}
            assert left - permanent == {cluster.store.keys("released", claim.id)}
            assert cluster.connection.smembers(cluster.store.keys("rq_queues")) == {b"rq:queue:handoff"}
            check_books(cluster.store)

    @pytest.fixture
    def own_server(self, server: RedisServer) -> Iterator[RedisServer]:
        """One that may be told to report what expires."""
        with RedisServer() as own:
            yield own
