"""What this machine has for functions: cores, memory and NVIDIA devices, within the limits set on this process.

Must not know what an operator says instead, nor anything of nodes and Redis.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from handoff_worker.machine.control_groups import find_limits
from handoff_worker.machine.gpus import Gpu, Runner, find_gpus, run_command

logger = logging.getLogger(__name__)

MB = 2**20


@dataclass(frozen=True, slots=True)
class MachineCapabilities:
    """What functions may use of this machine."""

    cpu: float  #: cores; a quota may leave a part of one
    memory_mb: int  #: MB of 2**20 bytes, rounded down
    gpus: tuple[Gpu, ...] = ()  #: the first of them go first


@dataclass(frozen=True, slots=True)
class Physical:
    """What the kernel would give this process if no control group limited it."""

    cores: int  #: logical ones that its affinity allows
    memory_bytes: int


def probe(
    root: Path = Path("/"),
    *,
    physical: Physical | None = None,
    environ: Mapping[str, str] | None = None,
    run: Runner | None = None,
) -> MachineCapabilities:
    """Find what this machine has, or what its container leaves of it; the smallest limit governs.

    Files are read below `root`. Of the gpus that nvidia-smi lists, those count that `CUDA_VISIBLE_DEVICES` names, see
    `Mask`; as in CUDA the list ends at the first entry that names no device. Indices are in PCI bus order, whatever
    `CUDA_DEVICE_ORDER` says. `NVIDIA_VISIBLE_DEVICES` counts only as `none`: anything else
    was an order to the container runtime, which has followed it and numbers from 0 what it let in.
    Never fails: what cannot be read is logged as a warning, with what is assumed instead.
    """
    machine = read_physical() if physical is None else physical
    cpu_limits, memory_limits = find_limits(root)
    return MachineCapabilities(
        cpu=min([float(machine.cores), *cpu_limits]),
        memory_mb=min([machine.memory_bytes, *memory_limits]) // MB,
        gpus=find_gpus(os.environ if environ is None else environ, run_command if run is None else run),
    )


def read_physical() -> Physical:
    """Ask the kernel for cores and memory; cores outside this process's affinity do not count."""
    cores = psutil.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
        cores = allowed if cores is None else min(cores, allowed)
    if cores is None:
        logger.warning("the number of cores is not known here: assuming 1, give --cpu to say otherwise")
        cores = 1
    return Physical(cores, psutil.virtual_memory().total)
