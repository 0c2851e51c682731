"""Drives the demo: three unlike nodes on this machine, the functions of `analysis` on them, a picture meanwhile.

Results come from handles, use and peaks from the ledger and its event stream; nothing is known from elsewhere.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live

from handoff.cluster import DEFAULT_NAMESPACE, Cluster
from handoff.demo import analysis
from handoff.demo.analysis import Analysis, Pair, Signatures
from handoff.demo.picture import Picture
from handoff.demo.report import Ran, Report, peaks, summarize
from handoff.errors import HandoffError
from handoff.handles import Handle
from handoff.local import LocalCluster
from handoff.nodes import read_nodes
from handoff.resources import Amount, amounts
from handoff.status import read_waiting, use_of

NODES: dict[str, dict[str, Amount]] = {
    "small": {"cpu": 1, "memory": 1000},
    "big": {"cpu": 2, "memory": 4000},
    "gpus": {"cpu": 1, "memory": 2000, "gpu": 2},
}
"""Whatever this machine has: the gpus are pretended, and each function is still told which of them are its own."""

FEWEST_BATCHES = 12
"""Little source is cut small, so that there is something to see: more functions than fit at once."""

MOST_FILES = 10_000
"""The signatures of all modules go to one function, and half a kilobyte each must stay below 8 MB."""

LOOK_S = 0.25
"""How long a quiet event stream is waited on before the agents are looked at."""

DRAW_S = 0.1
"""How often the picture on a terminal changes at most."""

SAY_S = 2.0
"""How often it is printed where there is no terminal."""


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


@dataclass(frozen=True, slots=True)
class Step:
    """One of the demo's functions and what a call of it costs."""

    name: str
    code: Callable[..., Any]
    cost: Mapping[str, Amount]
    priority: int = 0


ANALYZE = Step("analyze", analysis.analyze, {"cpu": 1, "memory": 300})
SIGN = Step("signatures", analysis.signatures, {"gpu": 0.5, "cpu": 0.25, "memory": 200}, priority=1)
COMPARE = Step("compare", analysis.compare, {"cpu": 1, "memory": 500})


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


def run(sources: Sources, progress: Console | None, *, namespace: str | None = None) -> Report:
    """Analyze the sources on a cluster of the demo's own; `progress` shows how it goes, if it is given.

    Raises what the first function that fails raises, `AgentEnded`, and what starting a cluster may raise.
    """
    local = LocalCluster(NODES, namespace=namespace or DEFAULT_NAMESPACE)
    with local as cluster, _Screen(progress) as screen:
        course = _Course(local, cluster, screen)
        for batch in sources.batches:
            course.submit(ANALYZE, batch)
        analyses: list[Analysis] = []
        signed: list[Signatures] = []
        for step, value in course.results():
            if step is SIGN:
                signed.append(value)
                continue
            analyses.append(value)
            for prints in analysis.signature_batches(value["modules"]):
                course.submit(SIGN, prints)
        course.submit(COMPARE, [each["signatures"] for each in signed])
        pairs: list[Pair] = [pair for _, found in course.results() for pair in found["pairs"]]
        return summarize(
            sources.root,
            analyses,
            signed,
            pairs,
            ran=course.ran,
            peaks=peaks(course.events, cluster.discover_nodes()),
            held={node.name: amounts(node.used) for node in read_nodes(cluster.store)},
            elapsed_s=course.elapsed_s,
        )


@dataclass(slots=True)
class _Course:
    """What was submitted and is not over, what has ended, and every event from the first on."""

    _local: LocalCluster
    _cluster: Cluster
    _screen: _Screen
    ran: list[Ran] = field(default_factory=list)
    events: list[dict[str, str]] = field(default_factory=list)
    _submitted: Counter[str] = field(default_factory=Counter)
    _pending: dict[str, tuple[Step, Handle]] = field(default_factory=dict)
    _last: bytes = b"0-0"
    _started_s: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    def submit(self, step: Step, argument: Any) -> None:
        self._submitted[step.name] += 1
        id = f"{step.name}-{self._submitted[step.name]}"
        handle = self._cluster.enqueue(step.code, argument, cost=step.cost, priority=step.priority, job_id=id)
        self._pending[handle.id] = step, handle

    def results(self) -> Iterator[tuple[Step, Any]]:
        """Every result as it comes, until nothing is pending; more may be submitted in between."""
        while self._pending:
            self._screen.show(self._picture)
            for id in self._released():
                # A reservation is given back in the script that stores the result; without a result, by a lost node.
                if id in self._pending and self._pending[id][1].status in ("finished", "failed", "canceled"):
                    step, handle = self._pending.pop(id)
                    value = handle.result()
                    self.ran.append(_ran(step, handle, value))
                    yield step, value
        self._screen.show(self._picture)

    def _released(self) -> list[str]:
        """Follow the events; the functions whose reservations were given back."""
        found = self._cluster.events(self._last, block_s=LOOK_S)
        if not found:
            for node, agent in self._local.agents.items():
                if (status := agent.poll()) is not None:
                    raise AgentEnded(node, status)
            return []
        self._last = found[-1][0]
        self.events += (event for _, event in found)
        return [event["id"].rpartition(":")[0] for _, event in found if event["event"] == "released"]

    def _picture(self) -> Picture:
        store = self._cluster.store
        nodes = {
            node.name: {name: (use.used, use.capacity) for name, use in use_of(node).items()}
            for node in read_nodes(store)
        }
        waiting = [(str(shape), shape.count) for shape in read_waiting(store)]
        done = len(self.ran)
        return Picture(nodes, waiting, done, done + len(self._pending), elapsed_s=self.elapsed_s)


def _ran(step: Step, handle: Handle, value: Any) -> Ran:
    where = value["where"]
    return Ran(
        function=handle.id,
        step=step.name,
        node=where["node"] or handle.node or "",
        gpu="gpu" in step.cost,
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
