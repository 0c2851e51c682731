"""Functions of a list, of which many say the same, are read as each by itself."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest

from handoff.errors import InvalidFunction, InvalidResources
from handoff.words.argument import Argument
from handoff.words.checked import Checks, check, check_in_dag
from handoff.words.function import Collocated, Function
from handoff.words.variants import After, parse_variants

DEFAULT = parse_variants({"cpu": 3})

SAYINGS: list[dict[str, Any]] = [
    {}, {"cost": {"cpu": 1}}, {"cost": {"cpu": 1.5}}, {"cost": [{"gpu": 1}, After(5, {"cpu": 1})]}, {"priority": 1},
    {"priority": 1, "cost": {"cpu": 1}}, {"node": "a"}, {"where": {"zone": "a"}}, {"delay": 3},
    {"at": datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)}, {"timeout": 5, "max_retries": 2},
    {"on_infeasible": "raise"}, {"code": "module:other"},
]  # fmt: skip


def function(id: str, **options: Any) -> Function:
    return Function(id, **{"code": "module:f", **options})


def test_each_is_read_as_by_itself_whoever_came_before() -> None:
    checks = Checks(DEFAULT)
    for number, (first, second) in enumerate(itertools.product(SAYINGS, repeat=2)):
        for options in (first, second, second):
            one = function(f"f{number}", extra_args=(number,), **options)

            assert checks.check(one) == check(one, DEFAULT)


OF_A_DAG: list[dict[str, Any]] = [
    {"args": ("f0",)}, {"args": (Argument("f0"),), "argument_inclusion": "as_list"}, {"node": Collocated("f0")},
    {"type": "inline"}, {"type": "inline", "args": ("f0", "f1")}, {"priority": 1, "args": ("f1",)},
]  # fmt: skip


def test_each_of_a_dag_is_read_as_by_itself_whoever_came_before() -> None:
    checks = Checks(DEFAULT)
    sayings = [*SAYINGS[:4], *OF_A_DAG]
    for number, (first, second) in enumerate(itertools.product(sayings, repeat=2)):
        for options in (first, second, second):
            one = function(f"f{number}", **options)

            assert checks.check_in_dag(one) == check_in_dag(one, DEFAULT)


def test_a_result_among_the_constants_is_refused_behind_one_like_it() -> None:
    checks = Checks()
    checks.check_in_dag(function("a"))

    with pytest.raises(InvalidFunction, match="results come first"):
        checks.check_in_dag(function("b", extra_args=(Argument("a"),)))


def test_those_that_say_the_same_are_told_to() -> None:
    checks = Checks()
    first, second = (checks.check(function(id, cost={"cpu": 1}, extra_args=(id,))) for id in "ab")
    other, again = (checks.check(function("c", cost={"cpu": 1}, priority=1)) for _ in "ab")

    assert first.like is second.like
    assert other.like is again.like
    assert first.like is not other.like


@pytest.mark.parametrize(
    ("sound", "bent", "error"),
    [
        ({"priority": 1}, {"priority": True}, InvalidFunction),
        ({"max_retries": 1}, {"max_retries": 1.0}, InvalidFunction),
        ({"cost": {"cpu": 1}}, {"cost": {"cpu": True}}, InvalidResources),
        ({}, {"args": ("a",)}, InvalidFunction),
        ({}, {"args": (Argument("a"),)}, InvalidFunction),
        ({}, {"extra_args": "ab"}, InvalidFunction),
        ({}, {"kwargs": {1: 2}}, InvalidFunction),
        ({}, {"type": "inline"}, InvalidFunction),
    ],
    ids=str,
)
def test_one_that_breaks_a_rule_is_refused_behind_one_like_it(
    sound: dict[str, Any], bent: dict[str, Any], error: type[Exception]
) -> None:
    checks = Checks()
    for id in "ab":
        checks.check(function(id, **sound))

    with pytest.raises(error):
        checks.check(function("c", **{**sound, **bent}))


@pytest.mark.parametrize("id", ["", 5, "x" * 2000, "\ud800"], ids=["empty", "number", "long", "half"])
def test_the_id_of_each_is_looked_at(id: Any) -> None:
    checks = Checks()
    checks.check(function("a"))

    with pytest.raises(InvalidFunction):
        checks.check(function(id))
