"""What this machine has for functions: cores, memory and NVIDIA devices, within the limits set on this process.

Must not know what an operator says instead, nor anything of nodes and Redis.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

MB = 2**20

NVIDIA_QUERY = ("nvidia-smi", "--query-gpu=index,uuid,memory.total,name", "--format=csv,noheader,nounits")
NVIDIA_TIMEOUT_S = 5.0

ROOT_GROUPS = ("0::/", "0:cpu:/", "0:memory:/")
"""Lines as in /proc/self/cgroup that lead to the roots: in a container its limits may stand there and nowhere else."""

NO_LIMIT = frozenset({"max", "-1"})
"""How version 2 and version 1 of control groups say that there is none."""

POSITIVE = re.compile(r"[1-9][0-9]{0,19}")

DEVICE_MB = re.compile(r"[1-9][0-9]{0,8}")
"""What stands for anything else, `[N/A]` above all, is a device that shares the memory of its machine."""

Runner = Callable[[Sequence[str], float], str]
"""Runs a command for at most so many seconds and returns its output; else raises OSError or SubprocessError."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA device, as its driver describes it."""

    index: int  #: as nvidia-smi counts, which is in PCI bus order
    uuid: str = ""
    memory_mb: int | None = None  #: MB of 2**20 bytes in all; None where the driver does not say
    model: str = ""  #: such as "NVIDIA A100-SXM4-40GB"


@dataclass(frozen=True, slots=True)
class MachineCapabilities:
    """What functions may use of this machine."""

    cpu: float  #: cores; a quota may leave a part of one
    memory_mb: int  #: MB of 2**20 bytes, rounded down
    gpus: tuple[Gpu, ...] = ()  #: by index, ascending


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

    Files are read below `root`. Of the gpus that nvidia-smi lists, those count that `CUDA_VISIBLE_DEVICES` names,
    by index or by (the start of) a UUID; as in CUDA the list ends at the first entry that names no device. Indices are
    in PCI bus order, whatever `CUDA_DEVICE_ORDER` says. `NVIDIA_VISIBLE_DEVICES` counts only as `none`: anything else
    was an order to the container runtime, which has followed it and numbers from 0 what it let in.
    Never fails: what cannot be read is logged as a warning, with what is assumed instead.
    """
    machine = read_physical() if physical is None else physical
    folders = _control_groups(root)
    cpu_limits = [limit for folder in folders if (limit := _cpu_limit(folder)) is not None]
    memory_limits = [limit for folder in folders if (limit := _memory_limit(folder)) is not None]
    return MachineCapabilities(
        cpu=min([float(machine.cores), *cpu_limits]),
        memory_mb=min([machine.memory_bytes, *memory_limits]) // MB,
        gpus=_gpus(os.environ if environ is None else environ, run_command if run is None else run),
    )


def read_physical() -> Physical:
    """Ask the kernel for cores and memory; cores outside this process's affinity do not count."""
    cores = psutil.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
        cores = allowed if cores is None else min(cores, allowed)
    if cores is None:
        log.warning("the number of cores is not known here: assuming 1, give --cpu to say otherwise")
        cores = 1
    return Physical(cores, psutil.virtual_memory().total)


