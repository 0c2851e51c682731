"""What a node offers, from what its operator says and what the machine has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import InvalidNode, InvalidResources
from handoff.words.constraints import parse_labels
from handoff.words.resources import UNIT, amounts
from handoff_worker.machine.gpus import Gpu
from handoff_worker.machine.offer import Offer, leaves_nothing_open, make_offer
from handoff_worker.machine.probe import MachineCapabilities
from handoff_worker.machine.settings import NodeSettings


def machine(*gpus: Gpu) -> MachineCapabilities:
    return MachineCapabilities(cpu=6.5, memory_mb=16_000, gpus=gpus)


def a10(index: int) -> Gpu:
    return Gpu(index, f"GPU-{index}", 24_000, "NVIDIA A10")


def t4(index: int) -> Gpu:
    return Gpu(index, f"GPU-{index}", 15_000, "Tesla T4")


def offer(found: MachineCapabilities | None, **said: Any) -> Offer:
    return make_offer("n", NodeSettings(**said), found)


def memory_mb(made: Offer) -> dict[str, list[int | float]]:
    """Of every device whose memory is offered, in the order of its resource's indices."""
    return {name: [size / UNIT for size in sizes] for name, sizes in made.capabilities.memory.items()}


# Amounts.


def test_what_is_not_said_is_what_the_machine_has() -> None:
    made = offer(machine(), memory=8000)

    assert amounts(made.capabilities.units) == {"cpu": 6.5, "memory": 8000, "slots": 26}


def test_without_a_look_at_the_machine_there_is_only_what_is_said() -> None:
    made = offer(None, cpu=1, resources={"fpga": (0, 3)}, device_memory={"fpga": 64}, labels={"zone": "a"})

    assert amounts(made.capabilities.units) == {"cpu": 1, "fpga": 2, "fpga_memory": 128, "slots": 24}
    assert made.labels == {"zone": "a"}


@pytest.mark.parametrize(
    ("gpu", "indices"),
    [
        (None, (1, 3)),
        (1, (1,)),
        (Decimal(2), (1, 3)),
        (0, ()),
        (3, (0, 1, 2)),
        ((0, 3), (0, 3)),
        ((), ()),
    ],
    ids=["all", "the first", "both", "none", "more than there are", "by index", "none by index"],
)
def test_a_number_of_gpus_means_the_first_that_this_agent_may_use(
    gpu: int | Decimal | tuple[int, ...] | None, indices: tuple[int, ...]
) -> None:
    made = offer(machine(a10(1), a10(3)), gpu=gpu)

    assert made.capabilities.devices.get("gpu", ()) == indices


@pytest.mark.parametrize("gpu", [Decimal("1.5"), -1, Decimal(-1)])
def test_no_part_of_a_gpu_and_no_less_than_none_can_be_offered(gpu: int | Decimal) -> None:
    with pytest.raises(InvalidResources, match="'gpu'"):
        offer(machine(a10(0), a10(1)), gpu=gpu)


# The memory of devices.


@pytest.mark.parametrize(
    ("said", "memory"),
    [
        ({}, {"gpu": [15_000, 24_000]}),
        ({"gpu": 1}, {"gpu": [15_000]}),
        ({"gpu": (3,)}, {"gpu": [24_000]}),
        ({"gpu": (3, 1)}, {"gpu": [15_000, 24_000]}),
        ({"gpu": (0, 1)}, {}),
        ({"gpu": 3}, {}),
        ({"gpu": 0}, {}),
        ({"device_memory": {"gpu": 9000}}, {"gpu": [9000, 9000]}),
        ({"device_memory": {"gpu": (9000, 8000)}}, {"gpu": [9000, 8000]}),
        ({"gpu": (0, 1), "device_memory": {"gpu": 9000}}, {"gpu": [9000, 9000]}),
        ({"device_memory": {"gpu": 0}}, {}),
        ({"resources": {"gpu_memory": 30_000}}, {}),
        ({"resources": {"fpga": (0,)}, "device_memory": {"fpga": 64}}, {"gpu": [15_000, 24_000], "fpga": [64]}),
    ],
    ids=str,
)
def test_the_memory_of_gpus_is_what_is_said_else_what_the_driver_says_of_all_that_are_offered(
    said: dict[str, Any], memory: dict[str, list[int]]
) -> None:
    made = offer(machine(t4(1), a10(3)), **said)

    assert memory_mb(made) == memory


