"""Functions of the graphs that the tests run on nodes, and a client to be left alone or killed.

`python -m graph_steps HOW URL NAMESPACE RUN FOLDER` submits a graph whose first function stops at the gate in FOLDER,
says so on one line, and then does what HOW names: `leave`, `stay` until it is killed, or `attend` the run until then.
With `await` it submits nothing, and says what comes of a run that another process has submitted.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import agent_tasks
from handoff import DAG, Cluster, Function, this_node
from handoff.ledger import runs


@dataclass(frozen=True)
class Point:
    """What msgpack does not carry."""

    x: int
    y: int


def make_point(x: int, y: int) -> Point:
    return Point(x, y)


def as_pair(point: Point, source: str) -> tuple[int, int]:
    return point.x, point.y


def as_point(pair: tuple[int, int], source: str, target: str, scale: int) -> Point:
    return Point(pair[0] * scale, pair[1] * scale)


def sum_of(point: Point) -> int:
    return point.x + point.y


def sent(pid: int, source: str, *static: object) -> list[object]:
    """Serialize a process id: say whether it is this process's own, what was given, and where that was."""
    return [pid == os.getpid(), source, *static, this_node()]


def received(value: object, source: str, target: str, *static: object) -> list[object]:
    """Deserialize: say what was given, and where that was."""
    return [value, source, target, *static, this_node()]


def with_my_pid(*values: object) -> list[object]:
    return [*values, os.getpid()]


def zeros(count: int) -> bytes:
    return bytes(count)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def total(numbers: Sequence[int]) -> int:
    return sum(numbers)


def nothing(*_: object) -> None:
    """Return at once."""


def where(*_: object) -> str:
    return this_node()


def fail(*_: object) -> None:
    agent_tasks.fail("no")


def count(*_: object, key: str) -> object:
    """Say how many have run by now that count under this key."""
    return agent_tasks.count(key)


def be_killed_once(*values: object) -> list[object]:
    """Die at the first attempt; say at the second what it was called with."""
    return [*values, agent_tasks.be_killed_once()]


def pass_gate(*values: object, folder: str) -> object:
    """Stop at the gate; return what it was called with, and the node."""
    return agent_tasks.pass_gate(folder, [*values, this_node()])


def pass_gate_and_fail(*_: object, folder: str) -> None:
    agent_tasks.pass_gate(folder)
    agent_tasks.fail("behind the gate")


def graph(id: str, folder: str) -> DAG:
    """Build what the client submits."""
    dag = DAG(id)
    dag.add(Function("first", pass_gate, kwargs={"folder": folder}, extra_args=(1,), node="a"))
    return dag.add(Function("last", agent_tasks.echo, args=("first",), node="b"))


def main() -> None:
    """Be the client."""
    how, url, namespace, id, folder = sys.argv[1:]
    with Cluster(url, namespace=namespace) as cluster:
        if how == "await":
            result = cluster.run(id).result()
            print(json.dumps([result.results, result.allocations]))
            return
        # On a busy machine the client's word may come late.
        runs.ATTENDED_MS = 3_600_000
        cluster.submit_dag(graph(id, folder), attached=how == "attend")
        print("submitted", flush=True)
        if how != "leave":
            signal.pause()


if __name__ == "__main__":
    # As a module that nodes can import, which `__main__` is not.
    import graph_steps

    graph_steps.main()
