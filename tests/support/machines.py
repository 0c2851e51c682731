"""Machines to be probed: files of control groups, and answers of the driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from handoff_worker.machine.gpus import Runner
from handoff_worker.machine.probe import MB, MachineCapabilities, Physical

BIG = Physical(cores=64, memory_bytes=256_000 * MB)
TWO_GPUS = "0, GPU-aaaa-1, 24576, NVIDIA A10\n1, GPU-bbbb-2, 24576, NVIDIA A10\n"

NO_V1_LIMIT = "9223372036854771712"

Probed = Callable[[Mapping[str, str]], MachineCapabilities]


def no_driver(command: Sequence[str], timeout_s: float) -> str:
    raise FileNotFoundError(command[0])


def answers(text: str) -> Runner:
    return lambda command, timeout_s: text


def fails(error: Exception) -> Runner:
    def run(command: Sequence[str], timeout_s: float) -> str:
        raise error

    return run


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root
