"""In which order the functions of a graph are to start."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given

from handoff.words.function import Function
from support.plans import chain, function, inline, plan_learned, plan_of
from support.random_graphs import graphs


class TestPlaces:
    def ids(self, *functions: Function, learned: Mapping[str, float] | None = None) -> list[str]:
        plan = plan_learned(learned or {}, *functions)
        return [step.function.id for step in sorted(plan.steps, key=lambda step: step.place)]

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

    def test_what_is_learned_counts_for_functions_that_do_not_say_how_long_they_take(self) -> None:
        functions = [function("said", duration=3), function("learned", duration=None), function("neither")]
        learned = {"said": 9.0, "learned": 5.0}

        # The last takes 4 s, as the others do on average.
        assert self.ids(*functions, learned=learned) == ["learned", "neither", "said"]

    def test_of_equals_the_one_that_asks_for_the_largest_part_of_anything_is_first(self) -> None:
        functions = [
            function("small", cost={"cpu": 1, "memory": 1000}),
            function("half", cost={"cpu": 2}),
            function("large", cost={"memory": 8000}),
            function("none", cost={}),
            function("either", cost=[{"cpu": 4}, {"cpu": 1.5}]),
            function("wide", cost={"cpu": 4}),
        ]

        assert self.ids(*functions) == ["large", "wide", "half", "either", "small", "none"]

    def test_of_equals_the_one_that_can_be_ready_first_is_first_whatever_was_added_first(self) -> None:
        functions = [
            function("late", "second", duration=5),
            function("second", "first", duration=1),
            function("first", duration=1),
            function("early", duration=5),
        ]

        assert self.ids(*functions) == ["first", "second", "early", "late"]

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

        order = sorted(plan.steps, key=lambda step: step.place)
        assert [step.place for step in order] == list(range(len(order)))
        paths = [longest(step.function) for step in order]
        assert paths == sorted(paths, reverse=True)
