"""Which gpus a node offers where some of its host's are hidden from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from handoff_worker.machine.gpus import Gpu
from handoff_worker.machine.mask import Mask
from handoff_worker.machine.offer import make_offer
from handoff_worker.machine.probe import MachineCapabilities
from handoff_worker.machine.settings import NodeSettings


def mask(text: str) -> Mask | None:
    return Mask.read({"CUDA_VISIBLE_DEVICES": text})


def offered(gpu: Any, text: str, *found: int, probe: bool = False) -> tuple[int, ...]:
    """The indices on offer where the mask is `text`; a probe has found these gpus behind it."""
    gpus = tuple(Gpu(index, f"GPU-{index}", 24_000, "NVIDIA A10") for index in found)
    machine = MachineCapabilities(cpu=2, memory_mb=1000, gpus=gpus) if probe else None
    return make_offer("n", NodeSettings(gpu=gpu), machine, mask(text)).capabilities.devices.get("gpu", ())


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", {}),
        ("-1", {}),
        ("2,3", {2: "2", 3: "3"}),
        (" 3 , 2 ", {3: "3", 2: "2"}),
        ("03", {3: "3"}),
        ("2,2", {2: "2"}),
        ("2,-1,3", {2: "2"}),
        ("2,,3", {2: "2"}),
        ("2,x,3", {2: "2"}),
        ("65535,65536", {65535: "65535"}),
        ("1" * 5000, {}),
        ("\u0663", {}),
        ("GPU-", {}),
        ("gpu-a", {}),
        ("GPU-b,GPU-a,GPU-b", {0: "GPU-b", 1: "GPU-a"}),
        ("MIG-GPU-a/1/0,MIG-b", {0: "MIG-GPU-a/1/0", 1: "MIG-b"}),
        ("5,GPU-a,-1,GPU-b", {0: "5", 1: "GPU-a"}),
    ],
)
def test_a_mask_ends_at_the_first_entry_that_is_none_and_names_count_from_0(text: str, entries: dict[int, str]) -> None:
    found = mask(text)

    assert found is not None
    assert list(found.entries.items()) == list(entries.items())


def test_where_nothing_is_hidden_there_is_no_mask() -> None:
    assert Mask.read({}) is None


@pytest.mark.parametrize(
    ("gpu", "text", "indices"),
    [
        (1, "2,3", (2,)),
        (1, "3,2", (3,)),
        (2, "3,2", (2, 3)),
        (Decimal(2), "2,3", (2, 3)),
        (0, "2,3", ()),
        (0, "", ()),
        ((), "", ()),
        ((3,), "2,3", (3,)),
        (1, "GPU-c,GPU-a", (0,)),
        ((1,), "GPU-c,GPU-a", (1,)),
        (2, "MIG-c,MIG-d", (0, 1)),
        (None, "2,3", ()),
    ],
)
def test_without_a_probe_a_number_means_the_first_entries_of_the_mask_and_a_list_some_of_them(
    gpu: Any, text: str, indices: tuple[int, ...]
) -> None:
    assert offered(gpu, text) == indices


@pytest.mark.parametrize(
    ("gpu", "text", "found", "indices"),
    [
        (None, "3,2", (3, 2), (2, 3)),
        (1, "3,2", (3, 2), (3,)),
        ((2,), "3,2", (3, 2), (2,)),
        (1, "2,3", (), (2,)),
        (1, "GPU-c,GPU-a", (0, 1), (0,)),
    ],
    ids=["all", "the first", "by index", "no driver answers", "names"],
)
def test_with_a_probe_it_is_the_same(gpu: Any, text: str, found: tuple[int, ...], indices: tuple[int, ...]) -> None:
    assert offered(gpu, text, *found, probe=True) == indices


@pytest.mark.parametrize("probe", [False, True])
@pytest.mark.parametrize(
    ("gpu", "text", "said"),
    [
        (3, "2,3", r"^3 gpus are to be offered, and CUDA_VISIBLE_DEVICES is '2,3', which leaves gpus \[2, 3\]: give "),
        ((0, 2), "2,3", r"^gpus \[0, 2\] are to be offered, and CUDA_VISIBLE_DEVICES is '2,3', which leaves gpus "),
        (1, "", "which leaves no gpu: "),
        ((0,), "-1", "which leaves no gpu: "),
        ((2,), "GPU-c,GPU-a", r"gpus \[0, 1\]: "),
        (2, "2,-1,3", r"gpus \[2\]: "),
    ],
)
def test_more_gpus_than_the_mask_leaves_and_others_are_refused(gpu: Any, text: str, said: str, probe: bool) -> None:
    with pytest.raises(ValueError, match=said):
        offered(gpu, text, probe=probe)


def test_what_the_driver_does_not_know_of_a_mask_is_not_offered() -> None:
    with pytest.raises(ValueError, match=r"which leaves gpus \[0\]: "):
        offered(2, "0,7", 0, probe=True)
