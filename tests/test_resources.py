"""The rules for amounts: what a user may say, what is kept of it, and what is handed back."""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import InvalidResources
from handoff.words.capabilities import parse_capabilities, parse_shared
from handoff.words.resources import LARGEST, MOST_RESOURCES, UNIT, amount, amounts, parse_cost

np = pytest.importorskip("numpy")

BAD_AMOUNTS: list[object] = [
    True,
    False,
    np.True_,
    "1",
    "",
    b"1",
    None,
    1j,
    np.complex64(1),
    np.array(1.0),
    {},
    math.nan,
    math.inf,
    -math.inf,
    np.float32("nan"),
    np.float64("inf"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    -1,
    -0.00001,
    np.int8(-1),
    Decimal("-1e-9"),
    Fraction(-1, 3),
    LARGEST + 1,
    1e12,
    math.nextafter(1e11, math.inf),
    10**400,
    Decimal("1e400"),
    Decimal("100000000000.00001"),
    Fraction(10**12),
    np.uint64(2**63),
]

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


def shown(value: object) -> str:
    return repr(value)[:40]


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


class TestCapabilities:
    def test_gpus_by_number_have_the_first_indices(self) -> None:
        parsed = parse_capabilities({"gpu": 3, "cpu": 8})

        assert parsed.devices == {"gpu": (0, 1, 2)}
        assert parsed.units == {"gpu": 3 * UNIT, "cpu": 8 * UNIT}

    @pytest.mark.parametrize("indices", [[3, 0], (0, 3), [np.int64(0), np.int8(3)]], ids=repr)
    def test_a_list_makes_any_resource_one_of_devices(self, indices: Any) -> None:
        parsed = parse_capabilities({"gpu": indices, "fpga": indices})

        assert parsed.devices == {"gpu": (0, 3), "fpga": (0, 3)}
        assert parsed.units == {"gpu": 2 * UNIT, "fpga": 2 * UNIT}

    def test_a_number_of_another_resource_is_a_sum(self) -> None:
        parsed = parse_capabilities({"fpga": 1.5})

        assert parsed.devices == {}
        assert parsed.units == {"fpga": 15_000}

    def test_no_devices_are_absent(self) -> None:
        parsed = parse_capabilities({"gpu": [], "fpga": []})

        assert parsed.devices == {}
        assert parsed.units == {}

    @pytest.mark.parametrize("value", [0.5, 1.5, Fraction(5, 2), 4097], ids=shown)
    def test_a_node_has_a_whole_number_of_devices(self, value: Any) -> None:
        with pytest.raises(InvalidResources) as caught:
            parse_capabilities({"gpu": value})

        assert caught.value.resource == "gpu"

    @pytest.mark.parametrize(
        "indices", [[0, 0], [-1], [0.0], [True], ["0"], [None], [65536], list(range(4097)), [[0]]], ids=shown
    )
    def test_indices_are_distinct_small_whole_numbers(self, indices: Any) -> None:
        for name in ("gpu", "fpga"):
            with pytest.raises(InvalidResources) as caught:
                parse_capabilities({name: indices})

            assert caught.value.resource == name

    def test_slots_are_a_number(self) -> None:
        assert parse_capabilities({"slots": 4}).units == {"slots": 4 * UNIT}
        with pytest.raises(InvalidResources, match="slots"):
            parse_capabilities({"slots": [0, 1]})


class TestDeviceMemory:
    @pytest.mark.parametrize(
        ("memory", "units"),
        [
            (24000, (240_000_000, 240_000_000)),
            ([24000, 40000], (240_000_000, 400_000_000)),
            ((24000, np.float32(0.5)), (240_000_000, 5_000)),
            ({3: 40000, 0: 24000}, (240_000_000, 400_000_000)),
            ({np.int64(0): 1, np.int8(3): 2}, (10_000, 20_000)),
            (Fraction(1, 3), (3_333, 3_333)),
            ([0, 5], (0, 50_000)),
        ],
        ids=shown,
    )
    def test_it_is_kept_by_device_in_the_order_of_the_indices(self, memory: Any, units: tuple[int, int]) -> None:
        parsed = parse_capabilities({"gpu": [3, 0], "cpu": 2}, {"gpu": memory})

        assert parsed.devices == {"gpu": (0, 3)}
        assert parsed.memory == {"gpu": units}
        assert parsed.units == {"gpu": 2 * UNIT, "gpu_memory": sum(units), "cpu": 2 * UNIT}

    def test_what_belongs_to_no_single_device_is_told_apart(self) -> None:
        parsed = parse_capabilities({"gpu": 1, "fpga": [2], "cpu": 2, "fpga_memory": 5}, {"gpu": 24000})

        assert parsed.sums() == {"cpu": 2 * UNIT, "fpga_memory": 5 * UNIT}

    @pytest.mark.parametrize("memory", [None, {}, {"gpu": 0}, {"gpu": [0, 0]}], ids=repr)
    def test_no_memory_is_absent(self, memory: Any) -> None:
        parsed = parse_capabilities({"gpu": 2}, memory)

        assert parsed.memory == {}
        assert parsed.units == {"gpu": 2 * UNIT}

    def test_a_node_whose_devices_are_none_has_no_memory_of_them(self) -> None:
        parsed = parse_capabilities({"gpu": 0, "fpga": []}, {"gpu": 24000, "fpga": []})

        assert (parsed.units, parsed.devices, parsed.memory) == ({}, {}, {})

    @pytest.mark.parametrize(
        "memory",
        [[1], [1, 2, 3], [], {0: 1}, {0: 1, 1: 1}, {0: 1, 3: 1, 4: 1}, {"0": 1, "3": 1}, "24000", None, -1, [1, True]],
        ids=repr,
    )
    def test_it_must_cover_exactly_the_devices_with_amounts(self, memory: Any) -> None:
        with pytest.raises(InvalidResources) as caught:
            parse_capabilities({"gpu": [0, 3]}, {"gpu": memory})

        assert caught.value.resource == "gpu_memory"

    @pytest.mark.parametrize("capabilities", [{}, {"cpu": 2}, {"fpga": 2}], ids=repr)
    def test_what_does_not_consist_of_devices_has_none(self, capabilities: Any) -> None:
        for name in ("gpu", "fpga", "cpu"):
            with pytest.raises(InvalidResources, match=f"no devices called {name}"):
                parse_capabilities(capabilities, {name: 24000})

    @pytest.mark.parametrize("capability", [48000, 0, [0, 1]], ids=repr)
    def test_it_cannot_be_given_beside_the_sum_of_it(self, capability: Any) -> None:
        with pytest.raises(InvalidResources) as caught:
            parse_capabilities({"gpu": 2, "gpu_memory": capability}, {"gpu": 24000})

        assert (caught.value.resource, caught.value.value) == ("gpu_memory", capability)

    def test_without_device_memory_a_number_of_it_is_a_sum(self) -> None:
        parsed = parse_capabilities({"gpu": 2, "gpu_memory": 48000})

        assert parsed.memory == {}
        assert parsed.sums() == {"gpu_memory": 48000 * UNIT}

    @pytest.mark.parametrize("memory", [5, ["gpu"], "gpu", {"a b": 1}], ids=repr)
    def test_what_names_no_resources_is_refused(self, memory: Any) -> None:
        with pytest.raises(InvalidResources):
            parse_capabilities({"gpu": 1}, memory)

    def test_the_sum_of_it_keeps_the_limits_of_an_amount_and_its_name_those_of_a_name(self) -> None:
        assert parse_capabilities({"gpu": 2}, {"gpu": LARGEST / 2}).units["gpu_memory"] == LARGEST * UNIT
        with pytest.raises(InvalidResources, match="all devices together"):
            parse_capabilities({"gpu": 2}, {"gpu": LARGEST})
        with pytest.raises(InvalidResources, match="64 characters"):
            parse_capabilities({"a" * 58: [0]}, {"a" * 58: 1})

    def test_a_node_names_no_more_resources_with_it_than_without(self) -> None:
        many: dict[str, Any] = {f"r{number}": [0] for number in range(MOST_RESOURCES)}

        with pytest.raises(InvalidResources, match="at most 256 resources"):
            parse_capabilities(many, {"r0": 1})


class TestShared:
    def test_amounts_round_down_and_zeros_are_kept(self) -> None:
        assert parse_shared({"licenses": 5, "bandwidth": 0.12345, "tapes": 0}) == {
            "licenses": 5 * UNIT,
            "bandwidth": 1_234,
            "tapes": 0,
        }

    @pytest.mark.parametrize(
        ("name", "amount"),
        [("slots", 1), ("gpu", 1), ("gpu_memory", 1), ("tapes", [0, 1]), ("tapes", -1), ("tapes", True), ("a b", 1)],
        ids=repr,
    )
    def test_what_belongs_to_nodes_or_breaks_a_rule_is_not_shared(self, name: str, amount: Any) -> None:
        with pytest.raises(InvalidResources) as caught:
            parse_shared({"licenses": 5, name: amount})

        assert caught.value.resource == name
