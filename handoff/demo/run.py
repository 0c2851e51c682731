"""Drives the demo: three unlike nodes on this machine, one graph of `analysis` on them, a picture meanwhile.

Results come from the run, use and peaks from the ledger and its event stream; nothing is known from elsewhere.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live

from handoff.client.cluster import DEFAULT_NAMESPACE, Cluster
from handoff.client.run_handle import RunHandle
from handoff.demo import analysis
from handoff.demo.picture import Picture
from handoff.demo.report import Ran, Report, peaks, summarize
from handoff.errors import HandoffError
from handoff.graph.dag import DAG, Argument
from handoff.ledger.nodes import read_nodes
from handoff.ledger.runs import RunResult
from handoff.local.cluster import LocalCluster
from handoff.why.status import read_waiting, use_of
from handoff.words.function import Function
from handoff.words.resources import Amount, amounts

NODES: dict[str, dict[str, Amount]] = {
    "small": {"cpu": 1, "memory": 1000},
    "big": {"cpu": 2, "memory": 4000},
    "gpus": {"cpu": 1, "memory": 2000, "gpu": 2},
}
"""Whatever this machine has: the gpus are pretended, and each function is still told which of them are its own."""

FEWEST_BATCHES = 12
"""Little source is cut small, so that there is something to see: more functions than fit at once."""

MOST_FILES = 10_000
"""They take some minutes; nobody watches a demo for longer."""

LEASE_S = 60.0
"""Its agents are looked at; no lease has to tell that one has gone, and none is lost where the machine is busy."""

LOOK_S = 0.25
"""How long a quiet event stream is waited on before the agents are looked at."""

DRAW_S = 0.1
"""How often the picture on a terminal changes at most."""

SAY_S = 2.0
"""How often it is printed where there is no terminal."""

ENDS = frozenset({"finished", "failed", "canceled"})
"""Changes of a run after which there are no others."""


class NoSources(HandoffError):
    """A path at which there is nothing to analyze."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"{self.path!r} cannot be analyzed ({self.why}): give a directory or a file of Python source"


class AgentEnded(HandoffError):
    """An agent of the demo has gone, and what only its node can run would wait for ever."""

    def __init__(self, node: str, status: int) -> None:
        super().__init__(node, status)
        self.node, self.status = node, status

    def __str__(self) -> str:
        return f"the agent of node {self.node!r} ended with status {self.status}: its output above says more"


@dataclass(frozen=True, slots=True)
class Sources:
    """What to analyze: `root` is resolved; `left_out` files are too many."""

    root: str
    batches: list[list[str]]
    left_out: int


ANALYZE = Function("analyze", analysis.analyze, cost={"cpu": 1, "memory": 300})
SIGN = Function("signatures", analysis.signatures, cost={"gpu": 0.5, "cpu": 0.25, "memory": 200}, priority=1)
COMPARE = Function("compare", analysis.compare, cost={"cpu": 1, "memory": 500}, argument_inclusion="as_list")


