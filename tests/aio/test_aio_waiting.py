"""Thousands may wait for results in one event loop: they share one connection, which is woken for whoever comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import handoff.aio
from handoff.client.cluster import Cluster
from handoff.errors import FunctionCanceled
from handoff.ledger.aio import streams
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.agent import FakeAgent, ok
from support.users import add_user
from support.waiting import LIMIT_S


def within(call: Awaitable[Any]) -> Any:
    return asyncio.wait_for(call, LIMIT_S)


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait in the loop for what gives no sign of itself."""

    async def look() -> None:
        while not await holds():
            await asyncio.sleep(0.01)

    try:
        await within(look())
    except TimeoutError:
        raise AssertionError(what) from None


async def readers(cluster: handoff.aio.Cluster) -> list[dict[str, str]]:
    """The connections that wait on the server for entries of streams."""
    clients: Any = await cluster.connection.client_list()
    return [each for each in clients if each["cmd"] == "xread" and "b" in each["flags"]]


@pytest.fixture
def agent(beside: Cluster) -> FakeAgent:
    return FakeAgent(beside.store, "a", {"slots": 2000}).register()


def play(agent: FakeAgent, count: int) -> None:
    """Run so many functions; each gives its id."""
    for started in agent.take(count):
        agent.finish(ok(started.id, started.job_id))


def serve(url: str) -> None:
    """Run three functions on a node that comes now."""
    with Cluster(url) as cluster:
        play(FakeAgent(cluster.store, "a", {"slots": 3}).register(), 3)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is woken by the end of a read: it waits for longer than a test."""
    monkeypatch.setattr(streams, "BLOCK_S", 1000.0)


def test_a_thousand_that_wait_share_one_connection(server: RedisServer, beside: Cluster, agent: FakeAgent) -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            handles = await cluster.submit_many([Function(f"f{n}", "tasks:work", node="a") for n in range(1000)])
            waiting = [asyncio.create_task(handle.result(LIMIT_S)) for handle in handles]

            seen: list[dict[str, str]] = []

            async def all_wait() -> bool:
                seen[:] = await readers(cluster)
                return cluster.asking.way.streams.spaced(0) == 1000 / streams.LOOKS_PER_S and bool(seen)

            await until(all_wait, "all of them wait")
            assert len(seen) == 1
            await asyncio.to_thread(play, agent, 1000)

            assert await within(asyncio.gather(*waiting)) == [handle.id for handle in handles]

    asyncio.run(main())


@pytest.mark.usefixtures("calls")
def test_who_comes_while_others_wait_is_waited_for_at_once(
    server: RedisServer, beside: Cluster, agent: FakeAgent
) -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            never = asyncio.create_task((await cluster.enqueue("tasks:work", node="static")).result(LIMIT_S))

            async def waits() -> bool:
                return bool(await readers(cluster))

            await until(waits, "the first waits on the server")
            handle = await cluster.enqueue("tasks:work", node="a")
            later = asyncio.create_task(handle.result(LIMIT_S))
            await asyncio.sleep(0)
            await asyncio.to_thread(play, agent, 1)

            assert await within(later) == handle.id
            assert not never.done()
            never.cancel()

    asyncio.run(main())


def test_where_nobody_may_wake_the_one_that_waits_it_looks_by_itself(
    server: RedisServer, beside: Cluster, agent: FakeAgent
) -> None:
    url = add_user(server, "+@all", "-client|unblock", "-client|id", "~*", "&*")

    async def main() -> None:
        async with handoff.aio.Cluster(url, namespace=beside.namespace) as cluster:
            first, second = [await cluster.enqueue("tasks:work", node="a") for _ in range(2)]
            waiting = asyncio.gather(first.result(LIMIT_S), second.result(LIMIT_S))
            await asyncio.sleep(0)
            await asyncio.to_thread(play, agent, 2)

            assert await within(waiting) == [first.id, second.id]

    asyncio.run(main())


def test_who_no_longer_waits_leaves_the_others_waiting(server: RedisServer, beside: Cluster, agent: FakeAgent) -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            handle = await cluster.enqueue("tasks:work", node="a")
            gone, stays, other = [asyncio.create_task(handle.result(LIMIT_S)) for _ in range(3)]
            await asyncio.sleep(0)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            await asyncio.to_thread(play, agent, 1)

            assert await within(asyncio.gather(stays, other)) == [handle.id, handle.id]

    asyncio.run(main())


def test_who_waits_is_told_of_a_cancel_and_of_what_rq_deleted(server: RedisServer, beside: Cluster) -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            canceled, deleted = [await cluster.enqueue("tasks:work", node="static") for _ in range(2)]
            waiting = asyncio.gather(canceled.result(LIMIT_S), deleted.result(LIMIT_S), return_exceptions=True)
            await asyncio.sleep(0)
            assert await canceled.cancel()
            await asyncio.to_thread(lambda: beside.handle(deleted.id).job.delete())

            told = await within(waiting)
            assert [type(each).__name__ for each in told] == ["FunctionCanceled", "UnknownFunction"]
            assert isinstance(told[0], FunctionCanceled)

    asyncio.run(main())


def test_those_that_wait_go_on_when_redis_was_away(beside: Cluster) -> None:
    async def main() -> None:
        with RedisServer(appendonly=True) as server:
            async with handoff.aio.Cluster(server.url) as cluster:
                handles = [await cluster.enqueue("tasks:work", node="a") for _ in range(3)]
                waiting = asyncio.gather(*(handle.result() for handle in handles))
                await asyncio.sleep(0)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.restart)
                await asyncio.to_thread(serve, server.url)

                assert await within(waiting) == [handle.id for handle in handles]

    asyncio.run(main())
