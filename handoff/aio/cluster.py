"""The client for asyncio: one namespace on one Redis, for whoever submits functions from an event loop."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Any, Self

import redis
import redis.asyncio

from handoff.aio.handle import Handle
from handoff.aio.run_handle import Attendant, RunHandle
from handoff.books.allocator import Allocator
from handoff.client.recurring import RecurringCalls
from handoff.client.settings import DEFAULT_TIMEOUT_S, check_settings, given_client, stand_in_for
from handoff.ledger.address import address_of, url_of
from handoff.ledger.aio.asking import AskingInLoop
from handoff.ledger.results import RunResult
from handoff.ledger.server_faults import tell_once
from handoff.ledger.verdict import Verdict
from handoff.serializer import SerializerLike
from handoff.words.address import DEFAULT_NAMESPACE
from handoff.words.durability import Durability
from handoff.words.function import Strategy
from handoff.words.variants import Cost


class Cluster(RecurringCalls[Handle, RunHandle]):
    """One namespace on one Redis, for asyncio: the calls of `handoff.Cluster`, awaited.

        async with handoff.aio.Cluster(url) as cluster:
            handle = await cluster.enqueue(resize, "cat.png", cost={"cpu": 1})
            print(await handle.status(), await handle.result(timeout=60))

    It is made without connecting, in or out of an event loop, and may be used from several, one after the other or in
    several threads: each has connections of its own, which `close` closes for the one in which it is called. Give a
    URL, or a connection of `redis.asyncio` (also fakeredis' `FakeAsyncRedis`) or of `redis`, whose settings are copied.
    The options are those of `handoff.Cluster`. A call that is canceled may have been done all the same; with a `job_id`
    of your own you can ask again. An `allocator` is called in the event loop.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        connection: redis.asyncio.Redis | redis.Redis | None = None,
        namespace: str = DEFAULT_NAMESPACE,
        default_cost: Cost | None = None,
        serializer: str | SerializerLike | None = None,
        allocator: Allocator | None = None,
        strategy: Strategy = "first_available",
        durability: Durability = "memory",
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        kinds = {"redis.asyncio.Redis": redis.asyncio.Redis, "redis.Redis": redis.Redis}
        check_settings(url, connection, kinds, namespace, timeout)
        stand_in = stand_in_for(url, connection)
        self.asking: AskingInLoop
        if stand_in is None:
            given: Any = given_client(url) if connection is None else connection
            self.asking = self._open(given, namespace, timeout)
        else:
            given, self.asking = stand_in.connection, stand_in.open_in_loop(namespace, timeout)
        self._given = given
        super().__init__(
            self.asking,
            default_cost=default_cost,
            serializer=serializer,
            allocator=allocator,
            strategy=strategy,
            durability=durability,
        )
        self.namespace = namespace
        #: Those that have ended are forgotten by themselves.
        self._attendants: weakref.WeakSet[Attendant] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"Cluster({self.asking.address!r}, namespace={self.namespace!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; nothing that was submitted is touched, but that attached runs are left alone."""
        for attendant in list(self._attendants):
            attendant.stop()
        await self.asking.close()

    @property
    def connection(self) -> redis.asyncio.Redis:
        """The cluster's own `redis.asyncio.Redis`, in the event loop that runs: answers bytes."""
        return self.asking.way.client

    @property
    def url(self) -> str:
        """A URL with which other clients reach the same server: with its password, so not for logs."""
        return url_of(self._given)

    def _open(self, given: Any, namespace: str, timeout_s: float) -> AskingInLoop:
        address = address_of(given)
        return AskingInLoop(given, namespace, address, when_reached=self._look_at_server, timeout_s=timeout_s)

    async def _look_at_server(self) -> None:
        await tell_once(self.asking)

    def _handle(self, job_id: str, function_id: str, verdict: Verdict | None, *, is_new: bool) -> Handle:
        return Handle(self.asking, self.serializer, job_id, function_id, verdict, is_new=is_new)

    def _run_handle(self, id: str, instance: str, *, attend: bool) -> RunHandle:
        attendant = None
        if attend:
            attendant = Attendant(self.asking, instance)
            self._attendants.add(attendant)
        return RunHandle(self.asking, self.serializer, id, instance, attendant)

    async def _result(self, run: RunHandle) -> RunResult:
        return await run.result()
