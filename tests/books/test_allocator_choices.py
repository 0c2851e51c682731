"""What constraints and several costs leave to the allocators: small tables of functions and places."""

from __future__ import annotations

import pytest

from handoff.books.allocator import SimpleAllocator, place
from handoff.books.groups import MOST_OPTIONS, groups
from handoff.books.node_books import Books
from handoff.errors import InvalidFunction, InvalidNode
from handoff.words.constraints import Not
from handoff.words.function import Function
from handoff.words.variants import After
from support.placing import LABELS, Nodes, allocate, either, where, with_


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
