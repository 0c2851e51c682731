"""Devices, their memory and slots are counted one by one: small tables of nodes, functions and places."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import InvalidResources
from handoff.words.function import Function
from support.placing import Nodes, allocate, function, with_


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"gpu": 1.5}},
            [function("f", gpu=1), function("g", gpu=1), function("h", gpu=0.6), function("i", gpu=0.5)],
            ["a", None, None, "a"],
            id="1.5 is one idle device and half of another",
        ),
        pytest.param(
            {"a": {"gpu": {3: 0.75, 5: 0.75}}},
            [function("f", gpu=1), function("g", gpu=0.75), function("h", gpu=0.5), function("i", gpu=0.5)],
            [None, "a", "a", None],
            id="shares of two devices do not add up",
        ),
        pytest.param(
            {"a": {"gpu": 2}},
            [function("f", gpu=0.5), function("g", gpu=0.5), function("h", gpu=1)],
            ["a", "a", "a"],
            id="a second share goes to the device that has one already",
        ),
        pytest.param(
            {"a": {"gpu": {0: 1, 1: 0.6, 2: 0.5}}},
            [function("f", gpu=0.5), function("g", gpu=0.6), function("h", gpu=1)],
            ["a", "a", "a"],
            id="a share takes the fullest device that still has room",
        ),
        pytest.param(
            {"a": {"fpga": {0: 0.5, 1: 0.5}}, "b": {"fpga": 1}},
            [function("f", fpga=1), function("g", fpga=0.5)],
            ["b", "a"],
            id="a mapping makes any resource one of devices, a number a sum",
        ),
        pytest.param(
            {"a": {"fpga": [2, 4]}, "b": {"fpga": 2}},
            [function("f", fpga=1.5), function("g", fpga=2)],
            ["b", "a"],
            id="one and a half never fits devices",
        ),
        pytest.param({"a": {"gpu": 0}, "b": {"gpu": {}}}, [function("f", gpu=0.1)], [None], id="no devices"),
        pytest.param(
            {"a": {"gpu": {0: 0, 1: 0.2}}},
            [function("f", gpu=0.1), function("g", gpu=0.2)],
            ["a", None],
            id="a full one",
        ),
    ],
)
def test_devices_are_counted_one_by_one(free: Nodes, functions: list[Function], placed: list[str | None]) -> None:
    assert list(allocate(functions, free).values()) == placed


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"cpu": 9, "slots": 2}, "b": {"cpu": 9}},
            [function("f", cpu=1), function("g", cpu=1), function("h", cpu=1)],
            ["a", "a", "b"],
            id="every function takes one",
        ),
        pytest.param({"a": {"cpu": 9, "slots": 0}}, [function("f", cpu=1)], [None], id="none left"),
        pytest.param(
            {"a": {"slots": 1}}, [function("f"), function("g")], ["a", None], id="a function without a cost too"
        ),
        pytest.param(
            {"a": {"slots": 1}, "b": {"slots": 2}},
            [function("f"), function("g", with_("f"))],
            ["b", "b"],
            id="each member of a group takes its own",
        ),
    ],
)
def test_slots_are_counted_where_they_are_given(
    free: Nodes, functions: list[Function], placed: list[str | None]
) -> None:
    assert list(allocate(functions, free).values()) == placed


@pytest.mark.parametrize(
    ("free", "functions", "placed"),
    [
        pytest.param(
            {"a": {"gpu": 2, "gpu_memory": {0: 100, 1: 200}}},
            [function("f", gpu_memory=150), function("g", gpu_memory=100), function("h", gpu_memory=60)],
            ["a", "a", None],
            id="memory is of one device",
        ),
        pytest.param(
            {"a": {"gpu": 2, "gpu_memory": {0: 200, 1: 100}}},
            [function("f", gpu_memory=100), function("g", gpu_memory=200)],
            ["a", "a"],
            id="memory takes the fullest device that still has room",
        ),
        pytest.param(
            {"a": {"gpu": 1, "gpu_memory": {0: 100}}, "b": {"gpu": 1}},
            [function("f", gpu_memory=1), function("g", gpu=1), function("h", gpu=0.1)],
            ["a", "b", None],
            id="a device of which memory is taken serves nothing else",
        ),
        pytest.param(
            {"a": {"gpu": 1, "gpu_memory": {0: 100}}},
            [function("f", gpu=0.1), function("g", gpu_memory=1), function("h", gpu=0.9)],
            ["a", None, "a"],
            id="a shared device has no memory to give",
        ),
        pytest.param(
            {"a": {"gpu": {0: 1, 1: 1}, "gpu_memory": {0: (60, 100), 1: (100, 100)}}},
            [function("f", gpu=1), function("g", gpu=1), function("h", gpu_memory=60)],
            ["a", None, "a"],
            id="memory that is free in part makes its device busy",
        ),
        pytest.param(
            {"a": {"gpu": {0: 0.5}, "gpu_memory": {0: 100}}},
            [function("f", gpu_memory=1)],
            [None],
            id="memory of a device that is not idle is of no use",
        ),
        pytest.param(
            {"a": {"gpu": 2, "gpu_memory": 200}},
            [function("f", gpu_memory=150), function("g", gpu=2)],
            ["a", "a"],
            id="a number of memory is a sum",
        ),
        pytest.param(
            {"a": {"x_memory": {0: 1, 1: 0.5}}},
            [function("f", x_memory=0.5), function("g", x_memory=1)],
            ["a", "a"],
            id="without its devices it is called like memory and is devices",
        ),
    ],
)
def test_memory_is_counted_by_device(free: Nodes, functions: list[Function], placed: list[str | None]) -> None:
    assert list(allocate(functions, free).values()) == placed


@pytest.mark.parametrize("memory", [{0: -1}, {0: "1"}, {0: (2, 1)}, {0: (1,)}, {0: (1, 2, 3)}, {0: [1, 2]}], ids=repr)
def test_bad_free_memory_is_refused_by_its_name(memory: Any) -> None:
    with pytest.raises(InvalidResources) as caught:
        allocate([function("f")], {"a": {"gpu": 1, "gpu_memory": memory}})

    assert caught.value.resource == "gpu_memory"
