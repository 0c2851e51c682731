"""The rules for amounts and costs: what a user may say, what is kept of it, and what is handed back."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import InvalidResources
from handoff.words.capabilities import parse_capabilities
from handoff.words.resources import LARGEST, UNIT, amount, amounts, parse_cost, part_rounded_up
from support.amounts import BAD_AMOUNTS, shown

EXACT: list[tuple[object, int]] = [
    (1, 10_000),
    (0.1, 1_000),
    (0.07, 700),
    (1e-4, 1),
    (LARGEST, LARGEST * UNIT),
    (1e11, LARGEST * UNIT),
    (Decimal("0.1"), 1_000),
    (Decimal("1e3"), 10_000_000),
    (Decimal("99999999999.9999"), LARGEST * UNIT - 1),
    (Fraction(1, 8), 1_250),
    (np.int8(3), 30_000),
    (np.uint64(7), 70_000),
    (np.float64(0.1), 1_000),
    (np.float32(0.1), 1_000),
    (np.float16(0.1), 1_000),
]

ROUNDED: list[tuple[object, int, int]] = [
    (0.00001, 0, 1),
    (1e-300, 0, 1),
    (1 / 3, 3_333, 3_334),
    (Fraction(1, 3), 3_333, 3_334),
    (Fraction(1, 10**30), 0, 1),
    (Decimal("1e-100"), 0, 1),
    (Decimal("0.12345"), 1_234, 1_235),
    (Decimal("1." + "0" * 60 + "1"), 10_000, 10_001),
    (Decimal("99999999999.99999"), LARGEST * UNIT - 1, LARGEST * UNIT),
    (np.float32(0.12345), 1_234, 1_235),
]


class TestAmounts:
    @pytest.mark.parametrize(("value", "units"), EXACT, ids=shown)
    def test_what_is_a_multiple_of_a_ten_thousandth_is_kept_exactly(self, value: Any, units: int) -> None:
        assert parse_cost({"cpu": value}) == {"cpu": units}
        assert parse_capabilities({"cpu": value}).units == {"cpu": units}

    @pytest.mark.parametrize(("value", "down", "up"), ROUNDED, ids=shown)
    def test_a_cost_rounds_up_and_a_capability_down(self, value: Any, down: int, up: int) -> None:
        assert parse_cost({"cpu": value}).get("cpu", 0) == up
        assert parse_capabilities({"cpu": value}).units.get("cpu", 0) == down

    @pytest.mark.parametrize("value", BAD_AMOUNTS, ids=shown)
    def test_a_bad_amount_is_refused_with_resource_value_and_rule(self, value: Any) -> None:
        for parse in (parse_cost, parse_capabilities):
            with pytest.raises(InvalidResources) as caught:
                parse({"memory": value})

            assert caught.value.resource == "memory"
            assert caught.value.value is value
            assert caught.value.rule in str(caught.value)

    @pytest.mark.parametrize("zero", [0, 0.0, -0.0, Decimal("-0"), Fraction(0), np.float32(0)], ids=shown)
    def test_zero_is_absent(self, zero: Any) -> None:
        assert parse_cost({"cpu": zero, "gpu": zero, "memory": 1}) == {"memory": UNIT}
        assert parse_capabilities({"cpu": zero, "gpu": zero, "memory": 1}).units == {"memory": UNIT}

    @given(st.decimals(min_value=0, max_value=LARGEST, places=4))
    def test_an_amount_with_four_places_comes_back_as_it_was(self, value: Decimal) -> None:
        units = parse_cost({"cpu": value}).get("cpu", 0)

        assert units == parse_capabilities({"cpu": value}).units.get("cpu", 0)
        assert Decimal(units) / UNIT == value

    @given(st.integers(0, LARGEST * UNIT))
    def test_what_is_handed_back_may_be_handed_in_again(self, units: int) -> None:
        assert parse_cost({"cpu": amount(units)}).get("cpu", 0) == units

    @given(st.fractions(min_value=0, max_value=LARGEST) | st.floats(min_value=0, max_value=1e11))
    def test_rounding_moves_less_than_one_ten_thousandth(self, value: Fraction | float) -> None:
        exact = (Fraction(repr(value)) if isinstance(value, float) else value) * UNIT

        assert 0 <= parse_cost({"cpu": value}).get("cpu", 0) - exact < 1
        assert 0 <= exact - parse_capabilities({"cpu": value}).units.get("cpu", 0) < 1

    def test_a_thousand_tenths_are_a_hundred(self) -> None:
        assert sum(parse_cost({"cpu": 0.1})["cpu"] for _ in range(1000)) == parse_cost({"cpu": 100})["cpu"]

    def test_the_decimal_context_of_the_caller_does_not_matter(self) -> None:
        with localcontext(Context(prec=3)):
            assert parse_cost({"cpu": 123456.5, "memory": 16000}) == {"cpu": 1_234_565_000, "memory": 160_000_000}

    def test_a_number_too_long_to_print_is_refused_with_a_text(self) -> None:
        with pytest.raises(InvalidResources) as caught:
            parse_cost({"cpu": 10**5000})

        assert "at most 10**11" in str(caught.value)

    def test_whole_amounts_come_back_as_int_and_others_as_float(self) -> None:
        back = amounts({"cpu": 2 * UNIT, "memory": 15_000, "gpu": 1})

        assert back == {"cpu": 2, "memory": 1.5, "gpu": 0.0001}
        assert [type(value) for value in back.values()] == [int, float, float]


class TestNames:
    @pytest.mark.parametrize("name", ["cpu", "_", "A.b-c_9", "a" * 64])
    def test_a_resource_may_be_called(self, name: str) -> None:
        assert parse_cost({name: 1}) == {name: UNIT}
        assert parse_capabilities({name: 1}).units == {name: UNIT}

    @pytest.mark.parametrize(
        "name", ["", "9a", "-a", ".a", "a b", "a/b", "a:b", "a\n", "é", "a" * 65, None, 5], ids=repr
    )
    def test_a_resource_may_not_be_called(self, name: Any) -> None:
        for parse in (parse_cost, parse_capabilities):
            with pytest.raises(InvalidResources) as caught:
                parse({name: 0})

            assert caught.value.resource == name

    @pytest.mark.parametrize("value", [5, "cpu", [("cpu", 1)], {"cpu"}], ids=repr)
    def test_what_is_no_mapping_is_refused(self, value: Any) -> None:
        for parse in (parse_cost, parse_capabilities):
            with pytest.raises(InvalidResources, match="mapping"):
                parse(value)


class TestCosts:
    def test_no_cost_is_empty(self) -> None:
        assert parse_cost(None) == {}
        assert parse_cost({}) == {}

    @pytest.mark.parametrize("value", [0, 1, 2.5])
    def test_slots_cannot_be_asked_for(self, value: float) -> None:
        with pytest.raises(InvalidResources, match="slots"):
            parse_cost({"slots": value})

    @pytest.mark.parametrize(
        ("value", "units"),
        [(1, 10_000), (3.0, 30_000), (0.5, 5_000), (0.0001, 1), (Fraction(1, 3), 3_334), (np.int64(2), 20_000)],
        ids=shown,
    )
    def test_whole_devices_or_a_share_of_one_may_be_asked_for(self, value: Any, units: int) -> None:
        assert parse_cost({"gpu": value}) == {"gpu": units}

    @pytest.mark.parametrize("value", [1.5, 2.0001, Decimal("1.00001"), Fraction(7, 2)], ids=shown)
    def test_more_than_one_device_must_be_a_whole_number(self, value: Any) -> None:
        with pytest.raises(InvalidResources, match="whole number"):
            parse_cost({"gpu": value})

    @pytest.mark.parametrize(("device", "units"), [("gpu", 0.5), ("gpu", 2), ("fpga", 1)])
    def test_a_device_and_memory_of_one_cannot_be_asked_for_together(self, device: str, units: float) -> None:
        with pytest.raises(InvalidResources) as caught:
            parse_cost({device: units, f"{device}_memory": 6000, "cpu": 1})

        assert (caught.value.resource, caught.value.value) == (f"{device}_memory", 6000)
        assert f"ask for {device} or for {device}_memory" in str(caught.value)

    def test_memory_of_one_device_may_be_asked_for_in_any_amount(self) -> None:
        assert parse_cost({"gpu_memory": 6000.5, "gpu": 0}) == {"gpu_memory": 60_005_000}

    def test_indices_cannot_be_asked_for(self) -> None:
        with pytest.raises(InvalidResources):
            parse_cost({"gpu": [0]})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (3334, (3, 3333)), (1429, (7, 1428)), (1667, (6, 1666)), (3333, None), (5000, None), (6667, None), (3335, None),
        (10_000, None), (33_340, None), (0, None), (7, None),
    ],
)  # fmt: skip
def test_a_part_of_1_that_was_rounded_up_is_known_with_the_one_that_fits(
    asked: int, found: tuple[int, int] | None
) -> None:
    assert part_rounded_up(asked) == found
