"""Sixteen small task graphs that others made to compare schedulers with, and how well any order could pack them.

From Estee (IT4Innovations), data set "elementary". What it costs to move data is left out. Knows no cluster.
"""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from zipfile import ZipFile

from benchmarks.graphs.trouble import Absent
from support.atc23 import ROOT, VARIABLE

FILE = Path("estee", "elementary.zip")
NODES = 8
CORES = 4
"""Of each node."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a graph."""

    duration_s: float
    cores: int
    needs: Sequence[int]  #: those whose results it takes
    kind: str = ""  #: the same for those of which the graph's author expects the same


def load() -> Mapping[str, list[Task]]:
    """All graphs by name. Raises `Absent`."""
    path = _find()
    with ZipFile(path) as archive:
        (member,) = archive.namelist()
        columns = json.loads(archive.read(member))
    return {
        name: [
            # Of one that takes several outputs of another, the graph has an edge each.
            Task(
                task["d"],
                task["cpus"],
                sorted({source for source, _ in task["inputs"]}),
                f"{task['cpus']} cores, {task['e_d']} s",
            )
            for task in json.loads(columns["graph"][row])
        ]
        for row, name in columns["graph_name"].items()
    }


def least_s(tasks: Sequence[Task]) -> float:
    """What no schedule can be faster than: the longest path, or all work shared by all cores."""
    work = sum(task.duration_s * task.cores for task in tasks)
    return max(max(longest_paths_s(tasks)), work / (NODES * CORES))


def longest_paths_s(tasks: Sequence[Task], expected_s: Sequence[float] | None = None) -> list[float]:
    """From each task, itself included, to the farthest end; `expected_s` is how long each is expected to take."""
    paths = [0.0] * len(tasks)
    left = [0] * len(tasks)
    for task in tasks:
        for need in task.needs:
            left[need] += 1
    ready = [number for number, count in enumerate(left) if not count]
    while ready:
        number = ready.pop()
        task = tasks[number]
        paths[number] += task.duration_s if expected_s is None else expected_s[number]
        for need in task.needs:
            paths[need] = max(paths[need], paths[number])
            left[need] -= 1
            if not left[need]:
                ready.append(need)
    return paths


def expected_by_kind(tasks: Sequence[Task]) -> list[float]:
    """Of each task how long those of its kind take on average."""
    by_kind: dict[str, list[float]] = {}
    for task in tasks:
        by_kind.setdefault(task.kind, []).append(task.duration_s)
    return [fmean(by_kind[task.kind]) for task in tasks]


def list_schedule_s(tasks: Sequence[Task], paths_s: Sequence[float]) -> float:
    """The makespan if, whenever cores come free, those who are ready start by longest path on the first node that fits.

    Textbook list scheduling, in which a small one may overtake a large one without limit: what the order alone gives.
    Of equals the one of more cores goes first.
    """
    followers: list[list[int]] = [[] for _ in tasks]
    for number, task in enumerate(tasks):
        for need in task.needs:
            followers[need].append(number)
    missing = [len(task.needs) for task in tasks]
    ranks = [(-path_s, -task.cores) for path_s, task in zip(paths_s, tasks, strict=True)]
    ready = [(ranks[number], number) for number, count in enumerate(missing) if not count]
    free = [CORES] * NODES
    running: list[tuple[float, int, int]] = []  # end, task, node
    now_s = 0.0
    while ready or running:
        passed_over = []
        for rank, number in sorted(ready):
            cores = tasks[number].cores
            node = next((node for node in range(NODES) if free[node] >= cores), None)
            if node is None:
                passed_over.append((rank, number))
                continue
            free[node] -= cores
            heapq.heappush(running, (now_s + tasks[number].duration_s, number, node))
        ready = passed_over
        now_s = running[0][0]
        while running and running[0][0] == now_s:
            _, number, node = heapq.heappop(running)
            free[node] += tasks[number].cores
            for follower in followers[number]:
                missing[follower] -= 1
                if not missing[follower]:
                    ready.append((ranks[follower], follower))
    return now_s


def _find() -> Path:
    """The archive: in HANDOFF_TRACES, or in a `data` folder of a directory beside the checkout."""
    if named := os.environ.get(VARIABLE):
        places = [Path(named) / FILE, Path(named) / FILE.name]
    else:
        places = [data / FILE for data in sorted(ROOT.parent.glob("*/data"))]
    for place in places:
        if place.is_file():
            return place
    raise Absent(
        f"the graphs {FILE} are not here: set {VARIABLE} to a folder that contains them, from the data sets of the "
        "scheduler simulator Estee (IT4Innovations)"
    )
