"""`python -m benchmarks.graphs.dask_peer WAY SHAPE SIZE`: run one graph on Dask, and print how long it took.

Two worker processes of one thread each, both warm, no dashboard. The clock runs as it does for Handoff: from handing
over the graph until the client has the result of its end. What is handed over is a graph of `dask.delayed`, or futures
that depend on each other. Dask may merge nothing: afterwards it is asked how many tasks it has done.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import dask
import distributed

from benchmarks.graphs.shapes import SHAPES, Graph, chain, fan, step

WORKERS = 2
WARM_UP = 64

Go = Callable[[], object]
"""Hands over a graph and returns when its end is done."""


def main() -> None:
    """Measure one graph once."""
    way, shape, size = WAYS[sys.argv[1]], SHAPES[sys.argv[2]], int(sys.argv[3])
    with (
        tempfile.TemporaryDirectory() as scratch,
        distributed.LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None,
            local_directory=scratch, silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        for warming in (fan(WARM_UP), chain(WARM_UP)):
            way(client, warming)()
        graph = shape(size)
        before = client.run_on_scheduler(_done)
        go = way(client, graph)
        began_s = time.perf_counter()
        go()
        took_s = time.perf_counter() - began_s
        done = client.run_on_scheduler(_done) - before
        if done != len(graph):
            raise SystemExit(f"Dask did {done} tasks for a graph of {len(graph)}: it merged some, or did some twice")
        print(took_s)


def _delayed(client: Any, graph: Graph) -> Go:
    call = dask.delayed(step, pure=False)
    nodes: list[Any] = []
    for needs in graph:
        nodes.append(call(*_arguments(nodes, needs)))
    return lambda: client.compute(nodes[-1], optimize_graph=False).result()


def _futures(client: Any, graph: Graph) -> Go:
    def go() -> object:
        futures: list[Any] = []
        for needs in graph:
            futures.append(client.submit(step, *_arguments(futures, needs), pure=False))
        return futures[-1].result()

    return go


def _arguments(made: list[Any], needs: Any) -> list[Any]:
    """The results one takes: several of them as one list, which is what costs Dask least."""
    results = [made[need] for need in needs]
    return [results] if len(results) > 1 else results


def _done(dask_scheduler: Any) -> int:
    """How many tasks have ever been done, by the scheduler's own count."""
    return sum(prefix.state_counts["memory"] for prefix in dask_scheduler.task_prefixes.values())


WAYS: dict[str, Callable[[Any, Graph], Go]] = {"delayed": _delayed, "futures": _futures}

if __name__ == "__main__":
    main()