def test_gpus_one_of_which_has_no_memory_of_its_own_are_offered_without() -> None:
    made = offer(machine(a10(0), Gpu(1, "GPU-1", None, "NVIDIA A10")))

    assert made.capabilities.devices == {"gpu": (0, 1)}
    assert memory_mb(made) == {}


@pytest.mark.parametrize(
    ("memory", "rule"),
    [
        ({"gpu": (9000,)}, "one amount for each"),
        ({"fpga": 64}, "no devices called fpga"),
        ({"cpu": 64}, "no devices called cpu"),
    ],
)
def test_memory_that_belongs_to_no_device_is_refused(memory: dict[str, Any], rule: str) -> None:
    with pytest.raises(InvalidResources, match=rule):
        offer(machine(a10(0), a10(1)), device_memory=memory)


# Labels.


@pytest.mark.parametrize(
    ("gpus", "said", "labels"),
    [
        ([a10(0), a10(1)], {}, {"gpu_model": "NVIDIA A10"}),
        ([a10(0), t4(1)], {}, {}),
        ([a10(0), t4(1)], {"gpu": (1,)}, {"gpu_model": "Tesla T4"}),
        ([a10(0)], {"gpu": (0, 1)}, {}),
        ([a10(0)], {"gpu": 0}, {}),
        ([], {}, {}),
        ([a10(0)], {"labels": {"gpu_model": "A10", "zone": "a"}}, {"gpu_model": "A10", "zone": "a"}),
        ([Gpu(0, "GPU-0", 1, "NVIDIA  GeForce RTX™ 4090;")], {}, {"gpu_model": "NVIDIA GeForce RTX 4090"}),
        ([Gpu(0, "GPU-0", 1, f"{'x' * 62} y")], {}, {"gpu_model": "x" * 62}),
        ([Gpu(0, "GPU-0", 1, "™")], {}, {}),
    ],
    ids=[
        "alike", "unlike", "one of them", "one unknown", "not offered", "none", "said otherwise", "cleaned", "cut",
        "no name",
    ],
)  # fmt: skip
def test_the_model_of_gpus_that_are_all_alike_is_a_label(
    gpus: list[Gpu], said: dict[str, Any], labels: dict[str, str]
) -> None:
    assert offer(machine(*gpus), **said).labels == labels


@given(st.text())
def test_whatever_a_driver_calls_a_gpu_its_label_is_one(model: str) -> None:
    labels = dict(offer(machine(Gpu(0, "GPU-0", 1, model))).labels)

    assert parse_labels("n", labels) == labels


@pytest.mark.parametrize("labels", [{"zone": ""}, {"a b": "c"}, {"node": "m"}, {"zone": "a;b"}])
def test_a_bad_label_is_refused(labels: dict[str, str]) -> None:
    with pytest.raises(InvalidNode):
        offer(None, labels=labels)


# Slots.


@pytest.mark.parametrize(
    ("said", "slots"),
    [({"cpu": 1}, 24), ({"cpu": 7.5}, 30), ({}, 26), ({"slots": 3}, 3), ({"resources": {"slots": 3}}, 3)],
    ids=str,
)
def test_a_node_that_names_no_slots_has_24_or_4_per_core(said: dict[str, Any], slots: int) -> None:
    assert offer(machine(), **said).capabilities.units["slots"] == slots * UNIT


@pytest.mark.parametrize("slots", [0, Decimal("1.5")])
def test_slots_that_are_no_whole_number_are_refused(slots: int | Decimal) -> None:
    with pytest.raises(ValueError, match="--slots is a whole number of at least 1"):
        offer(None, slots=slots)


# Whether to look.


@pytest.mark.parametrize(
    ("said", "settled"),
    [
        ({"cpu": 1, "memory": 1, "gpu": 0}, True),
        ({"cpu": 1, "memory": 1, "gpu": ()}, True),
        ({"cpu": 1, "memory": 1, "gpu": 1}, False),
        ({"cpu": 1, "gpu": 0}, False),
        ({}, False),
    ],
    ids=str,
)
def test_the_machine_is_looked_at_where_anything_is_left_open(said: dict[str, Any], settled: bool) -> None:
    assert leaves_nothing_open(NodeSettings(**said)) is settled
