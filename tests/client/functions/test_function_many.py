"""Many functions submitted together: each is taken as by a submit of its own; what is refused keeps no other out."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import (
    DuplicateFunction,
    Infeasible,
    OtherLayout,
    PartlySubmitted,
    StoreUnavailable,
)
from handoff.ledger import slices
from handoff.words.function import Function
from support.agent import FakeAgent, ok
from support.refused import dump, functions, work
from support.submits import names


def calls_of(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which operations are called from now on."""
    run, called = cluster.store.run, []

    def call(script: str, *rest: Any, **arguments: Any) -> Any:
        called.append(script)
        return run(script, *rest, **arguments)

    monkeypatch.setattr(cluster.store, "run", call)
    return called


def refusal(cluster: Cluster, *given: Function, **options: Any) -> PartlySubmitted:
    with pytest.raises(PartlySubmitted) as told:
        cluster.submit_many(given, **options)
    return told.value


class TestTaken:
    def test_each_has_a_handle_and_a_verdict_in_the_order_of_the_list(self, cluster: Cluster, agent: FakeAgent) -> None:
        large = Function("large", work, cost={"cpu": 3})
        late = Function("late", work, delay=60)

        handles = cluster.submit_many([*functions(3, cost={"cpu": 1}), large, late])

        assert [handle.function_id for handle in handles] == ["f0", "f1", "f2", "large", "late"]
        assert [handle.verdict.state for handle in handles if handle.verdict] == [
            "placed", "placed", "waiting", "infeasible", "delayed",
        ]  # fmt: skip
        assert [handle.status for handle in handles] == ["queued", "queued", "waiting", "waiting", "delayed"]
        assert handles[0].job.args == (0,)
        assert len({handle.id for handle in handles}) == 5

    def test_they_start_in_the_order_of_the_list_but_larger_priorities_first(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(slices, "SLICE", 2)
        blocks = Function("blocks", work, cost={"cpu": 2})
        high = Function("high", work, cost={"cpu": 2}, priority=1)

        cluster.submit_many([blocks, *functions(5, cost={"cpu": 2}), high])

        seen: list[str] = []
        while started := agent.take():
            seen += names(started)
            agent.finish(ok(started[0].id))
        assert seen == ["blocks", "high", "f0", "f1", "f2", "f3", "f4"]

    def test_none_is_nothing_and_no_call(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        before, called = dump(cluster.connection), calls_of(cluster, monkeypatch)

        assert cluster.submit_many([]) == []
        assert cluster.submit_many(iter(())) == []

        assert (dump(cluster.connection), called) == (before, [])

    def test_whatever_can_be_gone_through_once_is_taken(self, cluster: Cluster) -> None:
        def each() -> Iterator[Function]:
            yield from functions(3)

        assert [handle.status for handle in cluster.submit_many(each())] == ["waiting"] * 3

    def test_they_come_in_calls_by_number_and_by_size(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        called = calls_of(cluster, monkeypatch)

        cluster.submit_many(functions(slices.SLICE + 1, delay=9))
        assert called == ["submit_many"] * 2
        called.clear()

        # Each takes half of a call.
        large = bytes(slices.PER_WEIGHT * slices.SLICE // 2)
        cluster.submit_many([Function("f", work, extra_args=(large,), delay=9) for _ in range(3)])
        assert called == ["submit_many"] * 3

    def test_what_one_call_places_is_bounded(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        cluster.register_node("a", {"cpu": 100})
        called = calls_of(cluster, monkeypatch)

        handles = cluster.submit_many(functions(64))

        # Each after the first goes where that one went, which is cheaper than to look for a node.
        assert called == ["submit_many"] * 3
        assert [handle.status for handle in handles] == ["queued"] * 64
        assert [handle.id.encode() for handle in handles] == cluster.connection.lrange(
            f"rq:queue:{cluster.namespace}.a", 0, -1
        )

    def test_what_one_call_looks_for_is_bounded(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        cluster.register_node("a", {"cpu": 100})
        called = calls_of(cluster, monkeypatch)

        handles = cluster.submit_many([Function(f"f{i}", work, cost={"cpu": 1 + i / 1000}) for i in range(64)])

        assert called == ["submit_many"] * 4
        assert [handle.status for handle in handles] == ["queued"] * 64

    def test_each_goes_to_the_first_node_with_room_for_it(self, cluster: Cluster) -> None:
        for name, cpu in (("a", 3), ("b", 4), ("c", 9)):
            cluster.register_node(name, {"cpu": cpu})
        one, two = {"cpu": 1}, {"cpu": 2}

        handles = cluster.submit_many([Function("f", work, cost=cost) for cost in (two, two, one, one, two, two)])

        assert [handle.node for handle in handles] == ["a", "b", "a", "b", "c", "c"]

    def test_a_larger_priority_takes_room_that_is_held_against_the_one_before_it(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.limit_overtaking(2)
        # The second is overtaken by two.
        for cpu in (1, 4, 1, 1):
            cluster.enqueue(work, cost={"cpu": cpu})

        handles = cluster.submit_many([Function("f", work, cost={"cpu": 1}, priority=priority) for priority in (0, 1)])

        assert [handle.status for handle in handles] == ["waiting", "queued"]

    def test_ten_thousand_are_taken(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        cluster.register_node("a", {"cpu": 1})
        called = calls_of(cluster, monkeypatch)
        count = 300 if cluster.store.address == "fakeredis" else 10_000

        handles = cluster.submit_many(functions(count, cost={"cpu": 1}))

        assert len(called) == -(-count // slices.SLICE)
        assert handles[0].status == "queued"
        lined = cluster.connection.zrange(cluster.store.keys("waiting"), 0, -1)
        assert lined == [handle.id.encode() for handle in handles[1:]]

    def test_the_users_allocator_is_asked_once_for_all(self, cluster: Cluster) -> None:
        asked = []

        class Mine:
            def allocate(self, given: Any, free: Any) -> dict[str, str | None]:
                asked.append([function.id for function in given])
                return {function.id: "b" for function in given}

        with Cluster(connection=cluster.connection, namespace=cluster.namespace, allocator=Mine()) as other:
            other.store.now_ms = cluster.store.now_ms
            for name in "ab":
                cluster.register_node(name, {"cpu": 1})

            handles = other.submit_many(functions(2, cost={"cpu": 1}))

        assert asked == [["f0", "f1"]]
        assert [handle.node for handle in handles] == ["b", "a"]


class TestRefusedMidway:
    """What only the server can refuse fails those functions alone."""

    @pytest.mark.parametrize("size", [1, 2, 64])
    def test_ids_that_are_taken_and_what_is_not_to_wait(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        monkeypatch.setattr(slices, "SLICE", size)
        cluster.enqueue(work, job_id="taken", cost={"cpu": 1})
        first, second, third = functions(3, cost={"cpu": 1})
        never = Function("never", work, cost={"cpu": 9}, on_infeasible="raise")

        error = refusal(cluster, first, never, second, never, third, job_ids=["x", "n1", "taken", "n2", "y"])

        assert [handle and handle.id for handle in error.handles] == ["x", None, None, None, "y"]
        assert {at: type(each) for at, each in error.errors.items()} == {
            1: Infeasible, 2: DuplicateFunction, 3: Infeasible,
        }  # fmt: skip
        assert str(error).startswith(
            "3 of 5 functions were not taken as was asked, the first at 1 (function 'never' fits"
        )
        assert [handle.status for handle in error.handles if handle] == ["queued", "waiting"]
        assert cluster.connection.exists(*(cluster.store.keys("rq_job", id) for id in ("n1", "n2"))) == 0
        again = pickle.loads(pickle.dumps(error))
        assert again.handles == ["x", None, None, None, "y"]
        assert str(again) == str(error)

    def test_submitted_again_under_the_same_ids_only_what_was_missing_comes(self, cluster: Cluster) -> None:
        cluster.submit_many(functions(3), job_ids=["a", "b", "c"])

        error = refusal(cluster, *functions(5), job_ids=["a", "b", "c", "d", "e"])

        assert list(error.errors) == [0, 1, 2]
        assert [handle and handle.id for handle in error.handles] == [None, None, None, "d", "e"]
        assert cluster.connection.zcard(cluster.store.keys("waiting")) == 5

    def test_of_what_no_node_can_hold_a_call_judges_only_so_many(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster.register_node("a", {"cpu": 1})
        called = calls_of(cluster, monkeypatch)
        unlike = [Function(f"f{i}", work, cost={f"odd{i}": 1}) for i in range(12)]

        handles = cluster.submit_many(unlike)

        assert [handle.verdict.state for handle in handles if handle.verdict] == ["infeasible"] * 12
        assert called == ["submit_many"] * 3
        called.clear()
        cluster.submit_many(functions(60, cost={"odd": 1}))
        assert called == ["submit_many"] * 2

    @pytest.mark.parametrize("at", [1, 3])
    def test_a_server_that_goes_away_midway_is_told_of_the_rest(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, at: int
    ) -> None:
        monkeypatch.setattr(slices, "SLICE", 2)
        run, count = cluster.store.run, 0

        def call(*given: Any, **arguments: Any) -> Any:
            nonlocal count
            count += 1
            if count > at:
                raise StoreUnavailable("u", "it is away")
            return run(*given, **arguments)

        monkeypatch.setattr(cluster.store, "run", call)

        error = refusal(cluster, *functions(10))

        assert [handle is not None for handle in error.handles] == [True] * 2 * at + [False] * (10 - 2 * at)
        assert list(error.errors) == list(range(2 * at, 10))
        assert {type(each) for each in error.errors.values()} == {StoreUnavailable}
        # Of those that were under way nobody knows.
        assert ["was not asked" in str(each) for each in error.errors.values()] == [False] * 2 + [True] * (8 - 2 * at)
        assert cluster.connection.zcard(cluster.store.keys("waiting")) == 2 * at

    def test_a_server_that_is_away_from_the_first_is_told_as_ever(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def call(*given: Any, **arguments: Any) -> Any:
            raise StoreUnavailable("u", "it is away")

        monkeypatch.setattr(cluster.store, "run", call)
        with pytest.raises(StoreUnavailable):
            cluster.submit_many(functions(10))

    def test_data_of_another_version_is_told_as_ever(self, connection: redis.Redis) -> None:
        with Cluster(connection=connection, namespace="other") as cluster:
            connection.hset(cluster.store.keys("clock"), "layout", "99")

            with pytest.raises(OtherLayout):
                cluster.submit_many(functions(2))
