"""The allocation-quality protocol of Weng et al., "Beware of Fragmentation" (USENIX ATC'23), on their trace.

Owns the trace, the order in which requests are offered, and plain books of real devices that refuse what does not fit.
Knows no tracker: whoever allocates is asked through a function.
"""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from handoff.words.resources import Number

FOLDER = "alibaba-gpu-2023"
VARIABLE = "HANDOFF_TRACES"
MILLI = 1000
"""Thousandths of a device."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the trace."""

    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int

    def capabilities(self) -> dict[str, Number]:
        """What it registers with."""
        return {"cpu": Fraction(self.cpu_milli, MILLI), "memory": self.memory_mib, "gpu": self.gpus}


@dataclass(frozen=True, slots=True)
class Request:
    """One pod of the trace: whole devices, a share of one, or none."""

    cpu_milli: int
    memory_mib: int
    gpus: int
    gpu_milli: int  #: of each device

    @property
    def gpu_total(self) -> int:
        """Thousandths of a device that it asks for in all."""
        return self.gpus * self.gpu_milli

    def cost(self) -> dict[str, Number]:
        """What it costs."""
        gpu = Fraction(self.gpu_total, MILLI)
        return {"cpu": Fraction(self.cpu_milli, MILLI), "memory": self.memory_mib, "gpu": gpu}


@dataclass(frozen=True, slots=True)
class Unallocated:
    """The share of all GPU capacity that nobody holds, from 0 to 1."""

    at_100: float  #: when requests for 100 % of the capacity have been offered
    at_130: float
    offered: int  #: requests until then


Decision = tuple[str, Sequence[int]] | None
"""Name of the node and indices of its devices, or None: refused."""


class DoesNotFit(AssertionError):
    """A placement that the real devices could not have taken."""


def find_trace() -> Path | None:
    """The folder of the trace: in HANDOFF_TRACES, or in a `data` folder of a directory beside the checkout."""
    if named := os.environ.get(VARIABLE):
        places = [Path(named), Path(named) / FOLDER]
    else:
        places = [data / FOLDER for data in sorted(ROOT.parent.glob("*/data"))]
    return next((place for place in places if (place / "openb_pod_list_default.csv").is_file()), None)


def how_to_get_it() -> str:
    """One sentence for whoever has no trace."""
    return (
        f"the trace {FOLDER} is not here: set {VARIABLE} to a folder with openb_node_list_gpu_node.csv and "
        "openb_pod_list_default.csv of github.com/hkust-adsl/kubernetes-scheduler-simulator"
    )


def read_nodes(trace: Path) -> list[Node]:
    """All GPU nodes, in the order of the file. Their GPU models are left out: the default list asks for none."""
    with (trace / "openb_node_list_gpu_node.csv").open(encoding="utf-8", newline="") as file:
        return [
            Node(row["sn"], int(row["cpu_milli"]), int(row["memory_mib"]), int(row["gpu"]))
            for row in csv.DictReader(file)
        ]


def read_requests(trace: Path) -> list[Request]:
    """All requests, in the order of the file."""
    with (trace / "openb_pod_list_default.csv").open(encoding="utf-8", newline="") as file:
        return [
            Request(int(row["cpu_milli"]), int(row["memory_mib"]), int(row["num_gpu"]), int(row["gpu_milli"]))
            for row in csv.DictReader(file)
        ]


class Protocol:
    """One seed's order of nodes and requests."""

    def __init__(self, trace: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self.nodes = read_nodes(trace)
        self._requests = read_requests(trace)
        self._random.shuffle(self.nodes)
        self._random.shuffle(self._requests)
        self._capacity = sum(node.gpus for node in self.nodes) * MILLI

    def run(self, decide: Callable[[Request], Decision]) -> Unallocated:
        """Offer requests until 130 % of the GPU capacity has been asked for; a refusal is dropped, nothing leaves.

        Raises `DoesNotFit` for a placement that the real devices could not have taken.
        """
        devices = Devices(self.nodes)
        asked = allocated = 0
        at_100: float | None = None
        for offered, request in enumerate(self.requests()):
            if at_100 is None and asked >= self._capacity:
                at_100 = 1 - allocated / self._capacity
            if asked >= 1.3 * self._capacity:
                return Unallocated(at_100 or 0.0, 1 - allocated / self._capacity, offered)
            decision = decide(request)
            if decision is not None:
                devices.take(request, *decision)
                allocated += request.gpu_total
            asked += request.gpu_total
        raise AssertionError("the stream of requests has no end")

    def requests(self) -> Iterator[Request]:
        """All requests in random order, then, without end, any of them again."""
        yield from self._requests
        while True:
            yield self._random.choice(self._requests)


class Devices:
    """What is free on every real node and device, in thousandths and MiB."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._cpu = {node.name: node.cpu_milli for node in nodes}
        self._memory = {node.name: node.memory_mib for node in nodes}
        self._gpus = {node.name: [MILLI] * node.gpus for node in nodes}

    def first_fit(self, request: Request) -> Decision:
        """The first node with room: idle devices of lowest index, or for a share the fullest that still has room."""
        for node, gpus in self._gpus.items():
            if self._cpu[node] < request.cpu_milli or self._memory[node] < request.memory_mib:
                continue
            room = [index for index, free in enumerate(gpus) if free >= request.gpu_milli]
            if request.gpu_milli < MILLI:
                room.sort(key=lambda index: gpus[index])
            if len(room) >= request.gpus:
                return node, room[: request.gpus]
        return None

    def take(self, request: Request, node: str, indices: Sequence[int]) -> None:
        """Book one placement. Raises `DoesNotFit`."""
        if len(set(indices)) != request.gpus:
            raise DoesNotFit(f"{request} was given devices {list(indices)} of {node}")
        self._cpu[node] -= request.cpu_milli
        self._memory[node] -= request.memory_mib
        for index in indices:
            self._gpus[node][index] -= request.gpu_milli
        if min(self._cpu[node], self._memory[node], *self._gpus[node]) < 0:
            raise DoesNotFit(
                f"{request} on devices {list(indices)} leaves {node} with {self._cpu[node]} milli of cpu, "
                f"{self._memory[node]} MiB and {self._gpus[node]} milli of its devices"
            )
