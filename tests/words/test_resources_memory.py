"""The rules for memory of single devices."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from handoff.errors import InvalidResources
from handoff.words.capabilities import parse_capabilities
from handoff.words.resources import LARGEST, MOST_RESOURCES, UNIT
from support.amounts import shown


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
