"""Waiting for entries of many streams on one connection: one reader for all that wait in an event loop.

It waits on the server for all of their streams at once. Whoever comes while it does has it woken, by CLIENT UNBLOCK on
another connection; where the server, or this user, has no such command, it looks up by itself every few milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import redis

from handoff.errors import StoreUnavailable
from handoff.ledger.aio.connection import Pool, packed, reply
from handoff.ledger.connection import REUSED_S, SILENCE_S, silence

Entry = tuple[bytes, Mapping[bytes, bytes]]

BLOCK_S = 1.0
"""One read waits no longer on the server: a connection that is silent for much longer counts as dead."""

UNWOKEN_S = 0.05
"""The same where nobody can wake it."""

MOST = 10
"""Entries of one stream that are read at once: rq keeps no more results of a job."""

FIRST_LOOK_S = 0.5
"""One of those that wait looks this often whether there is something to do by the clock, for all of them."""

LOOKS_PER_S = 100
"""How many of those that wait look at their functions in a second, all together: some 250 us of a client each."""

FEW = 50

PER_STREAM_S = 20e-6
"""A read costs the server about 1 us for each stream, whatever comes: so between two of more than a few streams this
passes for each, and it spends a twentieth of its time on them, whether 5,000 results come at once or one by one."""

_AGAIN_S = 0.005


class _Waiter:
    """Somebody who waits for entries of streams, of each after one of them."""

    __slots__ = ("after", "final_s", "found", "timer")

    def __init__(
        self, after: Mapping[bytes, tuple[int, int]], found: asyncio.Future[Sequence[Entry]], final_s: float
    ) -> None:
        self.after, self.found, self.final_s = after, found, final_s
        self.timer: asyncio.TimerHandle | None = None


class Streams:
    """All that wait in one event loop for entries of streams, and the task that reads for them."""

    def __init__(
        self,
        pool: Pool,
        insist: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]],
        unblock: Callable[[int], Awaitable[Any]],
    ) -> None:
        """`insist` asks again for as long as who waits without a limit outlasts an outage, and then raises.

        `unblock` wakes the client of that number. -> how many it woke, or an error
        """
        self._pool, self._insist, self._unblock = pool, insist, unblock
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[bytes, list[_Waiter]] = {}
        self._count = 0
        self._first: _Waiter | None = None  #: who looks whether there is something to do by the clock
        self._connection: Any = None
        self._number: int | None = None  #: of the connection, where the server tells it
        self._asked: dict[bytes, bytes] = {}  #: what the read on its way waits for
        self._is_reading = False
        self._is_away = False
        self._reads = 0
        self._task: asyncio.Task[None] | None = None
        self._waking: set[asyncio.Task[None]] = set()
        self._woken = 0  #: the read that is woken, or about to be

    def spaced(self, seconds: float) -> float:
        """How long one of all that wait goes without a look, where one that is alone goes for so long."""
        return max(seconds, self._count / LOOKS_PER_S)

    async def wait(self, after: Mapping[str, bytes], seconds: float, final_s: float) -> Sequence[Entry]:
        """Wait until one of these streams has entries after that one, for at most so long. -> those it has

        `final_s` is when whoever waits gives up, by `time.monotonic()`: while the server is away, nobody looks before.
        """
        waited = {stream.encode(): _order(id) for stream, id in after.items()}
        waiter = _Waiter(waited, self._loop.create_future(), final_s)
        for name in waited:
            self._waiting.setdefault(name, []).append(waiter)
        self._count += 1
        if self._first is None and seconds >= FIRST_LOOK_S:
            self._first, seconds = waiter, FIRST_LOOK_S
        self._expire_in(waiter, seconds)
        self._have_read(waited)
        try:
            return await waiter.found
        finally:
            self._leave(waiter)

    def _leave(self, waiter: _Waiter) -> None:
        self._count -= 1
        if waiter.timer is not None:
            waiter.timer.cancel()
        for name in waiter.after:
            others = self._waiting[name]
            others.remove(waiter)
            if not others:
                del self._waiting[name]
        if waiter is self._first:
            self._first = next(self._all(), None)
            if self._first is not None:
                self._expire_in(self._first, FIRST_LOOK_S)

    def _all(self) -> Iterator[_Waiter]:
        return (waiter for waiters in self._waiting.values() for waiter in waiters if not waiter.found.done())

    def _expire_in(self, waiter: _Waiter, seconds: float) -> None:
        if waiter.timer is not None:
            waiter.timer.cancel()
        waiter.timer = self._loop.call_later(max(0.0, seconds), self._expire, waiter)

    def _expire(self, waiter: _Waiter) -> None:
        left_s = waiter.final_s - time.monotonic()
        if self._is_away and left_s > 0:
            # The reader asks for all of them whether it is there again.
            self._expire_in(waiter, min(FIRST_LOOK_S, left_s))
        elif not waiter.found.done():
            waiter.found.set_result(())

    def _have_read(self, waited: Mapping[bytes, tuple[int, int]]) -> None:
        """See to it that a read is on its way that waits for these."""
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._read(), name="handoff-results")
            return
        # One that wakes the read before this one may come too late for that, and does nothing for this one.
        is_woken = self._number is None or self._woken == self._reads
        if self._is_reading and not is_woken and not all(map(self._covers, waited, waited.values())):
            self._woken = self._reads
            waking = self._loop.create_task(self._wake(self._reads), name="handoff-wake")
            self._waking.add(waking)
            waking.add_done_callback(self._waking.discard)

    def _covers(self, name: bytes, after: tuple[int, int]) -> bool:
        asked = self._asked.get(name)
        return asked is not None and _order(asked) <= after

    async def _wake(self, read: int) -> None:
        """Wake the reader out of this read; it may not have begun to wait there, or be answered just now."""
        while self._is_reading and self._reads == read and self._number is not None:
            try:
                woken = await self._unblock(self._number)
            except StoreUnavailable:
                self._woken = 0
                return
            if isinstance(woken, Exception):
                self._number = None
            elif not woken:
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def _read(self) -> None:
        try:
            while self._waiting:
                try:
                    await self._insist(self._read_once)
                except StoreUnavailable as error:
                    self._give_up(error)
                if self._waiting:
                    streams = len(self._waiting)
                    await asyncio.sleep(streams * PER_STREAM_S if streams > FEW else 0)
        except Exception as error:
            # It is theirs: nobody else asked.
            for waiter in self._all():
                waiter.found.set_exception(error)

    def _give_up(self, error: StoreUnavailable) -> None:
        """Tell those that have no limit of time of their own, and those whose time is over."""
        now_s = time.monotonic()
        for waiter in self._all():
            if waiter.final_s == float("inf") or waiter.final_s <= now_s:
                told = StoreUnavailable(*error.args)
                told.__cause__ = error.__cause__
                waiter.found.set_exception(told)

    async def _read_once(self) -> None:
        try:
            await self._connected()
            self._asked = {name: _least(name, waiters) for name, waiters in self._waiting.items()}
            if not self._asked:
                return
            block_s = BLOCK_S if self._number is not None else UNWOKEN_S
            limits = ("COUNT", MOST, "BLOCK", round(block_s * 1000))
            command = ("XREAD", *limits, "STREAMS", *self._asked, *self._asked.values())
            self._reads += 1
            self._is_reading = True
            with silence(SILENCE_S + block_s, REUSED_S + block_s):
                await self._connection.send_packed_command(packed(command))
                found = await self._connection.read_response()
        except BaseException as error:
            self._is_away = isinstance(error, redis.RedisError)
            await self._disconnect()
            raise
        finally:
            self._is_reading = False
        self._is_away = False
        self._deliver(found)

    async def _connected(self) -> None:
        if self._connection is not None and await self._pool.leads_there(self._connection):
            return
        await self._disconnect()
        self._connection = connection = await self._pool.connect()
        await connection.send_packed_command(packed(("CLIENT", "ID")))
        number = await reply(connection)
        self._number = number if isinstance(number, int) else None

    def _deliver(self, found: Any) -> None:
        # RESP3 gives a mapping of streams, RESP2 a list of pairs.
        for name, listed in found.items() if isinstance(found, dict) else found or ():
            entries = [(id, dict(zip(flat[::2], flat[1::2], strict=True))) for id, flat in listed if flat]
            for waiter in self._waiting.get(name, ()):
                news = [entry for entry in entries if _order(entry[0]) > waiter.after[name]]
                if news and not waiter.found.done():
                    waiter.found.set_result(news)

    async def _disconnect(self) -> None:
        connection, self._connection, self._number = self._connection, None, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Close the connection; whoever waits is told to look, and so has another one made."""
        for task in (*self._waking, *([self._task] if self._task else [])):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._disconnect()
        for waiter in self._all():
            waiter.found.set_result(())


def _order(id: bytes) -> tuple[int, int]:
    ms, _, number = id.partition(b"-")
    return int(ms), int(number or 0)


def _least(name: bytes, waiters: Sequence[_Waiter]) -> bytes:
    ms, number = min(waiter.after[name] for waiter in waiters)
    return b"%d-%d" % (ms, number)
