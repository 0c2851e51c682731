"""How much of what a node offers is not there, for other programs use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from handoff.words.capabilities import parse_capabilities
from handoff.words.resources import UNIT
from handoff_worker.machine.external import External, Meter
from handoff_worker.machine.gpu_use import (
    FIRST_PID_NAMESPACE,
    PROCESSES_QUERY,
    DeviceUse,
    read_gpu_use,
    tells_processes_apart,
)
from handoff_worker.machine.memory_use import MB
from support.machines import fails

OURS, OTHERS = 17, 4711


class Host:
    """A host that has 16,000 MB, of which the node offers 8,000, and two gpus of 10,000."""

    def __init__(self, capabilities: Mapping[str, int] | None = None) -> None:
        self.used, self.ours = 0, 0
        self.gpus: dict[str, DeviceUse] | None = {name: DeviceUse(10_000, 0) for name in ("GPU-a", "GPU-b")}
        offered = parse_capabilities(capabilities or {"memory": 8000, "gpu": 2}, {"gpu": 10_000})
        self.meter = Meter(
            offered,
            {0: "GPU-a", 1: "GPU-b"},
            gpus=lambda: self.gpus,
            available=lambda: (16_000 - self.used) * MB,
            own=lambda: ([OURS], self.ours * MB),
        )

    def look(self) -> External:
        self.meter.look()
        return self.meter.latest

    def memory(self) -> float:
        return self.look().units["memory"] / UNIT

    def of_gpus(self) -> dict[int, float]:
        return {index: units / UNIT for index, units in self.look().memory["gpu"].items()}


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.mark.parametrize(
    ("used", "ours", "external"),
    [
        (8000, 0, 0),  # beside what is offered there is enough
        (8080, 0, 80),
        (12_000, 4000, 0),
        (12_000, 1000, 3040),
        (15_900, 0, 7920),
        (16_000, 0, 8000),
        (16_000, 9000, 0),
    ],
)
def test_what_is_not_there_is_what_others_use_of_what_is_offered(
    host: Host, used: int, ours: int, external: int
) -> None:
    host.used, host.ours = used, ours

    assert host.memory() == external


def test_a_little_more_or_less_is_no_change(host: Host) -> None:
    host.used = 11_000
    assert host.memory() == 3040

    for used in (11_060, 10_980):
        host.used = used
        assert host.memory() == 3040
    host.used = 11_200
    assert host.memory() == 3200


def test_what_functions_give_back_while_it_looks_is_nobody_elses(host: Host) -> None:
    available = iter((8000, 12_000))
    meter = Meter(
        parse_capabilities({"memory": 16_000}), {}, gpus=lambda: None,
        available=lambda: next(available) * MB, own=lambda: ([OURS], 4000 * MB),
    )  # fmt: skip

    meter.look()

    assert meter.latest.units == {"memory": 0}


def test_of_each_gpu_it_is_what_processes_use_that_are_not_ours(host: Host) -> None:
    host.gpus = {
        "GPU-a": DeviceUse(10_000, 7000, {OURS: 5000, OTHERS: 1500}),
        "GPU-b": DeviceUse(10_000, 3000, {OURS: 3000}),
    }

    assert host.of_gpus() == {0: 2000, 1: 0}


def test_what_the_driver_does_not_tell_stays_as_it_was(host: Host) -> None:
    host.gpus = {"GPU-a": DeviceUse(10_000, 4000), "GPU-b": DeviceUse(10_000, 4000)}
    host.look()

    host.gpus = {"GPU-a": DeviceUse(10_000, 9000, {OURS: None})}
    assert host.of_gpus() == {0: 4000, 1: 4000}
    host.gpus = None
    assert host.of_gpus() == {0: 4000, 1: 4000}


def test_it_is_told_in_whole_mb() -> None:
    host = Host({"memory": 12_345, "gpu": 1})
    host.used = 9001

    assert host.memory() == 5412  # 44 times 123: a hundredth of what is offered


def test_a_node_that_offers_no_memory_has_none_that_others_could_use() -> None:
    host = Host({"cpu": 2, "gpu": 1})

    assert host.look() == External({}, {"gpu": {0: 0}})


def driver(command: Sequence[str], timeout_s: float) -> str:
    if tuple(command) == PROCESSES_QUERY:
        return f"{OURS}, GPU-a, 500\n{OURS}, GPU-a, 20\n{OTHERS}, GPU-b, [N/A]\n9, GPU-gone, 3\nNo processes\n"
    return "GPU-a, 24576, 4000\nGPU-b, 24576, 1\nGPU-c, [N/A], [N/A]\nNo devices were found\n"


def test_the_driver_tells_who_uses_how_much() -> None:
    assert read_gpu_use(driver) == {
        "GPU-a": DeviceUse(24576, 4000, {OURS: 520}),
        "GPU-b": DeviceUse(24576, 1, {OTHERS: None}),
    }


def test_a_driver_that_does_not_answer_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    assert read_gpu_use(fails(OSError("it hangs"))) is None
    assert "it hangs" in caplog.text


@pytest.mark.parametrize(("space", "apart"), [(FIRST_PID_NAMESPACE, True), ("pid:[4026532001]", False), (None, False)])
def test_in_a_container_with_process_ids_of_its_own_nobody_can_tell_whose_they_are(
    tmp_path: Path, space: str | None, apart: bool
) -> None:
    if space is not None:
        (tmp_path / "proc/self/ns").mkdir(parents=True)
        (tmp_path / "proc/self/ns/pid").symlink_to(space)

    assert tells_processes_apart(tmp_path) == apart