def run_command(command: Sequence[str], timeout_s: float) -> str:
    """Return a command's standard output; raise OSError, CalledProcessError or TimeoutExpired."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        # Waited for only briefly (subprocess.run would wait for ever): a process that is stuck
        # in a call to a hung driver does not die of SIGKILL either.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return output


def _control_groups(root: Path) -> list[Path]:
    """Every folder that may hold a limit on this process: from its own groups up to the roots, each once."""
    own = _read(root / "proc/self/cgroup") or ""
    folders: dict[Path, None] = {}
    for line in (*ROOT_GROUPS, *own.splitlines()):
        match line.split(":", 2):
            case [_, controllers, group]:
                for mount in _mounts(root / "sys/fs/cgroup", controllers):
                    folders.update(dict.fromkeys(_path_to_root(mount, group)))
            case _:
                log.warning("%r in /proc/self/cgroup is not a control group: assuming that it sets no limit", line)
    return list(folders)


def _mounts(top: Path, controllers: str) -> list[Path]:
    """Where a hierarchy is by custom: version 2 at the top, or beside those of version 1, one per controller."""
    if not controllers:
        return [top, top / "unified"]
    return [top / name for name in (controllers, *controllers.split(","))]


def _path_to_root(mount: Path, group: str) -> Iterator[Path]:
    parts = [part for part in group.split("/") if part]
    if ".." in parts:  # The group lies outside the namespace of this process; only the root can be seen from here.
        parts = []
    for depth in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:depth])


def _cpu_limit(folder: Path) -> float | None:
    path = folder / "cpu.max"
    text = _read(path)
    if text is None:
        path = folder / "cpu.cfs_quota_us"
        quota, period = _read(path), _read(folder / "cpu.cfs_period_us")
        if quota is None or period is None:
            return None
    else:
        quota, _, period = text.partition(" ")
    if quota in NO_LIMIT:
        return None
    if not POSITIVE.fullmatch(quota) or not POSITIVE.fullmatch(period):
        log.warning("%s says %r in periods of %r us: assuming that it sets no limit", path, quota, period)
        return None
    return int(quota) / int(period)


def _memory_limit(folder: Path) -> int | None:
    for path in (folder / "memory.max", folder / "memory.limit_in_bytes"):
        text = _read(path)
        if text is None or text in NO_LIMIT:
            continue
        if POSITIVE.fullmatch(text):
            return int(text)
        log.warning("%s says %r, not a number of bytes: assuming that it sets no limit", path, text)
    return None


def _read(path: Path) -> str | None:
    """The text of a file, or None if there is none to be had."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in a path that was itself read from a file.
        log.warning("%s cannot be read (%s): assuming that it sets no limit", path, error)
        return None


def _gpus(environ: Mapping[str, str], run: Runner) -> tuple[Gpu, ...]:
    if environ.get("NVIDIA_VISIBLE_DEVICES") == "none":
        return ()
    try:
        answer = run(NVIDIA_QUERY, NVIDIA_TIMEOUT_S)
    except FileNotFoundError:
        return ()
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("the NVIDIA driver does not answer (%s): assuming no gpus", error)
        return ()
    gpus = {gpu.index: gpu for line in answer.splitlines() if line.strip() and (gpu := _gpu(line))}
    return tuple(gpus[index] for index in _visible(gpus, environ.get("CUDA_VISIBLE_DEVICES")))


def _gpu(line: str) -> Gpu | None:
    """Read one line of the driver's answer; a name may hold the comma that parts the fields, and so comes last."""
    index, uuid, memory, model = [*map(str.strip, line.split(",", 3)), "", "", ""][:4]
    if not re.fullmatch(r"[0-9]{1,5}", index):
        log.warning("nvidia-smi says %r, which names no device: assuming that it is none", line)
        return None
    return Gpu(int(index), uuid, int(memory) if DEVICE_MB.fullmatch(memory) else None, model)


def _visible(gpus: Mapping[int, Gpu], wanted: str | None) -> list[int]:
    if wanted is None:
        return sorted(gpus)
    chosen: set[int] = set()
    for entry in map(str.strip, wanted.split(",")):
        named = [
            index
            for index, gpu in gpus.items()
            if entry == str(index) or (entry.startswith("GPU-") and gpu.uuid.startswith(entry))
        ]
        if len(named) != 1:
            if entry not in ("", "-1"):
                message = "%r in CUDA_VISIBLE_DEVICES=%s names no single gpu of this machine: assuming gpus %s only"
                log.warning(message, entry, wanted, sorted(chosen))
            break
        chosen.update(named)
    return sorted(chosen)
