"""What the environment of a child must say of its reservation."""

from __future__ import annotations

import pytest

from handoff.words.resources import parse_cost
from handoff_worker.children.confine import THREAD_VARIABLES, binding, device_environment


def threads(cpu_units: int, inherited: dict[str, str] | None = None) -> dict[str, str]:
    environment = device_environment({}, False, cpu_units, inherited=inherited or {})
    return {name: environment[name] for name in THREAD_VARIABLES}


@pytest.mark.parametrize(
    ("reserved", "visible"),
    [({"gpu": [1]}, "1"), ({"gpu": [3, 0]}, "0,3"), ({}, ""), ({"fpga": [1]}, ""), ({"gpu": []}, "")],
    ids=["one gpu", "two, ascending", "nothing", "another device", "an empty list"],
)
def test_on_a_node_with_gpus_a_child_sees_just_those_reserved(reserved: dict[str, list[int]], visible: str) -> None:
    environment = device_environment(reserved, True, 0, inherited={})

    assert environment["CUDA_VISIBLE_DEVICES"] == visible
    assert environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


@pytest.mark.parametrize(
    ("mask", "devices", "visible"),
    [
        ("2,3", [2], "2"),
        ("2, 3", [3, 2], "2,3"),
        ("2,3", [0, 3], "3"),
        ("2,-1,3", [3], ""),
        ("", [0], ""),
        ("NoDevFiles", [0], ""),
        ("GPU-c,GPU-a", [0], "GPU-c"),
        ("GPU-c,GPU-a", [1, 0], "GPU-c,GPU-a"),
        ("GPU-c,GPU-a", [2], ""),
        ("MIG-GPU-c/1/0,MIG-d", [1], "MIG-d"),
        ("3,GPU-a", [0, 1], "3,GPU-a"),
        ("3,GPU-a", [3], ""),
    ],
)
def test_a_child_never_sees_a_gpu_that_is_hidden_from_its_agent(mask: str, devices: list[int], visible: str) -> None:
    environment = device_environment({"gpu": devices}, True, 0, inherited={"CUDA_VISIBLE_DEVICES": mask})

    assert environment["CUDA_VISIBLE_DEVICES"] == visible


def test_a_node_without_gpus_leaves_cuda_alone() -> None:
    environment = device_environment({}, False, 0, inherited={"CUDA_VISIBLE_DEVICES": "0"})

    assert set(environment) == set(THREAD_VARIABLES)


@pytest.mark.parametrize(
    ("cost", "count"),
    [
        ({}, "1"),
        ({"memory": 100}, "1"),
        ({"cpu": 0.5}, "1"),
        ({"cpu": 1}, "1"),
        ({"cpu": 1.0001}, "2"),
        ({"cpu": 3.9999}, "4"),
        ({"cpu": 4}, "4"),
    ],
)
def test_thread_counts_are_the_cores_of_the_cost_rounded_up_and_at_least_1(cost: dict[str, float], count: str) -> None:
    assert threads(parse_cost(cost).get("cpu", 0)) == dict.fromkeys(THREAD_VARIABLES, count)


def test_a_thread_count_of_the_operators_own_stays() -> None:
    counts = threads(40_000, {"OMP_NUM_THREADS": "16", "PATH": "/bin"})

    assert counts == dict.fromkeys(THREAD_VARIABLES, "4") | {"OMP_NUM_THREADS": "16"}


def test_numexpr_is_not_asked_for_more_threads_than_it_takes() -> None:
    counts = threads(960_000)

    assert counts == dict.fromkeys(THREAD_VARIABLES, "96") | {"NUMEXPR_NUM_THREADS": "64"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"gpu": [0, 1]}, {"gpu": (1, 0)}),
        ({"gpu": [0], "fpga": [1]}, {"fpga": [1], "gpu": [0]}),
        ({"gpu": []}, {}),
    ],
    ids=["in any order", "resources in any order", "none and an empty list"],
)
def test_one_device_set_is_one_binding(one: dict[str, list[int]], other: dict[str, list[int]]) -> None:
    assert len({binding(one), binding(other)}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [({"gpu": [0]}, {"gpu": [1]}), ({"gpu": [0]}, {"gpu": [0, 1]}), ({"gpu": [0]}, {"fpga": [0]}), ({"gpu": [0]}, {})],
)
def test_different_device_sets_are_different_bindings(one: dict[str, list[int]], other: dict[str, list[int]]) -> None:
    assert len({binding(one), binding(other)}) == 2


@pytest.mark.parametrize(
    ("one", "other", "bindings"),
    [
        ({"cpu": 2}, {"cpu": 1}, 2),
        ({"cpu": 2}, {"cpu": 1.5}, 1),
        ({"cpu": 1}, {}, 1),
        ({"cpu": 0.5}, {"memory": 5}, 1),
    ],
)
def test_costs_of_as_many_threads_are_one_binding(
    one: dict[str, float], other: dict[str, float], bindings: int
) -> None:
    environments = [
        device_environment({}, False, parse_cost(cost).get("cpu", 0), inherited={}) for cost in (one, other)
    ]

    assert len({binding({}, environment) for environment in environments}) == bindings


def test_where_the_operator_has_said_how_many_threads_all_costs_are_one_binding() -> None:
    inherited = dict.fromkeys(THREAD_VARIABLES, "3")
    environments = [device_environment({}, False, units, inherited=inherited) for units in (0, 20_000, 80_000)]

    assert len({binding({}, environment) for environment in environments}) == 1
