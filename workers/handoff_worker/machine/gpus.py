"""The NVIDIA devices that this process may use, as the driver's own tool lists them."""

from __future__ import annotations

import contextlib
import logging
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from handoff_worker.machine.mask import Mask

logger = logging.getLogger(__name__)

NVIDIA_QUERY = ("nvidia-smi", "--query-gpu=index,uuid,memory.total,name", "--format=csv,noheader,nounits")
NVIDIA_TIMEOUT_S = 5.0

DEVICE_MB = re.compile(r"[1-9][0-9]{0,8}")
"""What stands for anything else, `[N/A]` above all, is a device that shares the memory of its machine."""

Runner = Callable[[Sequence[str], float], str]
"""Runs a command for at most so many seconds and returns its output; else raises OSError or SubprocessError."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA device, as its driver describes it."""

    index: int  #: as nvidia-smi counts, which is in PCI bus order; under a mask with names as `Mask` counts
    uuid: str = ""
    memory_mb: int | None = None  #: MB of 2**20 bytes in all; None where the driver does not say
    model: str = ""  #: such as "NVIDIA A100-SXM4-40GB"


def find_gpus(environ: Mapping[str, str], run: Runner) -> tuple[Gpu, ...]:
    """Ask the driver, and leave out what `environ` hides; in its order, else by index. Nothing where none answers."""
    if environ.get("NVIDIA_VISIBLE_DEVICES") == "none":
        return ()
    try:
        answer = run(NVIDIA_QUERY, NVIDIA_TIMEOUT_S)
    except FileNotFoundError:
        return ()
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("the NVIDIA driver does not answer (%s): assuming no gpus", error)
        return ()
    gpus = {gpu.index: gpu for line in answer.splitlines() if line.strip() and (gpu := _gpu(line))}
    mask = Mask.read(environ)
    return tuple((gpus[index] for index in sorted(gpus)) if mask is None else _visible(gpus, mask))


def _gpu(line: str) -> Gpu | None:
    """Read one line of the driver's answer; a name may have the comma that parts the fields, and so comes last."""
    index, uuid, memory, model = [*map(str.strip, line.split(",", 3)), "", "", ""][:4]
    if not re.fullmatch(r"[0-9]{1,5}", index):
        logger.warning("nvidia-smi says %r, which names no device: assuming that it is none", line)
        return None
    return Gpu(int(index), uuid, int(memory) if DEVICE_MB.fullmatch(memory) else None, model)


def _visible(gpus: Mapping[int, Gpu], mask: Mask) -> list[Gpu]:
    """Those that the mask leaves, with the index that each has on the node."""
    chosen: dict[str, Gpu] = {}
    for index, entry in mask.entries.items():
        # The driver is not asked for the parts of a gpu, and has no say in them.
        named = [Gpu(index, entry)] if entry.startswith("MIG-") else [gpu for gpu in gpus.values() if _is(gpu, entry)]
        if len(named) != 1:
            message = "%r in CUDA_VISIBLE_DEVICES=%s names no single gpu of this machine: assuming gpus %s only"
            logger.warning(message, entry, mask.text, sorted(gpu.index for gpu in chosen.values()))
            break
        chosen.setdefault(named[0].uuid or entry, replace(named[0], index=index))
    return list(chosen.values())


def _is(gpu: Gpu, entry: str) -> bool:
    return gpu.uuid.startswith(entry) if entry.startswith("GPU-") else entry == str(gpu.index)


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
