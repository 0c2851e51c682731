"""What a run is planned as, against evaluations of the graph that are slow and plain."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import CyclicDependency
from handoff.graph.antichain import heaviest_antichain
from handoff.graph.dag import DAG
from handoff.graph.needs import MOST_COMPARED
from handoff.graph.plan import Group, Plan, Step, make_plan
from handoff.ledger.texts.run_id import run_job_id
from handoff.words.argument import Argument
from handoff.words.constraints import Term
from handoff.words.function import Collocated, Function
from handoff.words.resources import UNIT, Units
from handoff.words.variants import After, Cost, parse_variants

HERE = __name__


def plain(*values: Any) -> Any:
    return values


def packed(value: Any, *rest: Any) -> Any:
    return value, rest


def function(id: str, *args: str | Argument, **fields: Any) -> Function:
    return Function(id, fields.pop("code", "module:f"), args=args, **fields)


def inline(id: str, *args: str | Argument, **fields: Any) -> Function:
    return function(id, *args, type="inline", **fields)


def plan_of(*functions: Function, default_cost: Cost | None = None) -> Plan:
    dag = DAG("g")
    for each in functions:
        dag.add(each)
    return make_plan(dag, parse_variants(default_cost))


def by_id(plan: Plan) -> dict[str, Step]:
    return {step.function.id: step for step in plan.steps}


def chain(count: int, **fields: Any) -> list[Function]:
    return [function(f"f{n}", *([f"f{n - 1}"] if n else []), **fields) for n in range(count)]


class TestNumbers:
    def test_a_function_in_a_run_has_the_number_at_which_it_was_added_inlines_left_out(self) -> None:
        plan = plan_of(function("c", "b"), inline("b", "a"), function("a"), function("d", "b", "c"))

        assert [(step.number, step.function.id) for step in plan.steps] == [(1, "c"), (2, "a"), (3, "d")]
        assert plan.structure == [["c", 1, [1]], ["b", 0, [2]], ["a", 2, []], ["d", 3, [1, 0]]]
        assert plan.roots == (2,)
        assert plan.id == "g"
        assert run_job_id("0f", 12) == "0f-12"

    def test_an_empty_graph_has_an_empty_plan(self) -> None:
        assert plan_of() == Plan(id="g", steps=(), roots=(), groups=(), structure=[])

    def test_a_graph_that_is_not_valid_is_not_planned(self) -> None:
        with pytest.raises(CyclicDependency):
            plan_of(function("a", "b"), function("b", "a"))

    def test_what_takes_one_result_through_two_inlines_takes_it_once_and_follows_it_once(self) -> None:
        plan = plan_of(
            function("a"),
            function("b"),
            inline("x", "b", "a"),
            inline("y", "x", "a"),
            function("c", "y", "a", "x", "b"),
            function("d", "a", "a"),
        )

        steps = by_id(plan)
        assert steps["c"].takes == (2, 1)
        assert steps["d"].takes == (1,)
        assert steps["a"].followers == (3, 4)
        assert steps["b"].followers == (3,)
        assert plan.roots == (1, 2)

    def test_what_takes_only_inlines_that_take_nothing_is_a_root(self) -> None:
        assert plan_of(inline("x"), function("a", "x")).roots == (1,)


class TestInputs:
    def test_results_are_named_in_the_order_of_args_each_time_they_are_passed(self) -> None:
        step = by_id(plan_of(function("a"), function("b"), function("c", "b", "a", "b")))["c"]

        assert step.inputs == {
            "args": [["result", 2, "b", 0, None], ["result", 1, "a", 0, None], ["result", 2, "b", 0, None]],
            "as_list": False,
            "inlines": [],
        }

    def test_a_function_that_takes_nothing_has_no_inputs(self) -> None:
        assert by_id(plan_of(function("a", extra_args=[1])))["a"].inputs is None

    def test_a_function_that_takes_no_results_as_a_list_gets_an_empty_one(self) -> None:
        step = by_id(plan_of(function("a", argument_inclusion="as_list")))["a"]

        assert step.inputs == {"args": [], "as_list": True, "inlines": []}

    def test_inlines_are_written_once_behind_those_that_they_take_with_their_constants(self) -> None:
        plan = plan_of(
            function("a"),
            inline("unused", "a"),
            inline("y", "x", "a", code=plain, argument_inclusion="as_list", kwargs={"k": 1}),
            inline("x", "a", extra_args=[1, (2,)]),
            function("b", "y", "x"),
        )

        assert by_id(plan)["b"].inputs == {
            "args": [["inline", 1, "y", None, None], ["inline", 0, "x", None, None]],
            "as_list": False,
            "inlines": [
                ["x", "module.f", [["result", 1, "a", 0, None]], False, [1, (2,)], {}],
                [
                    "y",
                    f"{HERE}.plain",
                    [["inline", 0, "x", None, None], ["result", 1, "a", 0, None]],
                    True,
                    [],
                    {"k": 1},
                ],
            ],
        }

    def test_the_producer_of_a_result_makes_each_form_that_is_asked_of_it_once(self) -> None:
        plan = plan_of(
            function("a"),
            function("b", Argument("a", serialize=(packed, [1])), "a"),
            function("c", Argument("a", serialize=packed), Argument("a", serialize=f"{HERE}:packed")),
            function("d", Argument("a", serialize=(packed, [1]), deserialize=("module:g", 2))),
        )

        steps = by_id(plan)
        assert steps["a"].forms == ([f"{HERE}.packed", [[1]]], [f"{HERE}.packed", []])
        assert steps["b"].forms == ()
        assert steps["b"].inputs is not None
        assert steps["b"].inputs["args"] == [["result", 1, "a", 1, None], ["result", 1, "a", 0, None]]
        assert steps["c"].inputs is not None
        assert steps["c"].inputs["args"] == [["result", 1, "a", 2, None], ["result", 1, "a", 2, None]]
        assert steps["d"].inputs is not None
        assert steps["d"].inputs["args"] == [["result", 1, "a", 1, ["module.g", [2]]]]

    @pytest.mark.parametrize(
        ("one", "other"),
        [(1, True), (1, 1.0), (0.0, -0.0), ((1,), [1]), ([1], [True]), ({"a": 1}, {"a": 1.0}), ("a", b"a")],
        ids=repr,
    )
    def test_constants_of_two_types_make_two_forms(self, one: Any, other: Any) -> None:
        plan = plan_of(
            function("a"),
            function("b", *(Argument("a", serialize=(packed, value)) for value in (one, other, one))),
        )

        assert [repr(static) for _, static in plan.steps[0].forms] == [repr([one]), repr([other])]

    @pytest.mark.parametrize("value", [5, 2.5, "a", None, [1, {"a": (2,)}], 10**5000], ids=lambda value: type(value))
    def test_equal_constants_of_one_type_make_one_form(self, value: Any) -> None:
        plan = plan_of(
            function("a"),
            function("b", Argument("a", serialize=(packed, value))),
            function("c", Argument("a", serialize=(packed, value))),
        )

        assert len(plan.steps[0].forms) == 1

    def test_both_transforms_of_an_inlines_value_are_for_the_child_that_takes_it(self) -> None:
        plan = plan_of(
            function("a"),
            inline("x", Argument("a", serialize="module:s")),
            function("b", Argument("x", serialize=("module:s", 1), deserialize="module:d")),
        )

        steps = by_id(plan)
        assert steps["b"].inputs == {
            "args": [["inline", 0, "x", ["module.s", [1]], ["module.d", []]]],
            "as_list": False,
            "inlines": [["x", "module.f", [["result", 1, "a", 1, None]], False, [], {}]],
        }
        assert steps["a"].forms == (["module.s", []],)

    def test_a_chain_of_ten_thousand_inlines_is_no_matter_of_depth(self) -> None:
        chain = [inline(f"x{n}", f"x{n - 1}" if n else "a") for n in range(10_000)]

        step = by_id(plan_of(function("a"), *chain, function("b", "x9999")))["b"]

        assert step.takes == (1,)
        assert step.inputs is not None
        assert [entry[0] for entry in step.inputs["inlines"]] == [each.id for each in chain]


TRANSFORMS = [None, "module:s", ("module:s", 1), ("module:s", True), "module:t"]


@st.composite
def graphs(draw: st.DrawFn, *, largest: int = 9) -> list[Function]:
    """Valid graphs with inlines, transforms, durations, collocation; in any order of adding."""
    count = draw(st.integers(1, largest))
    functions: list[Function] = []
    for index in range(count):
        earlier = st.integers(0, index - 1).map(str)
        argument = earlier | st.builds(
            Argument, earlier, serialize=st.sampled_from(TRANSFORMS), deserialize=st.sampled_from(TRANSFORMS)
        )
        regular = [each.id for each in functions if each.type == "regular"]
        kind = draw(st.sampled_from(["regular", "regular", "inline"]))
        place = st.sampled_from(regular).map(Collocated) if kind == "regular" and regular else st.none()
        amount = st.sampled_from([0, 0.5, 1, 2, 3])
        functions.append(
            function(
                str(index),
                *(draw(st.lists(argument, max_size=3)) if index else []),
                type=kind,
                argument_inclusion=draw(st.sampled_from(["variadic", "as_list"])),
                duration=draw(st.none() | st.integers(0, 20)),
                extra_args=[index],
                node=draw(st.none() | place),
                cost=None if kind == "inline" else {"cpu": draw(amount), "memory": draw(amount)},
            )
        )
    return draw(st.permutations(functions))


def evaluated(function: Function, functions: Mapping[str, Function]) -> Any:
    """What a function is called with, with values in the place of calls: by nothing but its own fields."""
    values = []
    for argument in function.args:
        if isinstance(argument, str):
            argument = Argument(argument)
        value = evaluated(functions[argument.id], functions)
        for name in (argument.serialize, argument.deserialize):
            if name is not None:
                code, *static = name if isinstance(name, tuple) else (name,)
                value = (code.replace(":", "."), repr(static), value)
        values.append(value)
    return (function.id, [values] if function.argument_inclusion == "as_list" else values, list(function.extra_args))


def as_a_child_would(step: Step, steps: Sequence[Step]) -> Any:
    """The same by the plan alone."""

    def turned(value: Any, transform: Sequence[Any] | None) -> Any:
        return value if transform is None else (transform[0], repr(transform[1]), value)

    def value_of(source: list[Any]) -> Any:
        if source[0] == "inline":
            _, index, id, serialize, deserialize = source
            assert values[index][0] == id
            return turned(turned(values[index], serialize), deserialize)
        _, number, id, form, deserialize = source
        producer = steps[number - 1]
        assert producer.function.id == id
        assert number in step.takes
        value = as_a_child_would(producer, steps)
        return turned(turned(value, producer.forms[form - 1] if form else None), deserialize)

    def called(id: str, sources: list[Any], as_list: bool, extra: list[Any]) -> Any:
        arguments = [value_of(source) for source in sources]
        return id, [arguments] if as_list else arguments, extra

    values: list[Any] = []
    inputs = step.inputs or {"args": [], "as_list": False, "inlines": []}
    for id, _, sources, as_list, extra, _ in inputs["inlines"]:
        values.append(called(id, sources, as_list, extra))
    return called(step.function.id, inputs["args"], inputs["as_list"], list(step.function.extra_args))


@given(graphs())
def test_any_graph_evaluated_by_its_plan_calls_what_it_says_with_what_it_says(functions: list[Function]) -> None:
    steps = plan_of(*functions).steps
    known = {each.id: each for each in functions}

    assert [as_a_child_would(step, steps) for step in steps] == [evaluated(step.function, known) for step in steps]


@given(graphs())
def test_what_a_function_takes_is_what_is_left_when_inlines_are_written_out(functions: list[Function]) -> None:
    plan = plan_of(*functions)
    known = {each.id: each for each in functions}
    number = {step.function.id: step.number for step in plan.steps}

    def written_out(each: Function) -> list[int]:
        ids = [argument if isinstance(argument, str) else argument.id for argument in each.args]
        return [taken for id in ids for taken in ([number[id]] if id in number else written_out(known[id]))]

    takes = {step.number: tuple(dict.fromkeys(written_out(step.function))) for step in plan.steps}
    assert {step.number: step.takes for step in plan.steps} == takes
    for step in plan.steps:
        assert step.followers == tuple(taker for taker, taken in takes.items() if step.number in taken)
    assert plan.roots == tuple(taker for taker, taken in takes.items() if not taken)


class TestPlaces:
    def ids(self, *functions: Function) -> list[str]:
        return [step.function.id for step in sorted(plan_of(*functions).steps, key=lambda step: step.place)]

    def test_what_most_seconds_follow_is_first(self) -> None:
        functions = [
            function("short", duration=1),
            function("long", duration=5),
            function("head", duration=1),
            function("tail", "head", duration=5),
        ]

        assert self.ids(*functions) == ["head", "long", "tail", "short"]

    def test_where_no_duration_is_known_functions_count(self) -> None:
        assert self.ids(function("alone"), *chain(3)) == ["f0", "f1", "alone", "f2"]

    def test_a_function_of_unknown_duration_counts_as_the_mean_of_the_others(self) -> None:
        functions = [
            function("3", duration=3),
            function("unknown"),
            function("1", duration=1),
            function("2", duration=2),
        ]

        assert self.ids(*functions) == ["3", "unknown", "2", "1"]

    def test_an_inline_takes_no_time_unless_it_says_so(self) -> None:
        functions = [
            function("plain", duration=2),
            function("a", duration=1),
            inline("x", "a"),
            function("b", "x", duration=1),
            function("c", duration=1),
            inline("y", "c", duration=0.5),
            function("d", "y", duration=1),
        ]

        assert self.ids(*functions) == ["c", "plain", "a", "b", "d"]

    def test_durations_beyond_what_a_float_holds_keep_their_order(self) -> None:
        assert self.ids(function("short", duration=5), *chain(3, duration=10**400)) == ["f0", "f1", "f2", "short"]

    @given(graphs())
    def test_any_graph_is_ordered_by_the_longest_path_to_an_end(self, functions: list[Function]) -> None:
        plan = plan_of(*functions)
        given = [step.function.duration for step in plan.steps if step.function.duration is not None]
        usual = sum(given) / len(given) if given else 1
        takers: dict[str, list[Function]] = {each.id: [] for each in functions}
        for each in functions:
            for argument in each.args:
                takers[argument if isinstance(argument, str) else argument.id].append(each)

        def longest(each: Function) -> float:
            own = each.duration if each.duration is not None else usual if each.type == "regular" else 0
            return own + max(map(longest, takers[each.id]), default=0)

        order = sorted(plan.steps, key=lambda step: (-longest(step.function), step.number))
        assert [step.place for step in order] == list(range(len(order)))


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


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """An order of up to 9 members, as masks of what comes after each, and their weights."""
    count = draw(st.integers(0, 9))
    after = [0] * count
    for index in reversed(range(count)):
        for later in draw(st.sets(st.integers(index + 1, count - 1))) if index + 1 < count else ():
            after[index] |= 1 << later | after[later]
    return after, draw(st.lists(st.integers(0, 7), min_size=count, max_size=count))


class TestAntichain:
    @given(orders())
    def test_it_is_the_heaviest_of_all_sets_without_one_before_another(
        self, order: tuple[list[int], list[int]]
    ) -> None:
        after, weights = order

        sets = [[member for member in range(len(after)) if chosen >> member & 1] for chosen in range(1 << len(after))]
        free = [chosen for chosen in sets if not any(after[one] >> other & 1 for one in chosen for other in chosen)]
        assert heaviest_antichain(after, weights) == max(sum(weights[member] for member in chosen) for chosen in free)

    def test_levels_that_all_wait_for_the_one_before_take_as_much_as_the_heaviest(self) -> None:
        width, depth = 16, 16
        after = [sum(1 << other for other in range(256) if other // width > member // width) for member in range(256)]
        weights = [10_000 + member * 7919 % 997 for member in range(256)]

        levels = [sum(weights[level * width : (level + 1) * width]) for level in range(depth)]
        assert heaviest_antichain(after, weights) == max(levels)
