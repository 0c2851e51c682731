"""The three scenes of the demo: the same functions without enforcement, with it, and with `on_memory_exceeded="grow"`.

Whoever comes next starts when the one before has come to rest, so that it does not matter how fast the machine is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from handoff import Cluster, Handle, HandoffError, LocalCluster, MemoryExceeded
from handoff.ledger.learned import LearnedCost, read_learned
from memory_demo.functions import liar, neighbour
from memory_demo.kernel import Kernel

NODE, NODE_MB = "node1", 4000

LEASE_S = 6.0
"""Of its node: what was used is told at heartbeats, three in that time."""

LIMIT_S = 120.0
"""For how long something is waited for that takes a second."""

LOOK_S = 0.2
"""Between two looks whether a heartbeat has told what was used."""


@dataclass(frozen=True, slots=True)
class Part:
    """A function of each scene, in MB of a node of `NODE_MB`."""

    name: str
    says: int
    takes: int

    @property
    def keeps_its_word(self) -> bool:
        return self.takes <= self.says

    def scaled(self, scale: int) -> Part:
        return Part(self.name, self.says // scale, self.takes // scale)


PARTS = (*(Part(f"neighbour-{n}", 1000, 950) for n in (1, 2)), *(Part(f"liar-{n}", 500, 900) for n in (1, 2, 3, 4)))
"""What they say is what the node has; what they take is 1,500 MB more. The largest are not those that lie."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How the node is started, and what the functions are submitted with."""

    name: str
    enforce: bool
    on_exceeded: Literal["fail", "grow"]
    last: int  #: the attempt of a liar that nobody stops


SCENES = (
    Scene("enforcement off", False, "fail", 1),
    Scene("enforcement on", True, "fail", 2),
    Scene('enforcement on, on_memory_exceeded="grow"', True, "grow", 2),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a function."""

    part: Part
    outcome: Literal["ran", "stopped", "killed"]  #: stopped by its agent, killed by who plays the kernel
    attempts: int
    why: str  #: the error; "" of what ran


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scene."""

    scene: Scene
    node_mb: int
    ended: list[Ended]
    killed_mb: list[int]  #: what each had that was killed
    costs: list[LearnedCost]  #: [] where not all ran
    told: str  #: by `handoff costs`; "" where not all ran


def play(scene: Scene, scale: int, tell: Callable[[str], None]) -> Played:
    """Play a scene on a node of its own, all sizes divided by `scale`; `tell` is told what happens."""
    parts = [part.scaled(scale) for part in PARTS]
    mb = NODE_MB // scale
    local = LocalCluster({NODE: {"cpu": len(parts), "memory": mb}}, lease=LEASE_S, enforce=scene.enforce)
    with local as cluster, _gate() as (gate, unlock), Kernel(local.agents[NODE].pid, mb) as kernel:
        handles = []
        for part in parts:
            tell(f"{scene.name}: {part.name} says {part.says} MB and takes {part.takes}")
            last = 1 if part.keeps_its_word else scene.last
            handles.append(handle := _submit(cluster, scene, part, gate, last))
            _await_rest(handle, last)
        tell(f"{scene.name}: whoever is left goes home")
        unlock()
        ended = [_end(handle, part) for handle, part in zip(handles, parts, strict=True)]
        if any(each.outcome != "ran" for each in ended):
            return Played(scene, mb, ended, kernel.killed, [], "")
        costs = _await_costs(cluster, parts)
        return Played(scene, mb, ended, kernel.killed, costs, _told_by_command(cluster))


@contextlib.contextmanager
def _gate() -> Iterator[tuple[str, Callable[[], None]]]:
    """A file that is locked until the second is called, or the block is left."""
    with tempfile.NamedTemporaryFile(prefix="handoff-gate-") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.name, lambda: fcntl.flock(file, fcntl.LOCK_UN)


def _submit(cluster: Cluster, scene: Scene, part: Part, gate: str, last: int) -> Handle:
    return cluster.enqueue(
        _function_of(part),
        part.takes,
        gate,
        last,
        cost={"cpu": 1, "memory": part.says},
        on_memory_exceeded=scene.on_exceeded,
    )


def _function_of(part: Part) -> Callable[[int, str, int], int]:
    return neighbour if part.keeps_its_word else liar


def _await_rest(handle: Handle, last: int) -> None:
    """Wait until it has ended, waits for room, or has in the attempt `last` all that it takes."""
    for state in handle.watch(LIMIT_S):
        if state.status == "waiting":
            return
        told = state.progress
        if told is not None and (told.fraction, told.attempt) == (1, last):
            return


def _end(handle: Handle, part: Part) -> Ended:
    try:
        handle.result(LIMIT_S)
    except MemoryExceeded as error:
        return Ended(part, "stopped", handle.attempts, str(error))
    except HandoffError as error:
        return Ended(part, "killed", handle.attempts, str(error))
    return Ended(part, "ran", handle.attempts, "")


def _await_costs(cluster: Cluster, parts: list[Part]) -> list[LearnedCost]:
    """Wait for the heartbeats that tell what all of them have used, in their last attempts too."""
    deadline_s = time.monotonic() + LIMIT_S
    while True:
        costs = read_learned(cluster.store)
        if all(_is_told(costs, [part for part in parts if part.keeps_its_word is kind]) for kind in (True, False)):
            return costs
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"no heartbeat has told within {LIMIT_S:g} s what functions have used")
        time.sleep(LOOK_S)


def _is_told(costs: list[LearnedCost], parts: list[Part]) -> bool:
    name = f".{_function_of(parts[0]).__name__}"
    return any(
        each.count >= len(parts) and each.memory is not None and each.memory.max >= parts[0].takes
        for each in costs
        if each.function.endswith(name)
    )


def _told_by_command(cluster: Cluster) -> str:
    # Its address has a password, which does not belong on a command line that everybody can read.
    environment = {**os.environ, "HANDOFF_REDIS_URL": cluster.url, "COLUMNS": "150"}
    command = [sys.executable, "-m", "handoff", "costs", "--namespace", cluster.namespace]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.rstrip()
