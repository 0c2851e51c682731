"""What recurs, with agents of which one is killed as a moment comes."""

from __future__ import annotations

import os
import signal

import pytest

from handoff import LocalCluster
from handoff.ledger.clock import now_of
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

        seen = cluster.schedules()[0]
        assert seen.next is not None
        next_ms = seen.next.timestamp() * 1000
        wait_until(lambda: now_of(cluster.store) >= next_ms, "the next moment has come")
        os.kill(local.agents["a"].pid, signal.SIGKILL)
        wait_until(lambda: cluster.schedules()[0].runs >= seen.runs + 3, "it goes on")
        runs = cluster.pause_schedule("tick").runs

        start = cluster.store.keys("rq_job", "")
        found = sorted(key.decode().removeprefix(start) for key in cluster.connection.scan_iter(f"{start}tick-*"))
        # What a busy machine was too late for is caught up once: each run has a moment of its own, and none another's.
        assert len(found) == runs
        assert set(found) <= {f"tick-{moment_text(first_ms + 1000 * number)}" for number in range(600)}
        for id in found:
            cluster.handle(id).result(60)
