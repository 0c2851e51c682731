"""The asyncio client of a unit test's cluster: on the same server, with functions that run off the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import handoff.aio
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.address import address_of
from handoff.ledger.aio.asking import AskingInLoop
from handoff.ledger.asking import Entries
from handoff.ledger.blocking import waiting_look, waiting_read
from handoff.ledger.replies import entries_of
from handoff.ledger.store import Store
from handoff.testing.store import StoreOfAgents

T = TypeVar("T")


class ClusterInLoop(handoff.aio.Cluster):
    """A `handoff.aio.Cluster` beside the cluster of a test: what it submits is there too, and the other way round."""

    def __init__(
        self,
        beside: Cluster,
        run_all: Callable[[bool], int],
        run_next: Callable[[], Handle | None],
        **options: Any,
    ) -> None:
        self._beside = beside
        self._turn = threading.Lock()
        self._run_all, self._run_next = run_all, run_next
        super().__init__(connection=_in_loop(beside.connection), namespace=beside.namespace, **options)

    def open_beside(self, store: Store, timeout_s: float) -> AskingInLoop:
        """What another client for asyncio asks by; its functions take turns with those that run for this one."""
        given = _in_loop(store.client)
        if isinstance(store, StoreOfAgents):
            return AskingAgents(given, store, timeout_s)
        return AskingHere(given, store, self._turn)

    async def run_all(self, raise_first: bool = False) -> int:
        """What `run_all` of the test's cluster does, off the event loop, which goes on meanwhile."""
        return await self._off_loop(lambda: self._run_all(raise_first))

    async def run_next(self) -> handoff.aio.Handle | None:
        """What `run_next` of the test's cluster does, off the event loop."""
        ran = await self._off_loop(self._run_next)
        return None if ran is None else self._handle(ran.id, ran.function_id, None, is_new=False)

    async def _off_loop(self, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(_in_turn, self._turn, call)

    def _open(self, given: Any, namespace: str, timeout_s: float) -> AskingInLoop:
        return self.open_beside(self._beside.store, timeout_s)


class AskingAgents(AskingInLoop):
    """Asks as ever; but who waits for what cannot come is told so, as `StoreOfAgents` has it."""

    def __init__(self, given: Any, store: StoreOfAgents, timeout_s: float) -> None:
        self._store = store
        super().__init__(given, store.namespace, address_of(given), timeout_s=timeout_s)

    async def _wait(self, after: Mapping[str, bytes], seconds: float) -> Entries:
        found = await super()._wait(after, seconds)
        if not found:
            await asyncio.to_thread(self._store.or_nothing_runs, waiting_look(after, seconds))
        return found


class AskingHere(AskingInLoop):
    """Asks as ever; but who waits has functions run, as `StoreHere` has it, off the event loop."""

    def __init__(self, given: Any, store: Store, turn: threading.Lock) -> None:
        self._store, self._in_turn = store, turn
        super().__init__(given, store.namespace, address_of(given), now_ms=store.now_ms)

    @property
    def now_ms(self) -> int:
        return self._store.now_ms

    @now_ms.setter
    def now_ms(self, now_ms: int) -> None:
        self._store.now_ms = now_ms

    def until(self, deadline_s: float, *, is_reached: bool = False) -> Self:
        waiting = super().until(deadline_s, is_reached=is_reached)
        waiting._store = self._store.until(deadline_s, is_reached=is_reached)
        return waiting

    async def entries(self, stream: str, after: bytes, seconds: float) -> Entries:
        return entries_of(await self._wait_here(waiting_read(stream, after, seconds)))

    async def has_any(self, after: Mapping[str, bytes], seconds: float) -> bool:
        return bool(await self._wait_here(waiting_look(after, seconds)))

    async def _wait_here(self, command: tuple[Any, ...]) -> Any:
        return await asyncio.to_thread(_in_turn, self._in_turn, lambda: self._store.read(*command))


def _in_turn(turn: threading.Lock, call: Callable[[], T]) -> T:
    """Functions run one after the other, whoever has them run."""
    with turn:
        return call()


def _in_loop(connection: Any) -> Any:
    """What leads an event loop to the same server."""
    server = connection.connection_pool.connection_kwargs.get("server")
    if server is None:
        return connection
    import fakeredis

    return fakeredis.FakeAsyncRedis(server=server)
