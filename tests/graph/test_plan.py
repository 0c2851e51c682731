"""What a run is planned as: who has which number, and what each takes."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import CyclicDependency
from handoff.graph.plan import Plan
from handoff.ledger.texts.run_id import run_job_id
from handoff.words.argument import Argument
from support.plans import by_id, function, inline, plan_of

HERE = __name__


def plain(*values: Any) -> Any:
    return values


def packed(value: Any, *rest: Any) -> Any:
    return value, rest


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

    def test_what_takes_the_same_results_in_the_same_way_has_its_inputs_in_common(self) -> None:
        plan = plan_of(
            function("a"),
            function("b", "a"),
            function("c", "a"),
            function("d", "a", argument_inclusion="as_list"),
            function("e", "a", "a"),
            function("f", Argument("a", serialize=packed)),
            function("g", Argument("a", serialize=plain)),
        )

        inputs = by_id(plan)
        assert inputs["b"].inputs is inputs["c"].inputs
        assert len({id(step.inputs) for step in plan.steps[1:]}) == 5

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

    def test_a_constant_that_holds_itself_or_is_deep_is_the_same_only_as_itself(self) -> None:
        twice: list[Any] = []
        twice += [twice, {"again": twice}]
        deep: list[Any] = []
        for _ in range(5000):
            deep = [deep]

        plan = plan_of(
            function("a"),
            function("b", *(Argument("a", serialize=(packed, value)) for value in (twice, deep, twice, deep))),
        )

        [(_, [first]), (_, [second])] = plan.steps[0].forms
        assert first is twice
        assert second is deep

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
