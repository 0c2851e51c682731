"""The asyncio client as tests of the other one call it: an event loop in a thread, in which each call is awaited."""

from __future__ import annotations

import asyncio
import inspect
import threading
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

import fakeredis
import redis

import handoff.aio
from handoff.client.cluster import Cluster
from handoff.errors import NotDurable, PartlySubmitted, UnknownFunction
from handoff.ledger.rqmodel import fetch_job
from handoff.ledger.store import Store, own_client
from support.waiting import LIMIT_S


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Await a call there. -> what it gives"""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(LIMIT_S)

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()


class StoreBeside(Store):
    """A store for the agents of a test, whose clock is the client's too."""

    def __init__(self, client: redis.Redis, cluster: handoff.aio.Cluster) -> None:
        super().__init__(client, cluster.namespace)
        self._cluster = cluster

    @property
    def now_ms(self) -> int:
        return self._cluster.asking.now_ms

    @now_ms.setter
    def now_ms(self, now_ms: int) -> None:
        self._cluster.asking.now_ms = self.asking.now_ms = now_ms


_READ_AT_ONCE = ("status", "node", "devices", "attempts", "progress")
"""What is a property of a handle of the other client, or of a run's."""


class Driven:
    """Something whose calls are awaited in a loop, and seem to return what they give."""

    def __init__(self, loop: Loop, inner: Any, store: Store, connection: redis.Redis) -> None:
        self._loop, self._inner = loop, inner
        self.store, self.connection = store, connection

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name == "tracker":
            return self._wrap(found, always=True)
        if name == "as_completed":
            return lambda *args, **kwargs: self._each(found(*args, **kwargs))
        if not inspect.iscoroutinefunction(found):
            return found
        is_run = isinstance(self._inner, handoff.aio.RunHandle)
        if (
            name in _READ_AT_ONCE
            and not isinstance(self._inner, handoff.aio.Cluster)
            and not (is_run and name == "progress")
        ):
            return self._loop.run(found())

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return self._wrap(self._loop.run(found(*args, **kwargs)))
            except PartlySubmitted as error:
                error.handles = self._wrap(error.handles)
                raise
            except NotDurable as error:
                error.handle = self._wrap(error.handle)
                raise

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "ended":
            self._inner.ended = value
        else:
            super().__setattr__(name, value)

    def _each(self, things: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> list[Any]:
            async for thing in things:
                return [thing]
            return []

        while some := self._loop.run(following()):
            yield self._wrap(some[0])

    def __repr__(self) -> str:
        return repr(self._inner)

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def job(self) -> Any:
        """rq's job, which the asyncio client has none of."""
        job = self.store.insist(lambda: fetch_job(self._inner.id, self.store.client, self._inner._serializer))
        if job is None:
            raise UnknownFunction(self._inner.id)
        return job

    def _wrap(self, found: Any, *, always: bool = False) -> Any:
        if isinstance(found, list):
            return [self._wrap(each) for each in found]
        if always or isinstance(found, handoff.aio.Handle | handoff.aio.RunHandle):
            return Driven(self._loop, found, self.store, self.connection)
        return found


@contextmanager
def driven(connection: redis.Redis, namespace: str = "", **options: Any) -> Iterator[Cluster]:
    """The asyncio client on the server of this connection, as a test calls the other one.

    In a namespace of its own, where none is given.
    """
    pool: Any = connection.connection_pool
    fake = pool.connection_kwargs.get("server")
    given: Any = connection if fake is None else fakeredis.FakeAsyncRedis(server=fake)
    loop = Loop()
    cluster = handoff.aio.Cluster(connection=given, namespace=namespace or f"t{uuid.uuid4().hex[:12]}", **options)
    own = own_client(connection, None)
    try:
        yield cast(Cluster, Driven(loop, cluster, StoreBeside(own, cluster), own))
    finally:
        loop.run(cluster.close())
        loop.close()
        own.close()
