"""What an attempt has used: `<memory, MB>,<cpu, us>,<duration, us>`, each empty where nobody knows it.

Where memory of gpus was looked at, what it had of that stands behind, in MB.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FunctionUsage:
    """What the last attempt of a function has used; None where nobody knows."""

    memory: int | None  #: MB of 2**20 bytes at most, what its process had kept included
    cpu_s: float | None  #: of all its threads, and of the processes that it has waited for
    duration: float | None  #: seconds
    #: MB of gpus at most, as its node saw it now and then, where that enforces `gpu_memory` and the driver tells it
    gpu_memory: int | None = None


def write_usage(
    memory_mb: int | None, cpu_s: float | None, duration_s: float | None, gpu_memory_mb: int | None = None
) -> str:
    """Write what an attempt has used."""
    return (
        f"{'' if memory_mb is None else memory_mb},{'' if cpu_s is None else round(cpu_s * 1e6)},"
        f"{'' if duration_s is None else round(duration_s * 1e6)}"
        f"{'' if gpu_memory_mb is None else f',{gpu_memory_mb}'}"
    )


def read_usage(text: str) -> FunctionUsage:
    """Read it. Raises `ValueError`."""
    memory, cpu, duration, *gpu_memory = text.split(",")
    (of_gpus,) = gpu_memory or [""]
    return FunctionUsage(
        int(memory) if memory else None, _seconds(cpu), _seconds(duration), int(of_gpus) if of_gpus else None
    )


def _seconds(microseconds: str) -> float | None:
    return int(microseconds) / 1e6 if microseconds else None
