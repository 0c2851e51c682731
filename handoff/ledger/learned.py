"""What functions have used lately, by the name of what they call: samples that agents keep in Redis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from handoff.ledger.asking import Ledger
from handoff.ledger.members import in_slices
from handoff.ledger.store import Call
from handoff.ledger.texts.number_list import read_numbers, write_numbers
from handoff.ledger.texts.usage import FunctionUsage
from handoff.words.resources import Units, amount

PLACES = 64
"""So many samples are kept of each name."""

MOST_NAMES = 1000
"""So many names are read, the latest."""

BESIDE = 1.1
"""What is suggested is the most that was seen, and a tenth of it."""

LEAST_S = 0.1
"""What takes less says nothing of how many processors it keeps busy."""


class Sample(NamedTuple):
    """What one attempt has used, and had declared; 0 = nobody knows, or nothing was declared."""

    memory_mb: int
    cpu_us: int
    took_us: int
    memory: int  #: units
    cpu: int  #: units


@dataclass(frozen=True, slots=True)
class Spread:
    """How what was seen is spread."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class LearnedCost:
    """What the last functions of one name have used, of up to 64, and what they had declared."""

    function: str
    count: int  #: samples
    memory: Spread | None  #: MB; None where nobody knows
    cpu: Spread | None  #: processors that it kept busy
    duration: Spread | None  #: seconds
    declared: Mapping[str, float]  #: the most that any of them had declared, of `memory` and `cpu`
    suggested: Mapping[str, float]  #: what to declare

    @property
    def wasted_mb(self) -> float:
        """MB that were reserved and that 95 of a hundred did not use."""
        return max(0.0, self.declared.get("memory", 0) - self.memory.p95) if self.memory else 0.0


def write_sample(id: str, usage: FunctionUsage, cost: Units) -> tuple[int, str]:
    """Write what an attempt has used. -> its place, which is the same whenever it is told, and the sample"""
    seconds = (round(1e6 * (each or 0)) for each in (usage.cpu_s, usage.duration))
    return crc32(id.encode()) % PLACES, write_numbers(
        (usage.memory or 0, *seconds, cost.get("memory", 0), cost.get("cpu", 0))
    )


@Call
async def read_learned(ledger: Ledger) -> list[LearnedCost]:
    """What is known of each name, in their order. What nobody can read, for it was written over, is left out."""
    newest = await ledger.read("ZREVRANGE", ledger.keys("learners"), 0, MOST_NAMES - 1)
    found = []
    for names in in_slices(sorted(name.decode(errors="replace") for name in newest)):
        replies = await ledger.read_each([("HVALS", ledger.keys("learned", name)) for name in names])
        for name, values in zip(names, replies, strict=True):
            if samples := [sample for value in values if (sample := _read_sample(value)) is not None]:
                found.append(_cost_of(name, samples))
    return found


def _read_sample(value: bytes) -> Sample | None:
    try:
        return Sample(*read_numbers(value.decode()))
    except (ValueError, TypeError):
        return None


def _cost_of(name: str, samples: Sequence[Sample]) -> LearnedCost:
    memory = spread([each.memory_mb for each in samples if each.memory_mb])
    cpu = spread([each.cpu_us / each.took_us for each in samples if each.took_us >= LEAST_S * 1e6])
    declared = {"memory": max(each.memory for each in samples), "cpu": max(each.cpu for each in samples)}
    suggested: dict[str, float] = {}
    if memory is not None:
        suggested["memory"] = math.ceil(BESIDE * memory.max)
    if cpu is not None:
        suggested["cpu"] = max(1, math.ceil(10 * cpu.p95)) / 10
    return LearnedCost(
        name,
        len(samples),
        memory,
        cpu,
        spread([each.took_us / 1e6 for each in samples if each.took_us]),
        {resource: amount(units) for resource, units in declared.items() if units},
        suggested,
    )


def spread(seen: Sequence[float]) -> Spread | None:
    """How numbers are spread; None of none. Each figure is one of them: the least that as many do not exceed."""
    if not seen:
        return None
    ordered = sorted(seen)
    return Spread(*(ordered[max(0, math.ceil(part * len(ordered)) - 1)] for part in (0.5, 0.95, 1)))
