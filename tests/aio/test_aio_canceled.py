"""A call that is canceled, at whatever moment, leaves nothing behind that another call would be given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import fakeredis
import pytest

import handoff.aio
from handoff.client.cluster import Cluster
from handoff.ledger.aio import connection
from handoff.local.server import RedisServer
from support.waiting import LIMIT_S

Call = Callable[[handoff.aio.Cluster], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "a script": lambda cluster: cluster.discover_nodes(),
    "a plain read": lambda cluster: cluster.events(),
    "a submit": lambda cluster: cluster.enqueue("tasks:work"),
    "many in one trip": lambda cluster: cluster.runs(),
}


async def cancel_at_each_step(cluster: handoff.aio.Cluster, call: Call, steps: int) -> None:
    await cluster.register_node("only", {"cpu": 7})
    for step in range(steps):
        task = asyncio.ensure_future(call(cluster))
        for _ in range(step):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert await cluster.discover_nodes() == {"only": {"cpu": 7}}


@pytest.mark.parametrize("name", CALLS)
def test_the_next_call_gets_its_own_reply(
    server: RedisServer, beside: Cluster, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # One connection, which every call has to take.
    monkeypatch.setattr(connection.Pool.__init__, "__defaults__", (None, 1))

    beside.deregister_node("static")

    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            await cancel_at_each_step(cluster, CALLS[name], 12)

    asyncio.run(main())


def test_on_fakeredis_too() -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(connection=fakeredis.FakeAsyncRedis()) as cluster:
            for call in CALLS.values():
                await cancel_at_each_step(cluster, call, 5)

    asyncio.run(main())


class Resting:
    """A connection on which nothing is on its way."""

    is_connected = True

    async def connect(self) -> None:
        return


def test_who_is_canceled_in_the_moment_in_which_it_is_given_a_connection_passes_it_on() -> None:
    async def main() -> None:
        pool = connection.Pool(Resting, {}, most=1)
        only = await pool.take()
        given = asyncio.create_task(pool.take())
        await asyncio.sleep(0)
        pool.put(only)
        given.cancel()
        await asyncio.wait({given})

        assert given.cancelled()
        assert await asyncio.wait_for(pool.take(), LIMIT_S) is only

    asyncio.run(main())


def test_of_more_calls_than_connections_each_is_answered_and_who_is_canceled_keeps_none_waiting(
    server: RedisServer, beside: Cluster
) -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            handle = await cluster.enqueue("tasks:work", node="static")
            calls = [asyncio.ensure_future(handle.status()) for _ in range(8 * connection.MOST)]
            await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()

            assert set(await asyncio.gather(*calls[1::2])) == {"queued"}
            clients: Any = await cluster.connection.client_list()
            assert len({each["id"] for each in clients}) <= connection.MOST + 4

    asyncio.run(main())
