"""What functions that share a node need of it together, against all sets that may run together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given

from handoff.graph.needs import MOST_COMPARED
from handoff.graph.plan import Group
from handoff.words.constraints import Term
from handoff.words.function import Collocated, Function
from handoff.words.resources import UNIT, Units
from handoff.words.variants import After, Cost, parse_variants
from support.plans import chain, function, inline, plan_of
from support.random_graphs import graphs


def group(*functions: Function, default_cost: Cost | None = None) -> Group:
    """The only group of the plan of these."""
    (found,) = plan_of(*functions, default_cost=default_cost).groups
    return found


def together(*functions: Function) -> list[Function]:
    """The same functions, on one node."""
    last = functions[-1].id
    return [
        Function(each.id, each.code, args=each.args, cost=each.cost, where=each.where, node=Collocated(last))
        for each in functions
    ]


class TestGroups:
    def test_functions_joined_through_others_are_one_group_and_know_it(self) -> None:
        plan = plan_of(
            function("a", node=Collocated("c")),
            function("alone", node=Collocated("alone")),
            function("d", node=Collocated("e")),
            function("c"),
            function("b", node=Collocated("c")),
            function("e"),
        )

        assert [(each.number, each.members) for each in plan.groups] == [(1, (1, 4, 5)), (2, (3, 6))]
        assert [step.group for step in plan.steps] == [1, None, 2, 1, 1, 2]
        assert [step.pin for step in plan.steps] == [None] * 6

    @pytest.mark.parametrize("pin", [{"node": "n"}, {"where": {"node": "n"}}], ids=["node", "where"])
    def test_one_that_is_pinned_pins_all_that_share_its_node(self, pin: dict[str, Any]) -> None:
        plan = plan_of(
            function("a", node=Collocated("b")),
            function("b", node=Collocated("c")),
            function("c", **pin),
            function("d"),
        )

        assert plan.groups == ()
        assert [(step.group, step.pin) for step in plan.steps] == [(None, "n")] * 3 + [(None, None)]

    def test_the_node_must_be_what_any_of_them_wants(self) -> None:
        found = group(
            *together(
                function("a", where={"zone": "a"}),
                function("b", where={"zone": "a", "node": ["n", "m"]}),
                function("c", where={"tier": "spot"}),
            )
        )

        assert found.terms == (
            Term("node", ("m", "n"), negated=False),
            Term("tier", ("spot",), negated=False),
            Term("zone", ("a",), negated=False),
        )

    @pytest.mark.parametrize(
        ("functions", "need"),
        [
            ([function("a", cost={"cpu": 1}), function("b", cost={"cpu": 2})], {"cpu": 3, "slots": 2}),
            ([function("a", cost={"cpu": 1}), function("b", "a", cost={"cpu": 2})], {"cpu": 2, "slots": 1}),
            (
                [function("a", cost={"cpu": 4}), function("b", "a", cost={"gpu": 1}), function("c", cost={"cpu": 1})],
                {"cpu": 5, "gpu": 1, "slots": 2},
            ),
            ([function("a"), function("b", cost={})], {"slots": 2}),
            ([function("a", cost={"gpu_memory": 300}), function("b", cost={"gpu_memory": 200})],
             {"gpu_memory": 300, "slots": 2}),
            (
                [function("a", cost=[{"gpu": 1}, After(9, {"cpu": 8}), {"cpu": 2}]), function("b", cost={"cpu": 1})],
                {"cpu": 1, "slots": 2},
            ),
            ([function("a", cost=[{"cpu": 3}, {"cpu": 2, "gpu": 1}]), function("b")], {"cpu": 2, "slots": 2}),
        ],
        ids=["side by side", "one after the other", "each on its own", "slots", "memory of a device", "variants",
             "the least of both"],
    )  # fmt: skip
    def test_the_node_must_hold_what_may_run_together(self, functions: list[Function], need: Mapping[str, int]) -> None:
        assert group(*together(*functions)).need == {name: amount * UNIT for name, amount in need.items()}

    def test_members_that_name_no_cost_take_the_default(self) -> None:
        found = group(*together(function("a"), function("b"), function("c", cost={})), default_cost={"cpu": 2})

        assert found.need == {"cpu": 4 * UNIT, "slots": 3 * UNIT}

    def test_members_come_one_after_the_other_through_strangers_and_inlines_too(self) -> None:
        first, last = together(function("first"), function("last", "x"))

        found = group(first, function("stranger", "first"), inline("x", "stranger"), last)

        assert found.need == {"slots": UNIT}

    @pytest.mark.parametrize("count", [MOST_COMPARED, MOST_COMPARED + 1, 4 * MOST_COMPARED])
    def test_a_group_of_any_size_side_by_side_needs_the_sum_and_in_a_chain_the_most(self, count: int) -> None:
        parallel = [function(f"p{n}", cost={"cpu": 1 + n % 3}) for n in range(count)]
        serial = chain(count, cost={"cpu": 1})

        plan = plan_of(*together(*parallel), *together(*serial))

        cpus = sum(1 + n % 3 for n in range(count))
        assert plan.groups[0].need == {"cpu": cpus * UNIT, "slots": count * UNIT}
        assert plan.groups[1].need == {"cpu": UNIT, "slots": UNIT}

    def test_many_groups_are_each_ordered_by_the_whole_graph(self) -> None:
        functions = [
            function(f"{kind}{n}", *(["b0"] if kind == "c" else []), node=Collocated(f"b{n}"))
            for n in range(3000)
            for kind in "abc"
        ]

        plan = plan_of(*functions)

        # Of each three the third waits for b0: in the first group, which has it, two of them at most run together.
        assert [each.need["slots"] // UNIT for each in plan.groups] == [2, *[3] * 2999]

    @given(graphs())
    def test_the_need_of_any_group_is_the_most_of_all_sets_that_may_run_together(
        self, functions: list[Function]
    ) -> None:
        plan = plan_of(*functions)
        known = {each.id: each for each in functions}

        def needed(id: str) -> set[str]:
            ids = {argument if isinstance(argument, str) else argument.id for argument in known[id].args}
            return ids.union(*map(needed, ids))

        for each in plan.groups:
            members = [plan.steps[number - 1].function for number in each.members]
            sets = [
                chosen
                for size in range(1, len(members) + 1)
                for chosen in itertools.combinations(members, size)
                if not any(one.id in needed(other.id) for one, other in itertools.permutations(chosen, 2))
            ]
            assert each.need == most(sets)


def most(sets: Sequence[Sequence[Function]]) -> Units:
    """The largest sum of each resource over any of the sets."""
    need = {"slots": UNIT * max(map(len, sets))}
    for name in ("cpu", "memory"):
        sums = [sum(parse_variants(each.cost)[0].cost.get(name, 0) for each in chosen) for chosen in sets]
        if max(sums):
            need[name] = max(sums)
    return need
