"""What it costs a node to keep functions to the memory that they have declared: beside one that does not, in turn.

Both stand at once and take turns, each first as often as second, so that what disturbs the machine disturbs both. A
ratio is of two turns in a row.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import psutil

from benchmarks.figures import Figure
from benchmarks.finished import drain, processes_of, warm_up
from benchmarks.functions import wait
from benchmarks.spent import cpu_s
from benchmarks.waiting import wait_until
from handoff import Cluster, LocalCluster

PART = "enforce"

SLOTS = 8

COST = {"cpu": 0.1, "memory": 10}

OFF, ON = "off", "on"

PAIRS = ((OFF, ON), (ON, OFF)) * 4
"""Who goes first in each round of a repeat."""

BAR = 0.03
"""By so much may be fewer finished, and more used."""

WATCHED_S = 5.0

LONG_S = WATCHED_S + 3
"""How long functions run that are watched: when the last of them begins it may be late."""

MB = 2**20

Value = tuple[tuple[str, str], str, float]
"""What it is and its unit, of which node, how much."""


class Node(NamedTuple):
    """A cluster of one node."""

    local: LocalCluster
    cluster: Cluster

    def processes(self) -> list[psutil.Process]:
        """Those of the node, without its Redis."""
        return [process for kind, found in processes_of(self.local).items() if kind != "redis" for process in found]


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure with so many no-ops in each turn."""
    found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for repeat in range(repeats):
        for key, whose, value in _repeat(size):
            found[key][whose].append(value)
        tell(f"{PART} {repeat + 1}/{repeats}")
    figures = []
    for (what, unit), values in found.items():
        figures += [Figure(PART, f"{what}: {whose}", values[whose], unit, size) for whose in (OFF, ON)]
        ratios = [on / off for on, off in zip(values[ON], values[OFF], strict=True)]
        bars = {"/s": (1 - BAR, None), "us": (None, 1 + BAR), "MB": (None, 1 + BAR)}
        at_least, at_most = bars.get(unit, (None, None))
        figures.append(Figure(PART, f"{what}: on / off", ratios, "x", size, at_least=at_least, at_most=at_most))
    return figures


def _repeat(size: int) -> Iterator[Value]:
    with ExitStack() as stack:
        nodes = {whose: _start(stack, enforces=whose == ON) for whose in (OFF, ON)}
        for whose in (each for pair in PAIRS for each in pair):
            run = drain(nodes[whose].local, nodes[whose].cluster, size, COST)
            yield ("no-ops finished", "/s"), whose, run.per_second
            node_us = sum(us for kind, us in run.cpu_us.items() if kind != "redis")
            yield ("CPU of a no-op in its node", "us"), whose, node_us
        for whose, node in nodes.items():
            yield (f"CPU of {SLOTS} functions that wait in {WATCHED_S:.0f} s", "ms"), whose, _watched_ms(node)
        for whose, node in nodes.items():
            memory = sum(process.memory_full_info().pss for process in node.processes())
            yield (f"memory after {SLOTS} functions ran at once (PSS)", "MB"), whose, memory / MB


def _start(stack: ExitStack, *, enforces: bool) -> Node:
    local = LocalCluster({"a": {"cpu": SLOTS, "slots": SLOTS, "memory": 1000 * SLOTS}}, enforce=enforces)
    node = Node(local, stack.enter_context(local))
    warm_up(node.cluster)
    return node


def _watched_ms(node: Node) -> float:
    """What a node uses while functions run in all of its slots and do nothing."""
    handles = node.cluster.map(wait, [LONG_S] * SLOTS, cost=COST)
    wait_until(lambda: all(handle.status == "started" for handle in handles), "the functions run")
    before_s = sum(map(cpu_s, node.processes()))
    time.sleep(WATCHED_S)
    spent_s = sum(map(cpu_s, node.processes())) - before_s
    node.cluster.gather(handles)
    return spent_s * 1000
