"""The text forms that Python and Lua share are the agreed ones, and are read as they were written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.ledger.texts.shape import (
    capability_texts,
    cost_text,
    demand_text,
    parse_cost_text,
    parse_demand,
    parse_devices,
    shape_text,
)
from handoff.words.capabilities import parse_capabilities
from handoff.words.constraints import Not, parse_where
from handoff.words.resources import SLOTS, UNIT, UNLIMITED
from handoff.words.variants import After, Variant, parse_variants

COSTS = st.dictionaries(st.sampled_from(["cpu", "gpu", "gpu_memory", "a.b-c", "_"]), st.integers(1, UNLIMITED))
CONSTRAINTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, {"zone": "eu:1/a"}, {"gpu_model": ["A100 (80GB)", "H100"], "tier": Not("spot")}]
)
PINS = st.sampled_from([None, "a", "12@34.5-x"])


@pytest.mark.parametrize(
    ("cost", "where", "pin", "text"),
    [
        (None, None, None, "slots=10000"),
        ({"gpu": 0.5, "cpu": 2}, None, None, "cpu=20000,gpu=5000,slots=10000"),
        ({"cpu": 2}, {"tier": Not("spot")}, "a", "cpu=20000,slots=10000@node=a;tier!=spot"),
        ([{"gpu": 1}, After(30, {"cpu": 8})], None, None, "gpu=10000,slots=10000&30000:cpu=80000,slots=10000"),
        (
            [After(0.5, {"gpu_memory": 6000}), {}],
            {"zone": ["b", "a"]},
            None,
            "500:gpu_memory=60000000,slots=10000@zone=a|b&slots=10000@zone=a|b",
        ),
    ],
    ids=repr,
)
def test_a_demand_is_written(cost: Any, where: Any, pin: str | None, text: str) -> None:
    assert demand_text(parse_variants(cost), parse_where(where, pin)) == text


@given(st.lists(st.builds(Variant, st.integers(0, 10**12), COSTS), min_size=1, max_size=4), CONSTRAINTS, PINS)
def test_a_demand_is_read_as_it_was_written(variants: list[Variant], where: Any, pin: str | None) -> None:
    found = parse_demand(demand_text(variants, parse_where(where, pin)))

    assert [(after_ms, cost) for after_ms, cost, _ in found] == [
        (variant.after_ms, {**variant.cost, SLOTS: UNIT}) for variant in variants
    ]
    assert [shape_text(variant.cost, found[0][2]) for variant in variants] == [
        demand_text([Variant(0, variant.cost)], parse_where(where, pin)) for variant in variants
    ]


@given(COSTS)
def test_a_cost_is_read_as_it_was_written(cost: dict[str, int]) -> None:
    assert parse_cost_text(cost_text(cost)) == cost


@pytest.mark.parametrize(
    ("capabilities", "memory", "units", "devices"),
    [
        ({"slots": 3}, None, "slots=30000", ""),
        ({"cpu": 2}, None, f"cpu=20000,slots={UNLIMITED}", ""),
        ({"gpu": 2, "fpga": [3], "slots": 1}, None, "fpga=10000,gpu=20000,slots=10000", "fpga:3;gpu:0,1"),
        (
            {"gpu": [1, 0], "fpga": [3], "slots": 1},
            {"gpu": [24000, 40000]},
            "fpga=10000,gpu=20000,gpu_memory=640000000,slots=10000",
            "fpga:3;gpu:0/240000000,1/400000000",
        ),
    ],
    ids=repr,
)
def test_what_a_node_has_is_written(capabilities: Any, memory: Any, units: str, devices: str) -> None:
    assert capability_texts(parse_capabilities(capabilities, memory)) == (units, devices)


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("", {}),
        ("gpu:0=10000,1=10000;fpga:3=2500", {"gpu": [0, 1], "fpga": [3]}),
        ("gpu:10=10000,9=10000", {"gpu": [9, 10]}),
        ("gpu:2=60000000m", {"gpu": [2]}),
        ("gpu:2=60000000m;fpga:0=10000", {"gpu": [2], "fpga": [0]}),
    ],
)
def test_devices_are_read(text: str, devices: dict[str, list[int]]) -> None:
    assert parse_devices(text) == devices
