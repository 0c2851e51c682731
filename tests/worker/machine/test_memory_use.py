"""How much memory processes have is read without their help."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from handoff_worker.machine.memory_use import MB, proportional, resident, tree

_HOLDS = "held = b'x' * (100 * 2**20); import sys; print(flush=True); sys.stdin.read()"

_SHARES = "import os, sys; held = b'x' * (100 * 2**20); pid = os.fork(); pid and print(flush=True); sys.stdin.read()"


@pytest.fixture(params=[_HOLDS, _SHARES], ids=["one", "two that share"])
def pid(request: pytest.FixtureRequest) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", request.param], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate()


def test_what_processes_share_counts_once(pid: int) -> None:
    assert proportional(tree(pid)) // MB in range(100, 150)


def test_what_is_resident_is_never_less(pid: int) -> None:
    pids = tree(pid)

    assert resident(pids) // MB in range(100 * len(pids), 150 * len(pids))


def test_a_process_that_is_gone_has_none() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass

    assert resident([process.pid]) == proportional([process.pid]) == 0
    assert tree(process.pid) == []


def test_those_below_are_found() -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        assert process.pid in tree(os.getpid())
        process.communicate()
