"""`python -m local_tasks HOW FOLDER`: a program with a local cluster, for tests of what is left when it ends.

It says on one line what it has started, and then does what HOW names: `return` from its block, `raise` in it, or `wait`
for a signal. With a FOLDER, where a test has made a gate, it first submits one function to each node that stops there.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import NoReturn

import agent_tasks
from child_tasks import FOREVER_S
from handoff import LocalCluster

NODES = {"a": {"cpu": 2}, "b": {"cpu": 2}}


def stand_at_gate_with_company(folder: str) -> None:
    """Start a process of one's own, and stop at the gate."""
    subprocess.Popen(["sleep", str(FOREVER_S)])
    agent_tasks.pass_gate(folder)


def main() -> None:
    """Be the program."""
    how, *folder = sys.argv[1:]
    # A shell lets what it starts in the background ignore Ctrl-C, and so all that is started from there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    local = LocalCluster(nodes=NODES, lease=600)
    with local as cluster:
        for node in NODES if folder else ():
            cluster.enqueue(stand_at_gate_with_company, folder[0], node=node)
        print(json.dumps({"port": local.server.port, "redis": local.server.pid}), flush=True)
        # So that the test has seen everything before any of it ends.
        sys.stdin.readline()
        if how == "raise":
            raise RuntimeError("raised in the block")
        if how == "wait":
            _wait()


def _wait() -> NoReturn:
    while True:
        signal.pause()


if __name__ == "__main__":
    # As a module that nodes can import, which `__main__` is not.
    import local_tasks

    local_tasks.main()
