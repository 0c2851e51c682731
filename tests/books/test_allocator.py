"""Where first fit puts functions: small tables of nodes, functions and places."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from handoff.books.allocator import Allocator, SimpleAllocator
from handoff.errors import DuplicateFunction, InvalidResources
from handoff.words.function import Function
from support.placing import Nodes, allocate, function, with_


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param({}, [function("f")], [None], id="without nodes nothing fits"),
        pytest.param({"a": {}}, [function("f")], ["a"], id="no cost fits a node that has nothing"),
        pytest.param(
            {"b": {"cpu": 4}, "a": {"cpu": 4}},
            [function("f", cpu=1)],
            ["b"],
            id="the first node of the mapping comes first, not the first by name",
        ),
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 4}},
            [function("f", cpu=3), function("g", cpu=3), function("h", cpu=3)],
            ["a", "b", None],
            id="what is placed is counted down",
        ),
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 8}},
            [function("f", cpu=5), function("g", cpu=4), function("h", cpu=3)],
            ["b", "a", "b"],
            id="an early node is filled by a later function",
        ),
        pytest.param(
            {"a": {"cpu": 1}},
            [function("f", cpu=2), function("g", cpu=1)],
            [None, "a"],
            id="what does not fit leaves room for others",
        ),
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 4, "memory": 100}},
            [function("f", cpu=1, memory=100)],
            ["b"],
            id="every resource must be there",
        ),
        pytest.param(
            {"a": {"cpu": 0.3}},
            [function("f", cpu=0.1), function("g", cpu=0.1), function("h", cpu=0.1), function("i", cpu=0.0001)],
            ["a", "a", "a", None],
            id="tenths add up exactly",
        ),
        pytest.param(
            {"a": {"cpu": Decimal("0.99999")}},
            [function("f", cpu=1), function("g", cpu=0.9999)],
            [None, "a"],
            id="free amounts round down",
        ),
    ],
)
def test_the_first_node_with_room_is_taken(free: Nodes, functions: list[Function], placed: list[str | None]) -> None:
    assert list(allocate(functions, free).values()) == placed


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 4}}, [function("f", "b", cpu=1)], ["b"], id="a pin wins over the order"
        ),
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 1}}, [function("f", "b", cpu=2)], [None], id="a pin is not moved elsewhere"
        ),
        pytest.param({"a": {"cpu": 4}}, [function("f", "z", cpu=1)], [None], id="a pin on an unknown node"),
        pytest.param(
            {"a": {"cpu": 4}, "b": {"cpu": 4}},
            [function("f", cpu=4), function("g", "a", cpu=4)],
            ["b", "a"],
            id="pinned functions are decided before the others",
        ),
        pytest.param(
            {"a": {"cpu": 4}},
            [function("f", "a", cpu=3), function("g", "a", cpu=2)],
            ["a", None],
            id="pinned functions are decided in their own order",
        ),
    ],
)
def test_a_pinned_function_goes_to_its_node(free: Nodes, functions: list[Function], placed: list[str | None]) -> None:
    assert list(allocate(functions, free).values()) == placed


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"cpu": 3}, "b": {"cpu": 4}},
            [function("f", cpu=2), function("g", with_("f"), cpu=2)],
            ["b", "b"],
            id="their costs are merged",
        ),
        pytest.param(
            {"a": {"cpu": 2}, "b": {"cpu": 2}},
            [function("f", cpu=2), function("g", with_("f"), cpu=2), function("h", cpu=2)],
            [None, None, "a"],
            id="all of a group or none",
        ),
        pytest.param(
            {"a": {"cpu": 2}, "b": {"cpu": 3}},
            [function("f", with_("g"), cpu=1), function("g", with_("h"), cpu=1), function("h", cpu=1)],
            ["b", "b", "b"],
            id="a chain is one group",
        ),
        pytest.param(
            {"a": {"cpu": 2}, "b": {"cpu": 2}},
            [function("f", with_("h"), cpu=1), function("g", cpu=2), function("h", cpu=1)],
            ["a", "b", "a"],
            id="a group is decided where its first member stands",
        ),
        pytest.param(
            {"a": {"cpu": 2}, "b": {"cpu": 2}},
            [function("f", cpu=2), function("g", with_("h"), cpu=1), function("h", "a", cpu=1)],
            ["b", "a", "a"],
            id="a group with a pinned member is pinned",
        ),
        pytest.param(
            {"a": {"cpu": 2}, "b": {"cpu": 8}},
            [function("f", "a", cpu=2), function("g", with_("f"), cpu=1)],
            [None, None],
            id="a pinned group is not moved elsewhere",
        ),
        pytest.param(
            {"a": {"cpu": 8}},
            [function("f", with_("z"), cpu=1), function("g", with_("f"), cpu=1), function("h", cpu=1)],
            [None, None, "a"],
            id="a target that is missing",
        ),
        pytest.param(
            {"a": {"cpu": 8}},
            [
                function("f", with_("g")),
                function("g", with_("f")),
                function("h", with_("g")),
                function("i", with_("i")),
            ],
            [None, None, None, None],
            id="targets in a ring",
        ),
        pytest.param(
            {"a": {"gpu": {0: 0.5, 1: 0.5}}, "b": {"gpu": 1}},
            [function("f", gpu=0.5), function("g", with_("f"), gpu=0.5)],
            ["a", "a"],
            id="shares of a group may lie on two devices",
        ),
        pytest.param(
            {"a": {"gpu": 1.5}, "b": {"gpu": 2}},
            [function("f", gpu=0.6), function("g", with_("f"), gpu=1)],
            ["b", "b"],
            id="a share and a whole device of a group are taken one after another",
        ),
        pytest.param(
            {"a": {"cpu": 2, "gpu": {0: 1, 1: 0.5}}},
            [function("f", gpu=1), function("g", with_("f"), gpu=0.6), function("h", gpu=1), function("i", gpu=0.5)],
            [None, None, "a", "a"],
            id="a group that does not fit takes nothing",
        ),
    ],
)
def test_collocated_functions_share_a_node(free: Nodes, functions: list[Function], placed: list[str | None]) -> None:
    assert list(allocate(functions, free).values()) == placed


def test_an_inline_function_has_no_node_and_takes_nothing() -> None:
    inline = Function("f", "module:f", cost={"cpu": 2}, type="inline")

    placed = allocate([inline, function("g", cpu=2), function("h", with_("f"))], {"a": {"cpu": 2}})

    assert placed == {"f": None, "g": "a", "h": None}


def test_the_answer_is_in_the_order_of_the_functions() -> None:
    functions = [function("f"), function("g", "a"), function("h", with_("z")), function("i", "a")]

    assert list(allocate(functions, {"a": {}})) == ["f", "g", "h", "i"]


def test_no_functions_get_an_empty_answer() -> None:
    assert allocate([], {"a": {"cpu": 1}}) == {}


def test_free_is_not_changed_and_the_same_question_gets_the_same_answer() -> None:
    free: Nodes = {"a": {"cpu": 2, "gpu": {0: 0.5}, "fpga": [1]}}
    before = copy.deepcopy(free)
    allocator: Allocator = SimpleAllocator()
    functions = [function("f", cpu=2, gpu=0.5, fpga=1)]

    assert allocator.allocate(functions, free) == allocator.allocate(functions, free) == {"f": "a"}
    assert free == before


def test_two_functions_of_one_id_are_refused() -> None:
    with pytest.raises(DuplicateFunction) as caught:
        allocate([function("f", cpu=1), function("f", cpu=2)], {"a": {"cpu": 2}})

    assert str(caught.value) == "two functions of one list have the id 'f': give one of them another"


@pytest.mark.parametrize("cost", [{"gpu": 1.5}, {"slots": 1}, {"cpu": True}, {"cpu": -1}], ids=repr)
def test_a_bad_cost_is_refused(cost: Any) -> None:
    with pytest.raises(InvalidResources):
        allocate([Function("f", "module:f", cost=cost)], {"a": {"cpu": 2}})


@pytest.mark.parametrize(
    "free",
    [
        {"gpu": -1},
        {"gpu": "1"},
        {"gpu": True},
        {"gpu": {0: 1.5}},
        {"gpu": {0: -0.5}},
        {"gpu": {0: [0]}},
        {"gpu": [0, 0]},
    ],
    ids=repr,
)
def test_a_bad_free_amount_is_refused_by_its_name(free: Any) -> None:
    with pytest.raises(InvalidResources) as caught:
        allocate([function("f")], {"a": free})

    assert caught.value.resource == "gpu"


def test_this_node_comes_before_the_others() -> None:
    free: Nodes = {"a": {"cpu": 2}, "b": {"cpu": 2}, "c": {"cpu": 2}}
    functions = [function("f", cpu=2), function("g", cpu=2), function("h", cpu=2)]

    assert list(allocate(functions, free, this_node="b").values()) == ["b", "a", "c"]


def test_this_node_that_is_not_free_is_passed_over() -> None:
    assert allocate([function("f", cpu=1)], {"a": {"cpu": 2}}, this_node="z") == {"f": "a"}
