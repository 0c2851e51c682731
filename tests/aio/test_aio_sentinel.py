"""Behind Sentinel the asyncio client follows the master, and so do those that wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import handoff.aio
from handoff.client.cluster import Cluster
from support import need_redis_server
from support.agent import FakeAgent, ok
from support.sentinels import Watched
from support.waiting import LIMIT_S


def run_one(url: str) -> None:
    """Run a function on a node that comes now."""
    with Cluster(url) as cluster:
        agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
        agent.finish(*(ok(started.id, 7) for started in agent.take()))


@pytest.mark.slow
def test_calls_go_to_the_master_of_the_day_and_who_waits_is_answered_by_it(tmp_path: Any) -> None:
    need_redis_server()

    async def main(watched: Watched) -> None:
        async with handoff.aio.Cluster(watched.url) as cluster:
            handle = await cluster.enqueue("tasks:work", node="a")
            assert (await cluster.asking.way.ask("ROLE"))[0] == b"master"
            waiting = asyncio.create_task(handle.result(LIMIT_S))
            await asyncio.sleep(0)
            await asyncio.to_thread(watched.await_replication, watched.replica)
            await asyncio.to_thread(watched.fail_over)

            assert await handle.status() == "waiting"
            await asyncio.to_thread(run_one, watched.url)
            assert await asyncio.wait_for(waiting, LIMIT_S) == 7

    with Watched(tmp_path) as watched:
        asyncio.run(main(watched))
