"""Functions per second of whole graphs of no-ops, beside Dask `distributed` with two workers of one thread each.

The clock runs from handing over the graph until the client has the result of its end. Every system is started afresh
for each repeat and has run a small graph before. Dask takes graphs in two ways; it is compared by the faster one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.figures import Figure
from benchmarks.graphs.dags import as_dag
from benchmarks.graphs.shapes import SHAPES, fan
from benchmarks.graphs.trouble import Absent, Failed
from benchmarks.peers.environments import NotInstalled, python_of, versions_of
from benchmarks.peers.roster import DASK as DASK_PEER
from handoff import LocalCluster

PART = "graphs"
NODES = 2
WARM_UP = 64
"""Functions run before the clock starts."""

FASTER_THAN_DASK = 3.0
"""The bar: times as many functions per second."""

GIVE_UP_S = 300.0
WAYS = ("delayed", "futures")


@dataclass(frozen=True, slots=True)
class Run:
    """One repeat."""

    took_s: float
    submitted_s: float = 0.0  #: of that, until the client could have gone away


@dataclass(frozen=True, slots=True)
class System:
    """One way to get a graph done: `run` takes the name of a shape and its size."""

    name: str
    run: Callable[[str, int], Run]
    note: str = ""


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure a fan of `size` and a chain of a tenth of it, on all systems in turn. Raises `Absent` without Dask."""
    try:
        python_of(DASK_PEER)
    except NotInstalled as error:
        raise Absent(f"Dask is not here to be compared with: {error}") from error
    runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    sizes = {"chain": max(2, size // 10), "fan": size}
    for repeat in range(repeats):
        for shape, of_shape in sizes.items():
            for system in SYSTEMS:
                run = system.run(shape, of_shape)
                runs[shape, system.name].append(run)
                rate = len(SHAPES[shape](of_shape)) / run.took_s
                tell(f"{PART} {repeat + 1}/{repeats}: {shape}, {system.name} {rate:,.0f}/s")
    return [figure for shape, of_shape in sizes.items() for figure in _figures(shape, of_shape, runs)]


def _figures(shape: str, size: int, runs: dict[tuple[str, str], list[Run]]) -> list[Figure]:
    functions = len(SHAPES[shape](size))
    rates = {system.name: [functions / run.took_s for run in runs[shape, system.name]] for system in SYSTEMS}
    standard = max((system.name for system in DASK), key=lambda name: median(rates[name]))
    figures = []
    for system in SYSTEMS:
        note = system.note
        if system in HANDOFF:
            submitted_s = median(run.submitted_s for run in runs[shape, system.name])
            note += f"; submitted after {submitted_s:.2f} s"
        else:
            note += f", distributed {versions_of(DASK_PEER)['distributed']}"
        figures.append(Figure(PART, f"{shape}, {system.name}", rates[system.name], "/s", functions, note))
    for system in HANDOFF:
        times = median(rates[system.name]) / median(rates[standard])
        bar = FASTER_THAN_DASK if system is HANDOFF[0] else None
        note = f"of the medians; {system.note}"
        figures.append(
            Figure(PART, f"{shape}, {system.name} / {standard}", [times], "x", functions, note, at_least=bar)
        )
    return figures


def _handoff(slots: int, shape: str, size: int) -> Run:
    graph = SHAPES[shape](size)
    with LocalCluster({f"node{number}": {"cpu": slots, "slots": slots} for number in range(NODES)}) as cluster:
        cluster.execute(as_dag(fan(WARM_UP)))
        dag = as_dag(graph)
        began_s = time.perf_counter()
        run = cluster.submit_dag(dag)
        submitted_s = time.perf_counter() - began_s
        run.handle(str(len(graph) - 1)).result(GIVE_UP_S)
        took_s = time.perf_counter() - began_s
        # Raises, if any of them failed.
        run.result(GIVE_UP_S)
    return Run(took_s, submitted_s)


def _dask(way: str, shape: str, size: int) -> Run:
    command = [python_of(DASK_PEER), "-m", "benchmarks.graphs.dask_peer", way, shape, str(size)]
    # A session of its own, so that its workers can be ended with it.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        told, complained = process.communicate(timeout=GIVE_UP_S)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"Dask did not run {size} functions ({shape}, {way}) within {GIVE_UP_S:.0f} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise Failed(f"Dask did not run {size} functions ({shape}, {way}):\n{complained}")
    return Run(float(told))


HANDOFF = (
    System("Handoff", partial(_handoff, 1), "2 nodes of 1 slot"),
    System("Handoff, 8 slots", partial(_handoff, 8), "2 nodes of 8 slots"),
)
"""The bar is for the first."""

DASK = tuple(System(f"Dask {way}", partial(_dask, way), "2 processes of 1 thread") for way in WAYS)
SYSTEMS = (*HANDOFF, *DASK)
