"""What functions have used lately, by the name of what they call: samples that agents keep in Redis.

Of those of graphs, how long each took last by its id too, for graphs that recur have the same ids.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple
from zlib import crc32

from handoff.errors import StoreUnavailable
from handoff.ledger.asking import Command, Ledger
from handoff.ledger.members import in_slices
from handoff.ledger.store import Call
from handoff.ledger.texts.number_list import read_numbers, write_numbers
from handoff.ledger.texts.usage import FunctionUsage
from handoff.words.checked import Checked
from handoff.words.resources import Units, amount

MOST_SAMPLES = 64
"""So many samples are kept of each name."""

LONGEST_SAMPLE = 100
"""Bytes; what is longer somebody else has written."""

MOST_IDS = 512
"""Of so many ids of one name is kept how long they took last: see learn.lua."""

LEARN_TTL_S = 30 * 24 * 3600
"""So long it is kept after the last sample, unless its node says otherwise."""

MOST_NAMES_ASKED = 100
"""Of so many names one graph asks how long they take, those that it has most of: a round trip of 1 ms at most."""

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
    """Write what an attempt has used. -> its number, which is the same whenever it is told, and the sample"""
    seconds = (round(1e6 * (each or 0)) for each in (usage.cpu_s, usage.duration))
    return crc32(id.encode()), write_numbers((usage.memory or 0, *seconds, cost.get("memory", 0), cost.get("cpu", 0)))


def id_field(id: bytes) -> int:
    """Under which number the id of a function in a graph stands. Two of a graph rarely have the same, and may."""
    return crc32(id)


@Call
async def read_durations(ledger: Ledger, functions: Sequence[Checked]) -> list[float | None]:
    """How many seconds each function of a graph usually takes; None where nobody knows, or where it says so itself.

    It is what the last of its id and name took, else the mean of its name: a path is a sum, and means add up where
    medians do not. For all of them it is one round trip, and none where all say how long they take.
    """
    asking: dict[str, list[int]] = {}
    for index, each in enumerate(functions):
        if each.function.duration is None and each.function.type != "inline":
            asking.setdefault(each.path, []).append(index)
    found: list[float | None] = [None] * len(functions)
    if not asking or len(functions) == 1:
        return found
    usual = sorted(asking.items(), key=lambda named: -len(named[1]))[:MOST_NAMES_ASKED]
    commands: list[Command] = []
    for name, indices in usual:
        fields = [id_field(functions[index].id.encode()) for index in indices[:MOST_IDS]]
        commands += [("HVALS", ledger.keys("learned", name)), ("HMGET", ledger.keys("took", name), *fields)]
    try:
        replies = await ledger.glance(commands)
    except StoreUnavailable:
        # It is for the order alone. Who submits is told of what is wrong by the call that follows, which has patience.
        return found
    for (_, indices), samples, took in zip(usual, replies[::2], replies[1::2], strict=True):
        by_id = [] if isinstance(took, Exception) else [_seconds(us) for us in took]
        unknown = len(by_id) < len(indices) or None in by_id
        mean_s = _mean_s(samples) if unknown else None
        for index, seconds in zip_longest(indices, by_id):
            found[index] = mean_s if seconds is None else seconds
    return found


def _seconds(us: bytes | None) -> float | None:
    return int(us) / 1e6 if us is not None and us.isdigit() and len(us) <= LONGEST_SAMPLE else None


def _mean_s(samples: Sequence[bytes] | Exception) -> float | None:
    """How long these took; None where nobody knows, or whoever asks may not read that."""
    if isinstance(samples, Exception):
        return None
    read = (_read_sample(value) for value in samples)
    took = [sample.took_us for sample in read if sample is not None and sample.took_us]
    return math.fsum(took) / len(took) / 1e6 if took else None


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


def is_sample(value: bytes) -> bool:
    """Whether it is a sample that can be read."""
    return _read_sample(value) is not None


def _read_sample(value: bytes) -> Sample | None:
    if len(value) > LONGEST_SAMPLE:
        return None
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
