"""How much memory of NVIDIA devices is in use, and by which processes, as the driver's own tool tells it."""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handoff_worker.machine.gpus import NVIDIA_TIMEOUT_S, Runner

logger = logging.getLogger(__name__)

DEVICES_QUERY = ("nvidia-smi", "--query-gpu=uuid,memory.total,memory.used", "--format=csv,noheader,nounits")
PROCESSES_QUERY = ("nvidia-smi", "--query-compute-apps=pid,gpu_uuid,used_gpu_memory", "--format=csv,noheader,nounits")

FIRST_PID_NAMESPACE = "pid:[4026531836]"
"""Linux gives the first of all this number, whatever the machine."""

_MB = re.compile(r"[0-9]{1,9}")


@dataclass(slots=True)
class DeviceUse:
    """One device."""

    total_mb: int
    used_mb: int
    by_process: dict[int, int | None] = field(default_factory=dict)  #: process id -> MB; None where it is not told

    def used_by(self, pids: Collection[int]) -> int | None:
        """What these use; None where that is not told of all of them."""
        sizes = [mb for pid, mb in self.by_process.items() if pid in pids]
        return None if None in sizes else sum(mb for mb in sizes if mb is not None)


def read_gpu_use(run: Runner) -> dict[str, DeviceUse] | None:
    """Ask the driver: by the UUID of each device. None where it does not answer."""
    try:
        devices, processes = (run(query, NVIDIA_TIMEOUT_S) for query in (DEVICES_QUERY, PROCESSES_QUERY))
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("the NVIDIA driver does not tell who uses memory of gpus (%s)", error)
        return None
    found: dict[str, DeviceUse] = {}
    for uuid, total, used in _rows(devices):
        if _MB.fullmatch(total) and _MB.fullmatch(used):
            found[uuid] = DeviceUse(int(total), int(used))
    for pid, uuid, used in _rows(processes):
        if uuid in found and pid.isdecimal():
            _add(found[uuid].by_process, int(pid), int(used) if _MB.fullmatch(used) else None)
    return found


def _add(by_process: dict[int, int | None], pid: int, mb: int | None) -> None:
    """A process may be listed twice."""
    before = by_process.get(pid, 0)
    by_process[pid] = None if mb is None or before is None else before + mb


def _rows(answer: str) -> list[Sequence[str]]:
    """Lines with three fields; what else it says is no device and no process."""
    rows = [[field.strip() for field in line.split(",")] for line in answer.splitlines()]
    return [row for row in rows if len(row) == 3]


def tells_processes_apart(root: Path = Path("/")) -> bool:
    """Whether the driver names processes as this one knows them: not so in a container with process ids of its own."""
    try:
        return os.readlink(root / "proc/self/ns/pid") == FIRST_PID_NAMESPACE
    except OSError:
        return False
