"""What comes of many functions: all of their results, or one after the other as they end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from handoff.client import gathered
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import FunctionCanceled, FunctionFailed, NodeLost, UnknownFunction
from handoff.ledger import ends
from support.agent import FakeAgent, Stale, failure, ok
from support.refused import functions, work
from support.submits import later, names
from support.waiting import LIMIT_S


@pytest.fixture
def agent(agent: FakeAgent) -> Iterator[FakeAgent]:
    """In the end it takes up what rq's tools leave behind."""
    yield agent
    with contextlib.suppress(Stale):
        agent.take(room=9)
        agent.beat()


def finish_all(agent: FakeAgent, count: int) -> None:
    """Run so many, one after the other; each gives the first of its arguments."""
    for number in range(count):
        [started] = agent.take()
        agent.finish(ok(started.id, number))


Looking = Callable[[Callable[[], object]], None]


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    """Has something happen before each look at what has ended; each look takes a second of the time of who waits."""
    look, clock = ends.Ends._look, SimpleNamespace(now_s=time.monotonic())

    def have(happen: Callable[[], object]) -> None:
        async def looked(self: ends.Ends) -> list[ends.End]:
            happen()
            clock.now_s += 1
            return await look(self)

        monkeypatch.setattr(ends, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
        monkeypatch.setattr(ends.Ends, "_look", looked)

    return have


class TestGather:
    def test_results_come_in_the_order_of_the_handles(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(5))
        finish_all(agent, 5)

        assert cluster.gather(handles) == [0, 1, 2, 3, 4]
        assert cluster.gather([handles[3], handles[1], handles[3]]) == [3, 1, 3]
        assert cluster.gather(iter(handles[:2])) == [0, 1]
        assert cluster.gather([]) == []

    def test_it_waits_until_the_last_has_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(3))
        finish_all(agent, 2)
        thread = threading.Thread(target=finish_all, args=(agent, 1))
        thread.start()

        assert cluster.gather(handles, timeout=LIMIT_S) == [0, 1, 0]
        thread.join()

    def test_what_has_not_ended_in_time_is_counted(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(4), cost={"cpu": 1})
        finish_all(agent, 1)

        with pytest.raises(
            TimeoutError, match=r"3 of 4 functions have not ended after 0 s of waiting: 2 queued, 1 waiting"
        ):
            cluster.gather(handles, timeout=0)

    def test_the_first_that_fails_is_told_while_others_go_on(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(3), cost={"cpu": 2})
        [started] = agent.take()
        agent.finish(failure(started.id, "no such file"))

        with pytest.raises(FunctionFailed, match="no such file"):
            cluster.gather(handles, timeout=LIMIT_S)
        assert [handle.status for handle in handles] == ["failed", "queued", "waiting"]

    def test_errors_stand_where_results_would(self, cluster: Cluster, agent: FakeAgent) -> None:
        good, bad, canceled, gone = cluster.map(work, range(4))
        for make in (ok, failure):
            [started] = agent.take()
            agent.finish(make(started.id))
        canceled.cancel()
        gone.job.delete()
        agent.take()

        found = cluster.gather([good, bad, canceled, gone], return_exceptions=True, timeout=LIMIT_S)

        assert [type(each) for each in found] == [type(None), FunctionFailed, FunctionCanceled, UnknownFunction]
        with pytest.raises(UnknownFunction):
            cluster.gather([good, gone])

    def test_of_a_lost_node_it_is_told(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(1))
        agent.take()
        later(cluster, 10)

        [error] = cluster.gather(handles, return_exceptions=True, timeout=LIMIT_S)

        assert isinstance(error, NodeLost)

    def test_one_that_is_tried_again_has_not_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(1), max_retries=1)
        [started] = agent.take()
        agent.finish(failure(started.id))

        with pytest.raises(TimeoutError, match="1 delayed"):
            cluster.gather(handles, timeout=0.01)

    def test_one_that_rq_requeued_is_waited_for_again(self, cluster: Cluster, agent: FakeAgent) -> None:
        (handle,) = handles = cluster.map(work, range(1))
        [started] = agent.take()
        agent.finish(failure(started.id))
        handle.job.requeue()
        later(cluster, 1)

        with pytest.raises(TimeoutError):
            cluster.gather(handles, timeout=0.2)
        agent.beat()
        finish_all(agent, 1)
        assert cluster.gather(handles, timeout=LIMIT_S) == [0]

    def test_more_than_one_look_takes_are_one_list(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ends, "AT_ONCE", 2)
        monkeypatch.setattr(ends, "WATCHED", 1)
        handles = cluster.map(work, range(5))
        finish_all(agent, 4)
        thread = threading.Thread(target=finish_all, args=(agent, 1))
        thread.start()

        assert cluster.gather(handles, timeout=LIMIT_S) == [0, 1, 2, 3, 0]
        thread.join()

    def test_a_result_that_expires_while_others_are_waited_for_is_given(
        self, cluster: Cluster, agent: FakeAgent, looking: Looking
    ) -> None:
        handles = cluster.map(work, range(4))
        coming = iter(range(4))

        def expire_and_end() -> None:
            if number := next(coming):
                handles[number - 1].job.delete()
            [started] = agent.take()
            agent.finish(ok(started.id, number))

        looking(expire_and_end)

        assert cluster.gather(handles, timeout=LIMIT_S) == [0, 1, 2, 3]

    @pytest.mark.parametrize("keep_errors", [False, True])
    def test_that_others_go_on_to_end_does_not_keep_it_behind_its_time(
        self, cluster: Cluster, agent: FakeAgent, looking: Looking, keep_errors: bool
    ) -> None:
        handles = cluster.map(work, range(5))
        looking(lambda: finish_all(agent, 1))

        with pytest.raises(TimeoutError, match=r"1 of 5 functions have not ended after 2\.5 s"):
            cluster.gather(handles, timeout=2.5, return_exceptions=keep_errors)

    def test_one_that_has_failed_in_time_is_told_and_not_that_others_are_late(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        handles = cluster.map(work, range(3))
        finish_all(agent, 1)
        [started] = agent.take()
        agent.finish(failure(started.id, "no such file"))

        with pytest.raises(FunctionFailed, match="no such file"):
            cluster.gather(handles, timeout=0)
        with pytest.raises(TimeoutError):
            cluster.gather(handles, timeout=0, return_exceptions=True)

    def test_where_the_last_ends_in_the_last_moment_there_are_all_results(
        self, cluster: Cluster, agent: FakeAgent, looking: Looking
    ) -> None:
        handles = cluster.map(work, range(4))
        coming = iter(range(4))

        def end() -> None:
            [started] = agent.take()
            agent.finish(ok(started.id, next(coming)))

        looking(end)

        assert cluster.gather(handles, timeout=2.5) == [0, 1, 2, 3]

    def test_a_bar_on_stderr_shows_how_far_it_is(
        self, cluster: Cluster, agent: FakeAgent, capsys: pytest.CaptureFixture[str]
    ) -> None:
        handles = cluster.map(work, range(3))
        finish_all(agent, 2)
        [started] = agent.take()
        agent.finish(failure(started.id))

        cluster.gather(handles, progress=True, return_exceptions=True)

        out, err = capsys.readouterr()
        assert out == ""
        assert "3/3" in err
        assert "2 finished, 1 failed" in err

    @pytest.mark.parametrize(
        ("given", "options", "text"),
        [
            (3, {}, "no list of handles, but a int"),
            (["a"], {}, "among the handles is a str"),
            ([], {"timeout": "soon"}, "timeout"),
            ([], {"progress": 1}, "progress is 1"),
            ([], {"return_exceptions": None}, "return_exceptions is None"),
        ],
    )
    def test_what_is_no_list_of_handles_is_told(
        self, cluster: Cluster, given: Any, options: dict[str, Any], text: str
    ) -> None:
        with pytest.raises((TypeError, ValueError), match=text):
            cluster.gather(given, **options)


ENDS: dict[str, Callable[[FakeAgent, Handle], object]] = {
    "finished": lambda agent, handle: agent.finish(ok(running(agent, handle))),
    "failed": lambda agent, handle: agent.finish(failure(running(agent, handle))),
    "canceled": lambda agent, handle: handle.cancel(),
    "deleted": lambda agent, handle: handle.job.delete(),
}


def taken(agent: FakeAgent) -> dict[str, str]:
    """All that stands on its queue is taken. -> the reservations, by the users' ids"""
    started = agent.take(room=9)
    return dict(zip(names(started), (each.id for each in started), strict=True))


def running(agent: FakeAgent, handle: Handle) -> str:
    return next(id for id in agent.runs if id.startswith(f"{handle.id}:"))


class TestAsCompleted:
    def test_they_come_in_the_order_in_which_they_end(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.submit_many(functions(4, cost={"cpu": 0.5}))
        started = taken(agent)
        coming = iter(cluster.as_completed(handles, timeout=LIMIT_S))

        for number in (2, 0, 3, 1):
            agent.finish(ok(started[f"f{number}"]))
            assert next(coming).function_id == f"f{number}"
        with pytest.raises(StopIteration):
            next(coming)

    def test_those_that_have_ended_before_come_first_by_when_they_did(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.submit_many(functions(4, cost={"cpu": 0.5}))
        started = taken(agent)
        for number in (2, 0, 3, 1):
            agent.finish(ok(started[f"f{number}"]))
            later(cluster, 1)

        assert [each.function_id for each in cluster.as_completed(handles)] == ["f2", "f0", "f3", "f1"]

    @pytest.mark.parametrize("end", ENDS)
    def test_each_comes_whatever_its_end(self, cluster: Cluster, agent: FakeAgent, end: str) -> None:
        (handle,) = handles = cluster.map(work, range(1))
        if end in ("finished", "failed"):
            agent.take()
        ENDS[end](agent, handle)

        assert [each.id for each in cluster.as_completed(handles, timeout=LIMIT_S)] == [handle.id]
        agent.take()

    def test_a_handle_that_is_given_twice_comes_twice(self, cluster: Cluster, agent: FakeAgent) -> None:
        (handle,) = cluster.map(work, range(1))
        finish_all(agent, 1)

        assert [each.id for each in cluster.as_completed([handle, handle])] == [handle.id, handle.id]

    def test_none_are_none(self, cluster: Cluster) -> None:
        assert list(cluster.as_completed([])) == []

    def test_after_its_time_it_raises_what_gather_raises(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(2))
        finish_all(agent, 1)
        coming = iter(cluster.as_completed(handles, timeout=0.01))

        assert next(coming).id == handles[0].id
        with pytest.raises(TimeoutError, match="1 of 2 functions have not ended"):
            next(coming)

    def test_those_that_have_ended_by_its_time_come_before_the_error_and_no_others(
        self, cluster: Cluster, agent: FakeAgent, looking: Looking
    ) -> None:
        handles = cluster.map(work, range(6))
        looking(lambda: finish_all(agent, 1))
        coming = iter(cluster.as_completed(handles, timeout=2.5))

        assert [next(coming).id for _ in range(4)] == [handle.id for handle in handles[:4]]
        with pytest.raises(TimeoutError, match=r"2 of 6 functions have not ended after 2\.5 s"):
            next(coming)

    def test_a_handle_brings_its_result_which_may_expire_meanwhile(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(3))
        finish_all(agent, 2)
        [started] = agent.take()
        agent.finish(failure(started.id, "no such file"))
        coming = list(cluster.as_completed(handles))
        for handle in handles:
            handle.job.delete()

        assert [handle.result() for handle in coming[:2]] == [0, 1]
        with pytest.raises(FunctionFailed, match="no such file"):
            coming[2].result()
        with pytest.raises(UnknownFunction):
            coming[0].result()

    def test_what_is_large_is_not_brought_and_is_read_when_it_is_asked_for(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gathered, "FIRST_AHEAD", 1)
        monkeypatch.setattr(gathered, "AHEAD_BYTES", 400)
        handles = cluster.map(work, range(4))
        for value in ("a", "b" * 300, "c", "d"):
            [started] = agent.take()
            agent.finish(ok(started.id, value))
            later(cluster, 1)
        coming = list(cluster.as_completed(handles))

        assert [handle.ended is not None for handle in coming] == [True, True, True, False]
        assert [str(handle.result())[0] for handle in coming] == ["a", "b", "c", "d"]

    def test_what_is_no_handle_is_told_before_anything_is_read(self, cluster: Cluster) -> None:
        with pytest.raises(TypeError, match="among the handles is a int"):
            cluster.as_completed([3])  # type: ignore[list-item]

    def test_whoever_waits_has_what_is_due_done(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(1), wait_ttl=60, cost={"cpu": 9})
        cluster.store.now_ms += 61_000

        assert [each.status for each in cluster.as_completed(handles, timeout=LIMIT_S)] == ["failed"]
