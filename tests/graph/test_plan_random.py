"""Any graph evaluated by its plan, against an evaluation that is slow and plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given

from handoff.graph.plan import Step
from handoff.words.argument import Argument
from handoff.words.function import Function
from support.plans import plan_of
from support.random_graphs import graphs


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
