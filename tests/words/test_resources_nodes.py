"""The rules for what a node has, and for what all nodes share."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from handoff.errors import InvalidResources
from handoff.words.capabilities import parse_capabilities, parse_shared
from handoff.words.resources import UNIT
from support.amounts import shown


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
