"""Where the allocators put functions: small pictures of nodes, functions and places."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.books.allocator import (
    Allocator,
    LoadBalancedAllocator,
    SimpleAllocator,
    place,
    spare,
)
from handoff.books.free import Free
from handoff.books.groups import MOST_OPTIONS, groups
from handoff.books.node_books import Books
from handoff.errors import DuplicateFunction, InvalidFunction, InvalidNode, InvalidResources
from handoff.words.constraints import Not
from handoff.words.function import Collocated, Function
from handoff.words.variants import After

Nodes = dict[str, dict[str, Free]]


def function(id: str, node: str | Collocated | None = None, **cost: float) -> Function:
    return Function(id, "module:f", cost=cost, node=node)


def with_(id: str) -> Collocated:
    return Collocated(id)


def allocate(functions: list[Function], free: Nodes, this_node: str | None = None) -> dict[str, str | None]:
    return SimpleAllocator(this_node).allocate(functions, free)


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


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"gpu": 1.5}},
            [function("f", gpu=1), function("g", gpu=1), function("h", gpu=0.6), function("i", gpu=0.5)],
            ["a", None, None, "a"],
            id="1.5 is one idle device and half of another",
        ),
        pytest.param(
            {"a": {"gpu": {3: 0.75, 5: 0.75}}},
            [function("f", gpu=1), function("g", gpu=0.75), function("h", gpu=0.5), function("i", gpu=0.5)],
            [None, "a", "a", None],
            id="shares of two devices do not add up",
        ),
        pytest.param(
            {"a": {"gpu": 2}},
            [function("f", gpu=0.5), function("g", gpu=0.5), function("h", gpu=1)],
            ["a", "a", "a"],
            id="a second share goes to the device that has one already",
        ),
        pytest.param(
            {"a": {"gpu": {0: 1, 1: 0.6, 2: 0.5}}},
            [function("f", gpu=0.5), function("g", gpu=0.6), function("h", gpu=1)],
            ["a", "a", "a"],
            id="a share takes the fullest device that still has room",
        ),
        pytest.param(
            {"a": {"fpga": {0: 0.5, 1: 0.5}}, "b": {"fpga": 1}},
            [function("f", fpga=1), function("g", fpga=0.5)],
            ["b", "a"],
            id="a mapping makes any resource one of devices, a number a sum",
        ),
        pytest.param(
            {"a": {"fpga": [2, 4]}, "b": {"fpga": 2}},
            [function("f", fpga=1.5), function("g", fpga=2)],
            ["b", "a"],
            id="one and a half never fits devices",
        ),
        pytest.param({"a": {"gpu": 0}, "b": {"gpu": {}}}, [function("f", gpu=0.1)], [None], id="no devices"),
        pytest.param(
            {"a": {"gpu": {0: 0, 1: 0.2}}},
            [function("f", gpu=0.1), function("g", gpu=0.2)],
            ["a", None],
            id="a full one",
        ),
    ],
)
def test_devices_are_counted_one_by_one(free: Nodes, functions: list[Function], placed: list[str | None]) -> None:
    assert list(allocate(functions, free).values()) == placed


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"cpu": 9, "slots": 2}, "b": {"cpu": 9}},
            [function("f", cpu=1), function("g", cpu=1), function("h", cpu=1)],
            ["a", "a", "b"],
            id="every function takes one",
        ),
        pytest.param({"a": {"cpu": 9, "slots": 0}}, [function("f", cpu=1)], [None], id="none left"),
        pytest.param(
            {"a": {"slots": 1}}, [function("f"), function("g")], ["a", None], id="a function without a cost too"
        ),
        pytest.param(
            {"a": {"slots": 1}, "b": {"slots": 2}},
            [function("f"), function("g", with_("f"))],
            ["b", "b"],
            id="each member of a group takes its own",
        ),
    ],
)
def test_slots_are_counted_where_they_are_given(
    free: Nodes, functions: list[Function], placed: list[str | None]
) -> None:
    assert list(allocate(functions, free).values()) == placed


def test_this_node_comes_before_the_others() -> None:
    free: Nodes = {"a": {"cpu": 2}, "b": {"cpu": 2}, "c": {"cpu": 2}}
    functions = [function("f", cpu=2), function("g", cpu=2), function("h", cpu=2)]

    assert list(allocate(functions, free, this_node="b").values()) == ["b", "a", "c"]


def test_this_node_that_is_not_free_is_passed_over() -> None:
    assert allocate([function("f", cpu=1)], {"a": {"cpu": 2}}, this_node="z") == {"f": "a"}


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

    assert caught.value.id == "f"


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


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"gpu": 2, "gpu_memory": {0: 100, 1: 200}}},
            [function("f", gpu_memory=150), function("g", gpu_memory=100), function("h", gpu_memory=60)],
            ["a", "a", None],
            id="memory is of one device",
        ),
        pytest.param(
            {"a": {"gpu": 2, "gpu_memory": {0: 200, 1: 100}}},
            [function("f", gpu_memory=100), function("g", gpu_memory=200)],
            ["a", "a"],
            id="memory takes the fullest device that still has room",
        ),
        pytest.param(
            {"a": {"gpu": 1, "gpu_memory": {0: 100}}, "b": {"gpu": 1}},
            [function("f", gpu_memory=1), function("g", gpu=1), function("h", gpu=0.1)],
            ["a", "b", None],
            id="a device of which memory is taken serves nothing else",
        ),
        pytest.param(
            {"a": {"gpu": 1, "gpu_memory": {0: 100}}},
            [function("f", gpu=0.1), function("g", gpu_memory=1), function("h", gpu=0.9)],
            ["a", None, "a"],
            id="a shared device has no memory to give",
        ),
        pytest.param(
            {"a": {"gpu": {0: 1, 1: 1}, "gpu_memory": {0: (60, 100), 1: (100, 100)}}},
            [function("f", gpu=1), function("g", gpu=1), function("h", gpu_memory=60)],
            ["a", None, "a"],
            id="memory that is free in part makes its device busy",
        ),
        pytest.param(
            {"a": {"gpu": {0: 0.5}, "gpu_memory": {0: 100}}},
            [function("f", gpu_memory=1)],
            [None],
            id="memory of a device that is not idle is of no use",
        ),
        pytest.param(
            {"a": {"gpu": 2, "gpu_memory": 200}},
            [function("f", gpu_memory=150), function("g", gpu=2)],
            ["a", "a"],
            id="a number of memory is a sum",
        ),
        pytest.param(
            {"a": {"x_memory": {0: 1, 1: 0.5}}},
            [function("f", x_memory=0.5), function("g", x_memory=1)],
            ["a", "a"],
            id="without its devices it is called like memory and is devices",
        ),
    ],
)
def test_memory_is_counted_by_device(free: Nodes, functions: list[Function], placed: list[str | None]) -> None:
    assert list(allocate(functions, free).values()) == placed


LABELS = {"a": {"zone": "x", "tier": "spot"}, "b": {"zone": "y"}, "c": {"zone": "x"}}


def where(id: str, place: str | Collocated | None = None, cpu: float = 1, **wanted: Any) -> Function:
    return Function(id, "module:f", cost={"cpu": cpu}, node=place, where=wanted)


@pytest.mark.parametrize(
    ("functions", "placed"),
    [
        pytest.param([where("f", zone="y")], ["b"], id="a value"),
        pytest.param([where("f", zone=["y", "z"])], ["b"], id="one of several values"),
        pytest.param([where("f", zone="z")], [None], id="a value that none has"),
        pytest.param([where("f", tier="spot"), where("g", tier="spot")], ["a", None], id="nowhere else, room or not"),
        pytest.param([where("f", tier=Not("spot"))], ["b"], id="a node without the label is not one that has it"),
        pytest.param([where("f", zone="x", tier=Not("spot"))], ["c"], id="all terms must hold"),
        pytest.param([where("f", node=["c", "b"])], ["b"], id="several names leave the order of the nodes"),
        pytest.param([where("f", "c", zone="x")], ["c"], id="a pin that satisfies it"),
        pytest.param([where("f", "b", zone="x")], [None], id="a pin that does not"),
        pytest.param([where("f"), where("g", node="a")], ["b", "a"], id="one name is a pin, and comes first"),
        pytest.param(
            [where("f", cpu=0.5, zone="x"), where("g", with_("f"), cpu=0.5, tier=Not("spot"))],
            ["c", "c"],
            id="what any of a group asks for must hold for all",
        ),
        pytest.param(
            [where("f", cpu=0.5, zone="x"), where("g", with_("f"), cpu=0.5, zone="y")],
            [None, None],
            id="a group that contradicts itself",
        ),
    ],
)
def test_a_constraint_leaves_the_nodes_that_satisfy_it(functions: list[Function], placed: list[str | None]) -> None:
    free: Nodes = {name: {"cpu": 1} for name in LABELS}

    assert list(SimpleAllocator().allocate(functions, free, LABELS).values()) == placed


def test_without_labels_a_constraint_on_one_fits_nowhere_and_one_on_the_name_does() -> None:
    free: Nodes = {"a": {"cpu": 1}, "b": {"cpu": 1}}

    placed = allocate([where("f", zone="x"), where("g", node=Not("a")), where("h", zone=Not("x"))], free)

    assert placed == {"f": None, "g": "b", "h": "a"}


def test_a_bad_constraint_and_a_bad_pin_are_refused() -> None:
    with pytest.raises(InvalidFunction) as caught:
        allocate([where("f", zone="a|b")], {"a": {"cpu": 1}})
    with pytest.raises(InvalidNode):
        allocate([where("f", "a b")], {"a": {"cpu": 1}})

    assert caught.value.function_id == "f"


def either(id: str, *costs: Any, node: str | Collocated | None = None) -> Function:
    return Function(id, "module:f", cost=costs, node=node)


@pytest.mark.parametrize(
    ("functions", "placed"),
    [
        pytest.param([either("f", {"gpu": 1}, {"cpu": 1})], ["b"], id="the first that fits, on whichever node"),
        pytest.param(
            [either("f", {"gpu": 1}, {"cpu": 1}), either("g", {"gpu": 1}, {"cpu": 1})],
            ["b", "a"],
            id="the next where the first fits no more",
        ),
        pytest.param([either("f", {"gpu": 2}, After(30, {"cpu": 1}))], [None], id="what is for later does not count"),
        pytest.param(
            [either("f", {"gpu": 2}, After(30, {"cpu": 1}), {"cpu": 2})], ["b"], id="what comes behind it does"
        ),
        pytest.param(
            [either("f", After(30, {"gpu": 1}), After(5, {"cpu": 1}))], ["b"], id="if all are for later, the first"
        ),
        pytest.param([either("f", After(5, {"gpu": 2}), After(30, {"cpu": 1}))], [None], id="and no other"),
        pytest.param(
            [either("f", {"gpu": 1}, {"cpu": 1}), either("g", {"gpu": 1}, {"cpu": 2}, node=with_("f"))],
            ["b", "b"],
            id="a group takes one of each, the last one's choice first",
        ),
    ],
)
def test_of_several_costs_the_first_that_fits_is_taken(functions: list[Function], placed: list[str | None]) -> None:
    free: Nodes = {"a": {"cpu": 1}, "b": {"cpu": 2, "gpu": 1}}

    assert list(allocate(functions, free).values()) == placed


def test_a_group_tells_what_each_member_costs_where_it_is_placed() -> None:
    (group,) = groups([either("f", {"gpu": 1}, {"cpu": 1}), either("g", {"gpu": 1}, {"cpu": 2}, node=with_("f"))])

    placed = place(group, {"a": Books({"cpu": 20_000}, {"gpu": {3: 10_000}})})

    assert placed is not None
    assert placed.costs == ({"gpu": 10_000}, {"cpu": 20_000})
    assert placed.devices == [{"gpu": [3]}, {}]


def test_a_large_group_is_tried_in_a_limited_number_of_ways() -> None:
    members = [either(f"f{number}", *({"cpu": 1 + cost} for cost in range(16))) for number in range(4)]
    collocated = [members[0], *(Function(m.id, m.code, cost=m.cost, node=with_("f0")) for m in members[1:])]

    (group,) = groups(collocated)

    assert len(group.options) == MOST_OPTIONS
    assert group.options[0] == group.costs == ({"cpu": 10_000},) * 4


def balance(
    functions: list[Function], free: Nodes, capabilities: Nodes | None = None, this_node: str | None = None
) -> list[str | None]:
    return list(LoadBalancedAllocator(this_node).allocate(functions, free, capabilities=capabilities).values())  # type: ignore[arg-type]


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


@pytest.mark.parametrize("memory", [{0: -1}, {0: "1"}, {0: (2, 1)}, {0: (1,)}, {0: (1, 2, 3)}, {0: [1, 2]}], ids=repr)
def test_bad_free_memory_is_refused_by_its_name(memory: Any) -> None:
    with pytest.raises(InvalidResources) as caught:
        allocate([function("f")], {"a": {"gpu": 1, "gpu_memory": memory}})

    assert caught.value.resource == "gpu_memory"


HUNDREDTHS = st.integers(1, 300).map(lambda number: number / 100)


@given(
    room=st.lists(st.tuples(HUNDREDTHS, HUNDREDTHS), max_size=4),
    costs=st.lists(st.tuples(HUNDREDTHS, HUNDREDTHS), max_size=8),
)
def test_sums_are_placed_as_by_a_plain_first_fit(
    room: list[tuple[float, float]], costs: list[tuple[float, float]]
) -> None:
    left = {f"n{i}": [round(cpu * 100), round(memory * 100)] for i, (cpu, memory) in enumerate(room)}
    expected: dict[str, str | None] = {}
    for i, (cpu, memory) in enumerate(costs):
        wanted = [round(cpu * 100), round(memory * 100)]
        fitting = [name for name, have in left.items() if have[0] >= wanted[0] and have[1] >= wanted[1]]
        expected[f"f{i}"] = fitting[0] if fitting else None
        if fitting:
            left[fitting[0]] = [left[fitting[0]][0] - wanted[0], left[fitting[0]][1] - wanted[1]]

    placed = allocate(
        [function(f"f{i}", cpu=cpu, memory=memory) for i, (cpu, memory) in enumerate(costs)],
        {f"n{i}": {"cpu": cpu, "memory": memory} for i, (cpu, memory) in enumerate(room)},
    )

    assert placed == expected


@given(
    nodes=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=4),
    costs=st.lists(st.integers(1, 3), max_size=10),
)
def test_sums_are_balanced_as_by_plain_counting(nodes: list[tuple[int, int]], costs: list[int]) -> None:
    capacity = {f"n{i}": have * more for i, (have, more) in enumerate(nodes)}
    left = {f"n{i}": have for i, (have, _) in enumerate(nodes)}
    expected: list[str | None] = []
    for cost in costs:
        fitting = [name for name in left if left[name] >= cost]
        best = max(fitting, key=lambda name: left[name] * 10_000 // capacity[name], default=None)
        expected.append(best)
        if best is not None:
            left[best] -= cost

    placed = balance(
        [function(f"f{i}", cpu=cost) for i, cost in enumerate(costs)],
        {f"n{i}": {"cpu": have} for i, (have, _) in enumerate(nodes)},
        {name: {"cpu": cpu} for name, cpu in capacity.items()},
    )

    assert placed == expected
