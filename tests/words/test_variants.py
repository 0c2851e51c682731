"""Several costs of one function: what may be said, and what counts when."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from handoff.errors import InvalidResources
from handoff.words import variants as variants_module
from handoff.words.remembered import MOST_REMEMBERED
from handoff.words.values import LONGEST_WAIT_S
from handoff.words.variants import MOST_VARIANTS, After, Variant, costs_at_once, parse_variants


@pytest.mark.parametrize("cost", [{"cpu": True}, {1: 1}, {"cpu": math.nan}, {"slots": 1}])
def test_what_was_read_of_a_cost_is_not_read_of_one_that_only_looks_like_it(cost: Any) -> None:
    parse_variants({"cpu": 1})

    for _ in range(2):
        with pytest.raises(InvalidResources):
            parse_variants(cost)


def test_what_is_remembered_of_costs_has_an_end() -> None:
    for each in range(3 * MOST_REMEMBERED):
        assert parse_variants({"cpu": each, "memory": 0.5}) == (
            Variant(0, {"memory": 5_000} | ({"cpu": each * 10_000} if each else {})),
        )

    assert len(variants_module._remembered) <= MOST_REMEMBERED


@pytest.mark.parametrize(
    ("cost", "variants"),
    [
        pytest.param(None, [Variant(0, {})], id="no cost"),
        pytest.param({}, [Variant(0, {})], id="an empty cost"),
        pytest.param({"cpu": 1}, [Variant(0, {"cpu": 10_000})], id="one cost"),
        pytest.param([{}], [Variant(0, {})], id="a list of an empty cost"),
        pytest.param([{"cpu": 1}], [Variant(0, {"cpu": 10_000})], id="a list of one"),
        pytest.param(
            ({"gpu": 1}, After(30, {"cpu": 8})),
            [Variant(0, {"gpu": 10_000}), Variant(30_000, {"cpu": 80_000})],
            id="a better one, and one for later",
        ),
        pytest.param(
            [After(30, {"gpu": 1}), {"cpu": 8}],
            [Variant(30_000, {"gpu": 10_000}), Variant(0, {"cpu": 80_000})],
            id="in the order given, not by time",
        ),
        pytest.param([{"cpu": 1}, {"cpu": 1}], [Variant(0, {"cpu": 10_000})] * 2, id="the same twice keeps its places"),
    ],
)
def test_costs_are_read_in_their_order(cost: Any, variants: list[Variant]) -> None:
    assert list(parse_variants(cost)) == variants


@pytest.mark.parametrize(
    ("seconds", "after_ms"),
    [(30, 30_000), (0.07, 70), (1e-9, 1), (Fraction(1, 3), 333), (LONGEST_WAIT_S, 10**12)],
    ids=repr,
)
def test_seconds_become_whole_milliseconds_and_never_none(seconds: Any, after_ms: int) -> None:
    assert parse_variants([After(seconds, {"cpu": 1})])[0].after_ms == after_ms


@pytest.mark.parametrize(
    "seconds", [0, -1, -0.5, math.nan, math.inf, True, "30", None, LONGEST_WAIT_S + 1, 1j], ids=repr
)
def test_bad_seconds_are_refused(seconds: Any) -> None:
    with pytest.raises(InvalidResources, match="After takes seconds"):
        parse_variants([{"gpu": 1}, After(seconds, {"cpu": 1})])


@pytest.mark.parametrize(
    "cost",
    [
        [],
        (),
        [None],
        [{"cpu": 1}, 5],
        [{"cpu": 1}, [{"cpu": 2}]],
        [After(30, None)],  # type: ignore[arg-type]
        [After(30, After(30, {"cpu": 1}))],  # type: ignore[arg-type]
        After(30, {"cpu": 1}),
        5,
        "cpu",
        {("cpu", 1)},
        [{"cpu": 1}] * (MOST_VARIANTS + 1),
    ],
    ids=repr,
)
def test_what_is_neither_a_cost_nor_a_list_of_costs_is_refused(cost: Any) -> None:
    with pytest.raises(InvalidResources):
        parse_variants(cost)


def test_a_function_has_at_most_sixteen_costs() -> None:
    assert len(parse_variants([{"cpu": number + 1} for number in range(16)])) == 16


@pytest.mark.parametrize("cost", [{"gpu": 1.5}, {"slots": 1}, {"gpu": 1, "gpu_memory": 5}, {"cpu": -1}], ids=repr)
def test_each_of_several_costs_keeps_the_rules_of_a_cost(cost: Any) -> None:
    for entry in (cost, After(30, cost)):
        with pytest.raises(InvalidResources):
            parse_variants([{"cpu": 1}, entry])


@pytest.mark.parametrize(
    ("cost", "at_once"),
    [
        ({"cpu": 1}, [{"cpu": 10_000}]),
        ([{"gpu": 1}, After(30, {"cpu": 8}), {"cpu": 1}], [{"gpu": 10_000}, {"cpu": 10_000}]),
        ([After(30, {"cpu": 8}), After(1, {"cpu": 1})], [{"cpu": 80_000}]),
    ],
    ids=repr,
)
def test_what_waits_for_its_time_counts_only_where_nothing_else_does(cost: Any, at_once: Any) -> None:
    assert list(costs_at_once(parse_variants(cost))) == at_once
