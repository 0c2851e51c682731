"""scripts/hosts makes hosts whose wires are bent by hand, and leaves nothing behind."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from handoff import Cluster
from support import need_redis_server
from support.deadlines import end_lease
from support.events import await_event, newest
from support.hosts.network import need_namespaces
from support.processes import await_end, environment
from support.waiting import LIMIT_S

pytestmark = pytest.mark.slow

Running = subprocess.Popen[str]


@pytest.fixture
def running() -> Iterator[Running]:
    need_redis_server()
    need_namespaces()
    with subprocess.Popen(
        [sys.executable, "-m", "support.hosts"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def until(running: Running, said: str) -> str:
    """Read what it says up to a line that has this."""
    assert running.stdout is not None
    return next(line for line in running.stdout if said in line)


def test_a_node_is_cut_off_and_healed_by_hand_and_nothing_is_left_at_the_end(running: Running) -> None:
    assert running.stdin is not None
    [address] = re.findall(r"HANDOFF_REDIS_URL='(\S+)'", until(running, "export"))
    family = psutil.Process(running.pid).children(recursive=True)
    with Cluster(address) as cluster:
        assert cluster.discover_nodes()["c"]["licence"] == 1
        running.stdin.write("cut c\n")
        running.stdin.flush()
        until(running, "is_cut=True")
        before = newest(cluster)
        end_lease(cluster, "c")
        cluster.enqueue("operator:neg", 1)
        await_event(cluster, before, event="node", change="lost", node="c")
        running.stdin.write("heal c\n")
        running.stdin.flush()
        await_event(cluster, before, event="node", change="registered", node="c")

    running.stdin.close()
    assert running.wait(LIMIT_S) == 0
    await_end(family)
