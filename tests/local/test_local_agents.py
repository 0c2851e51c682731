"""The agents of a local cluster go with it."""

from __future__ import annotations

import subprocess
import sys

import psutil

from support.processes import await_end, environment


def test_the_agents_of_a_local_cluster_end_with_the_process_that_started_them() -> None:
    program = """
import sys
from handoff import LocalCluster
local = LocalCluster(nodes={"a": {"cpu": 1}, "b": {"cpu": 1}})
with local:
    print(local.server.pid, *(agent.pid for agent in local.agents.values()), flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        started = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
        family = [*started, *(child for each in started for child in each.children(recursive=True))]

        process.kill()

        assert len(started) == 3
        await_end(family)
