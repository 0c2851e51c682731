"""What makes a graph: the rules for its functions, and for how they go together."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import (
    CyclicDependency,
    DuplicateFunction,
    HandoffError,
    InvalidFunction,
    InvalidNode,
    InvalidResources,
    MissingFunction,
)
from handoff.graph.dag import DAG
from handoff.graph.order import dependencies_first
from handoff.graph.rules import companions
from handoff.words.argument import Argument
from handoff.words.checked import check
from handoff.words.function import Collocated, Function


def plain(*values: Any) -> Any:
    return values


def function(id: str, *args: str | Argument, **fields: Any) -> Function:
    return Function(id, fields.pop("code", plain), args=args, **fields)


def graph(*functions: Function) -> DAG:
    dag = DAG("g")
    for each in functions:
        dag.add(each)
    return dag


def refusal(*functions: Function) -> HandoffError:
    """What `validate` says of a graph of these."""
    with pytest.raises(HandoffError) as caught:
        graph(*functions).validate()
    return caught.value


class TestBuilding:
    def test_it_keeps_its_functions_in_the_order_in_which_they_were_added(self) -> None:
        a, b = function("a"), function("b")

        assert DAG().add(b).add(a).functions == (b, a)

    def test_each_has_an_id_of_its_own_where_none_is_given(self) -> None:
        assert len(DAG().id) == 32
        assert DAG().id != DAG().id

    @pytest.mark.parametrize("id", ["x", "x" * 512, "with space/and:colon", "ü"])
    def test_an_id_may_be_any_text(self, id: str) -> None:
        assert DAG(id).id == id

    @pytest.mark.parametrize("id", ["", "x" * 513, 5, b"x"], ids=repr)
    def test_an_id_that_is_no_text_of_1_to_512_characters_is_refused_with_the_rule(self, id: Any) -> None:
        with pytest.raises(ValueError, match="1 to 512 characters"):
            DAG(id)

    @pytest.mark.parametrize("value", [plain, "a", None], ids=["callable", "text", "None"])
    def test_only_a_function_can_be_added(self, value: Any) -> None:
        with pytest.raises(TypeError, match="add a Function"):
            DAG().add(value)

    def test_an_argument_survives_pickling_and_can_be_hashed_with_any_constant(self) -> None:
        argument = Argument("a", serialize=(plain, [1]), deserialize="module:f")

        assert pickle.loads(pickle.dumps(argument)) == argument
        assert hash(function("f", argument)) == hash(function("f", argument))


class TestValid:
    @pytest.mark.parametrize(
        "functions",
        [
            [],
            [function("a")],
            [function("b", "a"), function("a")],
            [function("a"), function("b", "a", "a")],
            [function("a"), function("b", "a"), function("c", "a"), function("d", "b", "c")],
            [function("a"), function("b", Argument("a", serialize=plain, deserialize=("module:f", 1)))],
            [function("a", type="inline"), function("b", "a", type="inline"), function("c", "b")],
            [function("a", type="inline", cost={}, duration=2, priority=3, extra_args=[1], kwargs={"b": 2})],
            [function("a", node="n"), function("b", node=Collocated("a")), function("c", node="n")],
            [function("a", node=Collocated("b")), function("b", node=Collocated("a"))],
            [function("a", node=Collocated("b"), cost={"cpu": 1}), function("b", "a")],
        ],
        ids=lambda functions: " ".join(f"{each.id}({len(each.args)})" for each in functions) or "empty",
    )
    def test_a_graph_that_keeps_the_rules_is_valid(self, functions: list[Function]) -> None:
        graph(*functions).validate()

    def test_a_function_that_needs_a_dag_is_still_refused_outside_one(self) -> None:
        for each in (function("b", "a"), function("b", type="inline"), function("b", node=Collocated("a"))):
            with pytest.raises(InvalidFunction):
                check(each)


class TestOneFunction:
    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"code": lambda: 1}, InvalidFunction),
            ({"code": "no_colon"}, InvalidFunction),
            ({"priority": 5000}, InvalidFunction),
            ({"where": {"zone": []}}, InvalidFunction),
            ({"node": "a b"}, InvalidNode),
            ({"node": Collocated(5)}, InvalidFunction),  # type: ignore[arg-type]
            ({"cost": {"gpu": 1.5}}, InvalidResources),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_it_keeps_the_rules_that_hold_outside_too(self, fields: dict[str, Any], error: type[HandoffError]) -> None:
        assert type(refusal(function("f", **fields))) is error

    @pytest.mark.parametrize("argument", [5, None, b"a", ("a",), Collocated("a"), Argument(5)], ids=repr)  # type: ignore[arg-type]
    def test_an_argument_that_names_no_function_is_refused(self, argument: Any) -> None:
        error = refusal(function("a"), function("b", argument))

        assert isinstance(error, InvalidFunction)
        assert error.function_id == "b"

    @pytest.mark.parametrize(
        ("fields", "where"),
        [({"extra_args": [1, Argument("a")]}, "extra_args"), ({"kwargs": {"x": Argument("a")}}, "kwargs")],
    )
    def test_a_result_among_the_constants_is_refused_with_where_it_belongs(
        self, fields: dict[str, Any], where: str
    ) -> None:
        error = refusal(function("a"), function("b", **fields))

        assert isinstance(error, InvalidFunction)
        assert str(error) == f"function 'b': its {where} hold Argument('a'): results come first, by args: name it there"

    @pytest.mark.parametrize(
        "transform", [lambda value: value, (), (lambda value: value, 1), "no_colon", 5, [plain], (5, plain)]
    )
    @pytest.mark.parametrize("name", ["serialize", "deserialize"])
    def test_a_transform_that_cannot_be_imported_is_refused_by_name(self, name: str, transform: Any) -> None:
        error = refusal(function("a"), function("b", Argument("a", **{name: transform})))

        assert isinstance(error, InvalidFunction)
        assert error.function_id == "b"
        assert f"the {name} of its argument 'a'" in error.what

    @pytest.mark.parametrize(
        "fields",
        [
            {"node": "n"},
            {"node": Collocated("a")},
            {"where": {"zone": "a"}},
            {"cost": {"cpu": 1}},
            {"cost": [{}, {"cpu": 1}]},
            {"strategy": "load_balanced"},
            {"isolation": "fresh"},
            {"on_node_loss": "fail"},
            {"on_memory_exceeded": "grow"},
            {"delay": 1},
            {"at": datetime(2101, 1, 1)},
            {"wait_ttl": 5},
            {"timeout": 5},
            {"max_retries": 0},
            {"on_infeasible": "raise"},
        ],
        ids=lambda fields: next(iter(fields)),
    )
    def test_an_inline_function_can_ask_for_nothing_that_only_the_scheduled_have(self, fields: dict[str, Any]) -> None:
        error = refusal(function("a"), function("b", type="inline", **fields), function("c", "b"))

        assert isinstance(error, InvalidFunction)
        assert error.function_id == "b"
        assert next(iter(fields)) in error.what


class TestTogether:
    def test_an_id_that_comes_twice_is_named(self) -> None:
        error = refusal(function("a"), function("b"), function("a"))

        assert isinstance(error, DuplicateFunction)
        assert str(error) == "two functions of one graph have the id 'a': give one of them another"

    @pytest.mark.parametrize(
        "needing",
        [function("b", "a", "x"), function("b", Argument("x")), function("b", node=Collocated("x"))],
        ids=["args", "Argument", "Collocated"],
    )
    def test_an_id_that_is_missing_is_named_with_who_needs_it(self, needing: Function) -> None:
        error = refusal(function("a"), needing)

        assert isinstance(error, MissingFunction)
        assert (error.id, error.needed_by) == ("x", "b")

    def test_an_inline_function_has_no_node_to_share(self) -> None:
        error = refusal(function("a", type="inline"), function("b", "a", node=Collocated("a")))

        assert isinstance(error, InvalidFunction)
        assert error.function_id == "a"

    def test_two_pins_of_functions_that_share_a_node_are_refused_however_far_apart(self) -> None:
        error = refusal(
            function("a", node="n"),
            function("b", node=Collocated("a")),
            function("c", node=Collocated("b"), where={"node": "m"}),
        )

        assert isinstance(error, InvalidFunction)
        assert error.function_id == "c"
        assert "'m'" in error.what
        assert "'n'" in error.what

    def test_pins_to_one_node_and_wishes_that_leave_several_are_no_contradiction(self) -> None:
        graph(
            function("a", node="n"),
            function("b", node=Collocated("a"), where={"node": "n"}),
            function("c", node=Collocated("a"), where={"node": ["m", "n"]}),
        ).validate()

    def test_functions_are_companions_through_others_too(self) -> None:
        functions = [
            function("a", node=Collocated("c")),
            function("b"),
            function("c", node=Collocated("c")),
            function("d", node=Collocated("c")),
            function("e", node=Collocated("f")),
            function("f"),
            function("g", node=Collocated("g")),
        ]

        assert companions(functions) == [[0, 2, 3], [4, 5]]

    def test_nothing_is_asked_of_the_order_in_which_functions_are_added(self) -> None:
        graph(function("c", "b", node=Collocated("a")), function("b", "a"), function("a")).validate()


class TestCycles:
    @pytest.mark.parametrize(
        ("functions", "cycle"),
        [
            ([function("a", "a")], ["a", "a"]),
            ([function("a", "b"), function("b", "a")], ["a", "b", "a"]),
            ([function("a", "c"), function("b", "a"), function("c", "b")], ["a", "b", "c", "a"]),
            ([function("z"), function("y", "z", "x"), function("x", "y", "z"), function("w", "x")], ["y", "x", "y"]),
            ([function("a", "b", type="inline"), function("b", "a", type="inline")], ["a", "b", "a"]),
            ([function("a", "b"), function("b", Argument("a"))], ["a", "b", "a"]),
        ],
        ids=lambda value: "-".join(value) if value and isinstance(value[0], str) else "",
    )
    def test_the_cycle_is_named_as_results_would_go(self, functions: list[Function], cycle: list[str]) -> None:
        error = refusal(*functions)

        assert isinstance(error, CyclicDependency)
        assert error.cycle == cycle

    @pytest.mark.parametrize("type", ["regular", "inline"])
    def test_a_chain_of_ten_thousand_is_no_matter_of_depth(self, type: Any) -> None:
        chain = [function(f"f{n}", *([f"f{n - 1}"] if n else []), type=type) for n in range(10_000)]

        graph(*reversed(chain)).validate()

    def test_a_cycle_of_ten_thousand_is_found(self) -> None:
        error = refusal(*(function(f"f{n}", f"f{(n - 1) % 10_000}") for n in range(10_000)))

        assert isinstance(error, CyclicDependency)
        assert error.cycle == [*(f"f{n}" for n in range(10_000)), "f0"]

    @given(
        st.integers(1, 8).flatmap(
            lambda count: st.lists(st.lists(st.integers(0, count - 1), max_size=3), min_size=count, max_size=count)
        )
    )
    def test_a_graph_is_refused_exactly_if_some_function_needs_itself(self, sources: list[list[int]]) -> None:
        functions = [function(str(index), *map(str, taken)) for index, taken in enumerate(sources)]
        needed = [set(taken) for taken in sources]
        for _ in sources:
            needed = [taken.union(*(needed[source] for source in taken)) for taken in needed]

        if any(index in taken for index, taken in enumerate(needed)):
            error = refusal(*functions)
            assert isinstance(error, CyclicDependency)
            assert error.cycle[0] == error.cycle[-1]
            assert len(set(error.cycle)) == len(error.cycle) - 1 >= 1
            for source, taker in zip(error.cycle, error.cycle[1:], strict=False):
                assert int(source) in sources[int(taker)]
        else:
            graph(*functions).validate()
            order = dependencies_first(sources)
            assert sorted(order) == list(range(len(sources)))
            for index, taken in enumerate(sources):
                assert all(order.index(source) < order.index(index) for source in taken)