def find(path: str | None) -> Sources:
    """Find the source at `path`, by default the standard library, and deal it into batches. Raises `NoSources`."""
    shown = analysis.standard_library() if path is None else path
    try:
        root = str(Path(shown).resolve())
        files = analysis.find_sources(root)
        sizes = [os.path.getsize(file) for file in files[:MOST_FILES]]
        batches = analysis.batches(files[:MOST_FILES], min(analysis.BATCH_BYTES, sum(sizes) // FEWEST_BATCHES + 1))
    except FileNotFoundError:
        raise NoSources(shown, "there is nothing") from None
    # RuntimeError: links that lead in a circle.
    except (OSError, RuntimeError) as error:
        raise NoSources(shown, str(error)) from error
    if not batches:
        raise NoSources(shown, "no Python file is there to be read")
    return Sources(root, batches, max(0, len(files) - MOST_FILES))


def graph(sources: Sources) -> DAG:
    """Build the graph: each batch is analyzed, of each analysis signatures are made, and all of these are compared.

    Of what a function returns only that travels on which the next one needs.
    """
    dag = DAG("demo")
    signed = []
    for number, batch in enumerate(sources.batches, 1):
        analyze = replace(ANALYZE, id=f"{ANALYZE.id}-{number}", extra_args=(batch,))
        taken = Argument(analyze.id, serialize=analysis.only_fingerprints)
        sign = replace(SIGN, id=f"{SIGN.id}-{number}", args=(taken,))
        dag.add(analyze).add(sign)
        signed.append(Argument(sign.id, serialize=analysis.only_signatures))
    return dag.add(replace(COMPARE, args=tuple(signed)))


def run(sources: Sources, progress: Console | None, *, namespace: str | None = None) -> Report:
    """Analyze the sources on a cluster of the demo's own; `progress` shows how it goes, if it is given.

    Raises what the first function that fails raises, `AgentEnded`, and what starting a cluster may raise.
    """
    local = LocalCluster(NODES, namespace=namespace or DEFAULT_NAMESPACE, lease=LEASE_S)
    with local as cluster, _Screen(progress) as screen:
        dag = graph(sources)
        course = _Course(local, cluster, screen, cluster.submit_dag(dag, max_retries=0))
        result = course.follow()
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for function in dag.functions:
            found[_step(function)].append(result.results[function.id])
        return summarize(
            sources.root,
            found[ANALYZE.id],
            found[SIGN.id],
            [pair for comparison in found[COMPARE.id] for pair in comparison["pairs"]],
            ran=[_ran(function, result) for function in dag.functions],
            peaks=peaks(course.events, cluster.discover_nodes()),
            held={node.name: amounts(node.used) for node in read_nodes(cluster.store)},
            elapsed_s=course.elapsed_s,
        )


@dataclass(slots=True)
class _Course:
    """A run that is watched, and every event from the first on."""

    _local: LocalCluster
    _cluster: Cluster
    _screen: _Screen
    _run: RunHandle
    events: list[dict[str, str]] = field(default_factory=list)
    _last: bytes = b"0-0"
    _started_s: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    def follow(self) -> RunResult:
        """Show the run until it has ended. -> what came of it"""
        while not self._has_ended():
            self._screen.show(self._picture)
        self._screen.show(self._picture)
        return self._run.result()

    def _has_ended(self) -> bool:
        """Follow the events, of which the end of the run is the last."""
        found = self._cluster.events(self._last, block_s=LOOK_S)
        if not found:
            for node, agent in self._local.agents.items():
                if (status := agent.poll()) is not None:
                    raise AgentEnded(node, status)
            return False
        self._last = found[-1][0]
        self.events += (event for _, event in found)
        return any(event["event"] == "run" and event["change"] in ENDS for _, event in found)

    def _picture(self) -> Picture:
        store = self._cluster.store
        nodes = {
            node.name: {name: (use.used, use.capacity) for name, use in use_of(node).items()}
            for node in read_nodes(store)
        }
        waiting = [(str(shape), shape.count) for shape in read_waiting(store)]
        progress = self._run.progress()
        done, deferred = (progress.counts.get(state, 0) for state in ("finished", "deferred"))
        return Picture(nodes, waiting, done, progress.total, deferred=deferred, elapsed_s=self.elapsed_s)


def _step(function: Function) -> str:
    return function.id.partition("-")[0]


def _ran(function: Function, result: RunResult) -> Ran:
    where = result.results[function.id]["where"]
    return Ran(
        function=function.id,
        step=_step(function),
        node=where["node"] or result.allocations[function.id],
        gpu=isinstance(function.cost, Mapping) and "gpu" in function.cost,
        cuda_visible_devices=where["cuda_visible_devices"],
        cpu_s=where["cpu_s"],
    )


class _Screen:
    """Where the picture goes: onto a terminal in place, elsewhere as lines now and then, or nowhere."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._live: Live | None = None
        self._next_s = 0.0

    def __enter__(self) -> Self:
        if self._console is not None and self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, picture: Callable[[], Picture]) -> None:
        """Show a picture if it is time for one."""
        now_s = time.monotonic()
        if self._console is None or now_s < self._next_s:
            return
        if self._live is not None:
            self._next_s = now_s + DRAW_S
            self._live.update(picture(), refresh=True)
        else:
            self._next_s = now_s + SAY_S
            self._console.print(picture(), soft_wrap=True)
