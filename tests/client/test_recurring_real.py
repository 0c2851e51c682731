"""What recurs, with agents of which one is killed as a moment comes."""

from __future__ import annotations

import os
import signal

import pytest

from handoff import LocalCluster
from handoff.words.recurring import moment_text
from support.waiting import wait_until


@pytest.mark.slow
def test_each_moment_has_one_run_though_an_agent_is_killed_as_one_comes() -> None:
    local = LocalCluster(nodes={"a": {"cpu": 2}, "b": {"cpu": 2}}, lease=3.0)
    with local as cluster:
        schedule = cluster.every("tick", 1, "time:sleep", 0, overlap="run", max_retries=3)
        assert schedule.next is not None
        first_ms = round(schedule.next.timestamp() * 1000)
        wait_until(lambda: cluster.schedules()[0].runs >= 2, "it has run twice")

        os.kill(local.agents["a"].pid, signal.SIGKILL)
        before = cluster.schedules()[0].runs
        wait_until(lambda: cluster.schedules()[0].runs >= before + 3, "it goes on")
        cluster.remove_schedule("tick")

        start = cluster.store.keys("rq_job", "")
        found = sorted(key.decode().removeprefix(start) for key in cluster.connection.scan_iter(f"{start}tick-*"))
        # What a busy machine was too late for is caught up once: no moment has two, and none is of another.
        assert len(found) == len(set(found)) >= before + 3
        assert set(found) <= {f"tick-{moment_text(first_ms + 1000 * number)}" for number in range(600)}
        for id in found:
            cluster.handle(id).result(60)
