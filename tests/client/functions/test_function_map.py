"""One function called with the values of iterables: as many submits, made and sent in batches while these are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from typing import Any

import pytest

from declared_tasks import area
from handoff.client import calls
from handoff.client.cluster import Cluster
from handoff.client.mapped import BATCH
from handoff.errors import Infeasible, InvalidFunction, NotSerializable, PartlySubmitted, StoreUnavailable
from handoff.ledger.many import submit_many
from support.agent import FakeAgent
from support.refused import Opaque, work


def endless(then: Exception, count: int) -> Iterator[int]:
    yield from range(count)
    raise then


async def awaited() -> AsyncIterator[int]:
    yield 1


class TestSubmitted:
    def test_each_value_is_a_call_in_the_order_of_the_values(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, iter([3, 1, 2]), cost={"cpu": 1})

        assert [handle.job.args for handle in handles] == [(3,), (1,), (2,)]
        assert [handle.status for handle in handles] == ["queued", "queued", "waiting"]
        assert all(handle.created and handle.id == handle.function_id for handle in handles)

    def test_of_several_iterables_the_shortest_rules(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, "abc", range(2), kwargs={"by": 3})

        assert [(handle.job.args, handle.job.kwargs) for handle in handles] == [
            (("a", 0), {"by": 3}),
            (("b", 1), {"by": 3}),
        ]

    def test_none_makes_none(self, cluster: Cluster, agent: FakeAgent) -> None:
        assert cluster.map(work, []) == []

    def test_options_are_those_of_every_call(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(2), timeout=7, max_retries=2, result_ttl=60, failure_ttl=70, node="a")

        jobs = [handle.job for handle in handles]
        assert [(job.timeout, job.result_ttl, job.failure_ttl) for job in jobs] == [(7, 60, 70)] * 2
        assert [handle.node for handle in handles] == ["a", "a"]

    def test_a_task_is_called_with_what_it_declares(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(area, [1, 2])

        assert [(handle.job.timeout, handle.status) for handle in handles] == [(60, "queued"), (60, "waiting")]

    def test_more_than_a_batch_are_one_list(self, cluster: Cluster, agent: FakeAgent) -> None:
        count = 2 * BATCH + 3

        handles = cluster.map(work, iter(range(count)))

        assert len({handle.id for handle in handles}) == count
        assert [handles[at].job.args for at in (0, BATCH, count - 1)] == [(0,), (BATCH,), (count - 1,)]

    def test_they_are_sent_while_the_iterable_is_read(self, cluster: Cluster, agent: FakeAgent) -> None:
        seen = []

        def values() -> Iterator[int]:
            for number in range(3 * BATCH):
                if number % BATCH == 0:
                    seen.append(cluster.connection.zcard(cluster.store.keys("waiting")))
                yield number

        cluster.map(work, values(), cost={"cpu": 9})

        assert seen == [0, BATCH, 2 * BATCH]


class TestRefused:
    @pytest.mark.parametrize(
        ("iterables", "options", "text"),
        [
            ((), {}, "nothing to map"),
            ((3,), {}, "no iterable, but a int: write"),
            ((awaited(),), {}, r"no iterable, but a async_generator: read it first: \[value async"),
            (([1],), {"job_id": "a"}, "map has no 'job_id'"),
            (([1],), {"unique": "a"}, "map has no 'unique'"),
        ],
    )
    def test_what_makes_no_calls_is_told_at_once(
        self, cluster: Cluster, iterables: Any, options: dict[str, Any], text: str
    ) -> None:
        with pytest.raises(TypeError, match=text):
            cluster.map(work, *iterables, **options)

    def test_in_the_first_batch_a_call_that_breaks_a_rule_keeps_all_out(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        with pytest.raises(NotSerializable):
            cluster.map(work, [1, Opaque(), 2])
        with pytest.raises(InvalidFunction):
            cluster.map(work, [1], timeout=0)
        with pytest.raises(KeyError):
            cluster.map(work, endless(KeyError(), 3))

        assert not agent.take(room=9)

    def test_later_what_was_read_before_it_stands(self, cluster: Cluster, agent: FakeAgent) -> None:
        for trouble, error in (([Opaque()], NotSerializable), (endless(KeyError(), 0), KeyError)):

            def values(trouble: Any = trouble) -> Iterator[Any]:
                yield from range(BATCH + 2)
                yield from trouble
                raise AssertionError("it is read on")

            with pytest.raises(PartlySubmitted) as told:
                cluster.map(work, values(), cost={"cpu": 9})

            assert [type(each) for each in told.value.errors.values()] == [error]
            assert list(told.value.errors) == [BATCH + 2]
            assert told.value.read == BATCH + 2
            assert told.value.__cause__ is told.value.errors[BATCH + 2]
            assert f"; no more than {BATCH + 2} values were read: go on" in str(told.value)
            assert error is NotSerializable or "the first at 258 (KeyError())" in str(told.value)
            assert [handle is None for handle in told.value.handles] == [False] * (BATCH + 2) + [True]

    def test_what_fits_nowhere_is_read_no_further(self, cluster: Cluster, agent: FakeAgent) -> None:
        values = iter(range(3 * BATCH))

        with pytest.raises(PartlySubmitted, match=f"no more than {BATCH} values were read: see") as told:
            cluster.map(work, values, cost={"cpu": 9}, on_infeasible="raise")

        assert {type(each) for each in told.value.errors.values()} == {Infeasible}
        assert (told.value.handles, told.value.read) == ([None] * BATCH, BATCH)
        assert next(values) == BATCH

    def test_where_redis_goes_away_it_is_told_how_far_the_values_were_read(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lost(number: int, told: list[Any]) -> list[Any]:
            return told if number == 1 else [StoreUnavailable("url", "gone")] * len(told)

        answering(monkeypatch, lost)
        with pytest.raises(PartlySubmitted, match=f"no more than {2 * BATCH} values were read: go on") as told:
            cluster.map(work, range(9 * BATCH), cost={"cpu": 9})

        assert (len(told.value.errors), told.value.read) == (BATCH, 2 * BATCH)
        assert cluster.cancel([handle for handle in told.value.handles if handle]) == [True] * BATCH


class Stopped(BaseException):
    """As Ctrl-C, which would end the test."""


def answering(patch: pytest.MonkeyPatch, answer: Callable[[int, list[Any]], list[Any]]) -> None:
    """Have `answer` told the number of each batch and what was decided, and answer that instead."""
    numbers = count(1)

    async def answered(*given: Any, **options: Any) -> list[Any]:
        return answer(next(numbers), list(await submit_many(*given, **options)))

    patch.setattr(calls, "submit_many", answered)


class TestInterrupted:
    def test_while_values_are_read_it_has_the_handles_of_what_stands(self, cluster: Cluster, agent: FakeAgent) -> None:
        def values() -> Iterator[int]:
            yield from range(BATCH + 2)
            raise Stopped

        with pytest.raises(Stopped) as told:
            cluster.map(work, values(), cost={"cpu": 9})

        cause = told.value.__cause__
        assert isinstance(cause, PartlySubmitted)
        assert (cause.read, cause.errors) == (BATCH, {})
        assert cluster.cancel([handle.id for handle in cause.handles]) == [True] * BATCH

    def test_while_a_batch_is_sent_it_has_the_handles_of_what_may_stand(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(number: int, told: list[Any]) -> list[Any]:
            if number == 2:
                raise Stopped
            return told

        answering(monkeypatch, stop)
        with pytest.raises(Stopped) as told:
            cluster.map(work, range(9 * BATCH), cost={"cpu": 9})

        cause = told.value.__cause__
        assert isinstance(cause, PartlySubmitted)
        assert str(cause).startswith(f"{2 * BATCH} functions may stand that were submitted before the interrupt")
        assert cluster.cancel(cause.handles) == [True] * 2 * BATCH

    def test_before_anything_was_sent_it_has_none(self, cluster: Cluster, agent: FakeAgent) -> None:
        def values() -> Iterator[int]:
            yield 1
            raise Stopped

        with pytest.raises(Stopped) as told:
            cluster.map(work, values())

        assert told.value.__cause__ is None
