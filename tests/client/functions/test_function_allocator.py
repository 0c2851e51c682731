"""A user's allocator is asked first and decides nothing that the script would not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from handoff.books.allocator import SimpleAllocator
from handoff.client.cluster import Cluster
from handoff.words.function import Function
from support.submits import NOW_MS, submit, verdict_of


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
