"""Functions are watched in an event loop as elsewhere: many on one connection, and an outage is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

import handoff.aio
from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger import housekeeping
from handoff.ledger.aio import streams
from handoff.ledger.watching import FunctionState
from handoff.local.server import RedisServer
from support.agent import FakeAgent, ok
from support.link import Link
from support.waiting import LIMIT_S


async def told_next(states: AsyncIterator[FunctionState]) -> tuple[str, float | None]:
    state = await asyncio.wait_for(anext(states), LIMIT_S)
    return state.status, state.progress.fraction if state.progress else None


def test_each_of_many_is_given_what_its_function_says_and_its_end(
    server: RedisServer, beside: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody looks by the clock, and no read on the server ends by itself.
    monkeypatch.setattr(housekeeping, "WAIT_SLICE_S", LIMIT_S)
    monkeypatch.setattr(streams, "FIRST_LOOK_S", LIMIT_S)
    monkeypatch.setattr(streams, "BLOCK_S", 1000.0)
    agent = FakeAgent(beside.store, "a", {"slots": 20}).register()

    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            handles = [await cluster.enqueue("tasks:work", node="a") for _ in range(20)]
            ids = {started.job_id: started.id for started in await asyncio.to_thread(agent.take, 20)}
            watched = [handle.watch() for handle in handles]
            assert [await told_next(states) for states in watched] == [("started", None)] * 20

            waiting = [asyncio.create_task(told_next(states)) for states in watched]
            await asyncio.to_thread(agent.tell, *((ids[each.id], "progress", 0.5, "") for each in handles))
            assert await asyncio.gather(*waiting) == [("started", 0.5)] * 20

            waiting = [asyncio.create_task(told_next(states)) for states in watched]
            for handle in handles:
                await asyncio.to_thread(agent.finish, ok(ids[handle.id]))
            assert await asyncio.gather(*waiting) == [("finished", 0.5)] * 20
            assert [[state async for state in states] for states in watched] == [[]] * 20

    asyncio.run(main())


def test_while_redis_is_away_who_watches_is_told_so_and_not_kept_waiting(server: RedisServer, beside: Cluster) -> None:
    async def main() -> None:
        link = Link(server.port)
        async with handoff.aio.Cluster(link.url(server.url), namespace=beside.namespace, timeout=0.2) as cluster:
            states = (await cluster.enqueue("tasks:work", node="static")).watch()
            assert await told_next(states) == ("queued", None)
            link.close()

            with pytest.raises(StoreUnavailable):
                await told_next(states)

    asyncio.run(main())


def test_the_other_client_is_told_so_too(server: RedisServer, beside: Cluster) -> None:
    link = Link(server.port)
    with handoff.Cluster(link.url(server.url), namespace=beside.namespace, timeout=0.2) as cluster:
        states = cluster.enqueue("tasks:work", node="static").watch()
        next(states)
        link.close()

        with pytest.raises(StoreUnavailable):
            next(states)
