"""Where the balancing allocator puts functions: small tables of nodes, functions and places."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.books.allocator import LoadBalancedAllocator, spare
from handoff.words.function import Function
from support.placing import LABELS, Nodes, balance, either, function, where


@pytest.mark.parametrize(
    ("capabilities", "free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 4}},
            {"a": {"cpu": 2}, "b": {"cpu": 3}},
            [function("f", cpu=1), function("g", cpu=1), function("h", cpu=1)],
            ["b", "a", "b"],
            id="the least loaded first, and the first of equals",
        ),
        pytest.param(
            {"a": {"cpu": 8}, "b": {"cpu": 2}},
            {"a": {"cpu": 4}, "b": {"cpu": 2}},
            [function("f", cpu=1), function("g", cpu=1)],
            ["b", "a"],
            id="by shares, not by amounts",
        ),
        pytest.param(
            {"a": {"cpu": 4, "memory": 100}, "b": {"cpu": 4, "memory": 100}},
            {"a": {"cpu": 4, "memory": 40}, "b": {"cpu": 2, "memory": 100}},
            [function("f", cpu=1)],
            ["b"],
            id="the scarcest resource decides, asked for or not",
        ),
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 4}},
            {"a": {"cpu": 3}, "b": {"cpu": 4}},
            [function("f", cpu=4), function("g", cpu=3)],
            ["b", "a"],
            id="only nodes that fit",
        ),
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 4}},
            {"a": {"cpu": 2}, "b": {"cpu": 4}},
            [function("f", "a", cpu=1)],
            ["a"],
            id="a pin stays a pin",
        ),
        pytest.param(
            {"a": {"gpu": 2}, "b": {"gpu": 2}},
            {"a": {"gpu": {0: 0.5, 1: 0.5}}, "b": {"gpu": {0: 1, 1: 0.1}}},
            [function("f", gpu=0.1)],
            ["b"],
            id="devices count by their free shares",
        ),
        pytest.param(
            {"a": {"gpu": 2, "gpu_memory": 200}, "b": {"gpu": 2, "gpu_memory": 200}},
            {
                "a": {"gpu": {0: 1, 1: 1}, "gpu_memory": {0: (60, 100), 1: 100}},
                "b": {"gpu": {0: 0.5, 1: 1}, "gpu_memory": {0: 100, 1: 100}},
            },
            [function("f", gpu_memory=10)],
            ["a"],
            id="memory counts as held or not, whatever else its device serves",
        ),
        pytest.param(
            {"a": {"cpu": 4, "slots": 4}, "b": {"cpu": 4, "slots": 2}},
            {"a": {"cpu": 4, "slots": 2}, "b": {"cpu": 4, "slots": 2}},
            [function("f", cpu=1), function("g", cpu=1)],
            ["b", "a"],
            id="slots count where they are limited",
        ),
        pytest.param(
            {"a": {"cpu": 4, "slots": 4}, "b": {"cpu": 4}},
            {"a": {"cpu": 4}, "b": {"cpu": 3}},
            [function("f", cpu=1)],
            ["a"],
            id="slots that are not counted do not count",
        ),
        pytest.param(
            {"a": {"cpu": 4, "tape": 0}, "b": {"cpu": 4}},
            {"a": {"cpu": 4}, "b": {"cpu": 3}},
            [function("f", cpu=1)],
            ["a"],
            id="what a node has nothing of does not count",
        ),
        pytest.param(
            {"a": {"cpu": 4, "tape": 1}, "b": {"cpu": 4}},
            {"a": {"cpu": 4}, "b": {"cpu": 1}},
            [function("f", cpu=1)],
            ["b"],
            id="what is not free any more counts as held",
        ),
        pytest.param(
            {"a": {"cpu": 1}, "b": {}}, {"a": {"cpu": 0.5}, "b": {}}, [function("f")], ["b"], id="nothing is all free"
        ),
        pytest.param(
            None,
            {"a": {"cpu": 4}, "b": {"cpu": 2}},
            [function("f", cpu=1), function("g", cpu=1), function("h", cpu=1)],
            ["a", "b", "a"],
            id="without capabilities all nodes are idle at first",
        ),
    ],
)
def test_load_balanced_takes_the_node_with_most_to_spare(
    capabilities: Nodes | None, free: Nodes, functions: list[Function], placed: list[str | None]
) -> None:
    assert balance(functions, free, capabilities) == placed


def test_without_capabilities_what_has_run_out_does_not_count() -> None:
    assert balance([function("f", cpu=1), function("g")], {"a": {"cpu": 4, "tape": 0}, "b": {"cpu": 0}}) == ["a", "b"]


def test_load_balanced_goes_by_the_order_of_costs_before_that_of_nodes() -> None:
    capabilities: Nodes = {"a": {"cpu": 4, "gpu": 1}, "b": {"cpu": 4}}
    free: Nodes = {"a": {"cpu": 1, "gpu": 1}, "b": {"cpu": 4}}

    assert balance([either("f", {"gpu": 1}, {"cpu": 1}), either("g", {"gpu": 1}, {"cpu": 1})], free, capabilities) == [
        "a",
        "b",
    ]


def test_load_balanced_keeps_to_labels() -> None:
    free: Nodes = {"a": {"cpu": 4}, "b": {"cpu": 2}, "c": {"cpu": 4}}
    functions = [where("f", zone="x"), where("g", zone="y"), where("h", zone="x"), where("i", zone="x")]

    placed = LoadBalancedAllocator().allocate(functions, free, LABELS)

    assert placed == {"f": "a", "g": "b", "h": "c", "i": "a"}


def test_of_equally_loaded_nodes_this_node_is_the_first() -> None:
    free: Nodes = {"a": {"cpu": 2}, "b": {"cpu": 2}, "c": {"cpu": 2}}

    assert balance([function(id, cpu=1) for id in "fghi"], free, this_node="b") == ["b", "a", "c", "b"]


@pytest.mark.parametrize(
    ("capabilities", "unheld", "expected"),
    [
        ({}, {}, 10_000),
        ({"cpu": 40_000}, {"cpu": 40_000}, 10_000),
        ({"cpu": 40_000}, {}, 0),
        ({"cpu": 40_000}, {"cpu": -10_000}, 0),
        ({"cpu": 30_000}, {"cpu": 10_000}, 3_333),
        ({"cpu": 30_000, "memory": 10}, {"cpu": 30_000, "memory": 1}, 1_000),
        ({"slots": 10**15}, {"slots": 10**15 - 10_000}, 9_999),
    ],
    ids=repr,
)
def test_the_spare_of_a_node_is_its_smallest_free_share(capabilities: Any, unheld: Any, expected: int) -> None:
    assert spare(capabilities, unheld) == expected
