"""What of a graph cannot be carried is named before anything is written, and an allocator is asked once."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from handoff import DAG, Argument, Function
from handoff.client.cluster import Cluster
from handoff.errors import NotSerializable
from support.diamond import dag, diamond, function
from support.refused import dump

LOCK = threading.Lock()
"""A value that no serializer carries."""


class TestWhatCannotBeCarried:
    @pytest.mark.parametrize(
        ("graph", "argument"),
        [
            (dag(function("a", extra_args=[{"x": [LOCK]}])), "argument 0['x'][0] of function 'a'"),
            (dag(function("a"), function("b", "a", kwargs={"k": LOCK})), "keyword argument 'k' of function 'b'"),
            (
                dag(function("a"), function("i", "a", type="inline", extra_args=[LOCK]), function("b", "i")),
                "argument 0 of function 'i'",
            ),
            (
                dag(function("a"), function("b", cast(Any, Argument("a", serialize=("tasks:f", LOCK))))),
                "a constant in an Argument('a')",
            ),
            (
                dag(function("a"), function("b", cast(Any, Argument("a", deserialize=("tasks:f", LOCK))))),
                "a constant in an Argument of function 'b'",
            ),
        ],
    )
    @pytest.mark.parametrize("serializer", ["msgpack", "pickle"])
    def test_the_error_names_the_function(self, cluster: Cluster, graph: DAG, argument: str, serializer: str) -> None:
        mine = Cluster(connection=cluster.connection, namespace=cluster.namespace, serializer=serializer)
        if serializer == "pickle":
            # It does not say where in an argument.
            argument = argument.replace("['x'][0]", "")

        with mine, pytest.raises(NotSerializable) as caught:
            mine.submit_dag(graph)

        assert caught.value.argument == argument
        assert cluster.runs() == []

    def test_of_a_function_on_its_own_too(self, cluster: Cluster) -> None:
        with pytest.raises(NotSerializable, match=r"^argument 0 of function 'f' holds an object, which"):
            cluster.submit(function("f", extra_args=[object()]))


@pytest.mark.parametrize("value", [sys.maxsize, 10**10 + 1, 10**400, -2, 1.5, math.nan, "500", True])
@pytest.mark.parametrize("option", ["result_ttl", "failure_ttl", "max_retries", "max_concurrency"])
def test_a_number_that_the_server_does_not_count_with_is_refused_before_anything_is_written(
    cluster: Cluster, option: str, value: Any
) -> None:
    before = dump(cluster.connection)

    with pytest.raises(ValueError, match=f"^{option} is "):
        cluster.submit_dag(diamond(), **{option: value})

    assert dump(cluster.connection) == before


class Chooser:
    """An allocator that puts everything on one node, and notes what it was asked."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.asked: list[tuple[list[tuple[str, Any]], dict[str, Any]]] = []

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Any]) -> dict[str, str | None]:
        self.asked.append(([(each.id, each.cost) for each in functions], dict(free)))
        return {each.id: self._node if each.id != "end" else None for each in functions}


def test_an_allocator_is_asked_once_for_all_functions_and_tried_first(cluster: Cluster) -> None:
    for name in "ab":
        cluster.register_node(name, {"cpu": 2})
    chooser = Chooser("b")
    choosing = Cluster(connection=cluster.connection, namespace=cluster.namespace, allocator=chooser)

    with choosing:
        run = choosing.submit_dag(diamond(cost=[{"cpu": 1}, {"cpu": 2}]))

    asked = [("top", {"cpu": 1}), ("left", {}), ("right", {}), ("end", {})]
    assert chooser.asked == [(asked, {"a": {"cpu": 2}, "b": {"cpu": 2}})]
    assert cluster.run(run.id).handle("top").node == "b"
    cluster.run(run.id).cancel()
