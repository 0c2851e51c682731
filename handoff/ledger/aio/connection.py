"""Connections of an event loop, given up for silence and not for size, and a pool of them.

The rules are those of `ledger.connection`. A call that is canceled closes its connection: no other gets its reply.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Iterable
from typing import Any

import redis
from hiredis import pack_command
from redis.asyncio.connection import Connection, DefaultParser, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from handoff.ledger.connection import PIECE, SLOWEST, bytes_on_their_way, laid_over, silences
from handoff.ledger.passwords import hide
from handoff.ledger.sentinels import MasterPool

MOST = 16
"""Connections of one pool: a call takes one for a round trip. Who waits for results takes none."""

_LOOKS = 4
"""How often within its limit it is looked whether anything has moved."""

_parser: Any = DefaultParser


class CountingParser(_parser):  # type: ignore[misc]
    """redis-py's, that tells whether anything has come."""

    pieces = 0

    async def read_from_socket(self) -> Any:
        """Read what has come."""
        found = await super().read_from_socket()
        self.pieces += 1
        return found


class PatientConnection:
    """What is laid over redis-py's own classes."""

    _reader: Any
    _writer: Any
    _parser: Any
    password: str | None
    is_connected: bool
    _is_reused = False
    _sent = 0  #: bytes of what was sent last

    def is_at_rest(self) -> bool:
        """Whether it can be used again as it is: nothing came that was not asked for, nor the end."""
        self._is_reused = True
        reader = self._reader
        return reader is not None and not reader.at_eof() and not reader._buffer and not self._writer.is_closing()

    async def connect(self) -> None:
        """Connect, if it is not connected."""
        if self.is_connected:
            return
        self._is_reused = False
        try:
            await super().connect()  # type: ignore[misc]
        except redis.RedisError as error:
            # A server repeats the login where it does not know that command.
            hide(error, [self.password] if isinstance(self.password, str) and self.password else [])
            raise

    def _error_message(self, exception: BaseException) -> str:
        # asyncio tells the address in place of the reason.
        if isinstance(exception, OSError) and (exception.strerror or "").startswith("Connect call failed"):
            exception = OSError(exception.errno, os.strerror(exception.errno or 0))
        return str(super()._error_message(exception))  # type: ignore[misc]

    async def send_packed_command(self, command: bytes | Iterable[bytes], check_health: bool = True) -> None:
        """Send, however long it takes, as long as something moves."""
        if not self.is_connected:
            await self.connect()
        pieces = [command] if isinstance(command, bytes) else list(command)
        self._sent = sum(map(len, pieces))
        watch = _Watch(self)
        try:
            self._writer.writelines(pieces)
            await self._writer.drain()
        except BaseException as error:
            # Half a command may be on its way.
            await self._give_up(error, watch, "writing to")
            raise
        finally:
            watch.end()

    async def read_response(
        self,
        disable_decoding: bool = False,
        timeout: float | None = None,
        *,
        disconnect_on_error: bool = True,
        **options: Any,
    ) -> Any:
        """Read a reply."""
        if timeout is not None:
            # A subscription waits by its own clock.
            return await super().read_response(  # type: ignore[misc]
                disable_decoding, timeout, disconnect_on_error=disconnect_on_error, **options
            )
        watch = _Watch(self)
        try:
            response = await self._parser.read_response(disable_decoding=disable_decoding)
        except BaseException as error:
            await self._give_up(error, watch, "reading from")
            raise
        finally:
            watch.end()
        if isinstance(response, redis.ResponseError):
            raise response from None
        return response

    async def disconnect(self, nowait: bool = False, **options: Any) -> None:
        """Close it, without waiting for anything."""
        self._parser.on_disconnect()
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.transport.abort()

    async def _give_up(self, error: BaseException, watch: _Watch, doing: str) -> None:
        """Close it, and raise what redis-py would say, where that is not the error itself."""
        await self.disconnect()
        if watch.is_silent:
            raise redis.TimeoutError(f"Timeout {doing} socket") from error
        if isinstance(error, OSError):
            raise redis.ConnectionError(f"Error while {doing} socket: {error}") from error

    def limit_s(self) -> float:
        """How long nothing may move on it now."""
        seconds = silences()[self._is_reused]
        # What was sent may still be on its way where nobody sees it, in the buffers of the network.
        return seconds + (self._sent / SLOWEST if self._sent > PIECE else 0.0)

    def moved(self) -> tuple[int, ...]:
        """What differs once anything has moved."""
        transport = self._writer.transport
        return (
            self._parser.pieces,
            transport.get_write_buffer_size(),
            bytes_on_their_way(transport.get_extra_info("socket")),
        )

    def abort(self) -> None:
        """Have whoever waits on it told that it is closed."""
        self._writer.transport.abort()


class _Watch:
    """Gives a connection up once nothing has moved on it for its limit."""

    def __init__(self, connection: PatientConnection) -> None:
        self.is_silent = False
        self._connection = connection
        self._limit_s = connection.limit_s()
        self._loop = asyncio.get_running_loop()
        self._moved, self._moved_s = connection.moved(), self._loop.time()
        self._timer = self._loop.call_later(self._limit_s / _LOOKS, self._look)

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now_s, moved = self._loop.time(), self._connection.moved()
        if moved != self._moved:
            self._moved, self._moved_s = moved, now_s
        elif now_s - self._moved_s >= self._limit_s:
            self.is_silent = True
            self._connection.abort()
            return
        left_s = self._moved_s + self._limit_s - now_s
        self._timer = self._loop.call_later(min(left_s, self._limit_s / _LOOKS), self._look)


class Pool:
    """Connections of one event loop. Who comes while all of them are in use waits for one, by his own limit.

    Behind Sentinel they lead to the master of the day: its sentinels are asked in a thread, for they are asked there
    by whoever has no event loop, too.
    """

    def __init__(
        self, kind: type[Any], settings: dict[str, Any], masters: MasterPool | None = None, most: int = MOST
    ) -> None:
        self._kind, self._settings, self._masters, self._most = kind, settings, masters, most
        self._idle: list[Any] = []
        self._made = 0
        self._queue: deque[asyncio.Future[Any]] = deque()

    async def connect(self) -> Any:
        """Give a connection of his own to whoever asks for it."""
        connection = self._kind(**self._settings)
        if self._masters is not None:
            connection.host, connection.port = await asyncio.to_thread(self._masters.get_master_address)
        try:
            await connection.connect()
        except BaseException:
            # Perhaps in the middle of its login.
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def leads_there(self, connection: Any) -> bool:
        """Whether that is where it leads: to the server, or to the one that is the master now."""
        if self._masters is None or not self._masters.is_master:
            return True
        if self._masters.is_due:
            await asyncio.to_thread(self._masters.look)
        return bool((connection.host, connection.port) == self._masters.master_address)

    async def take(self) -> Any:
        """Give a connection that is connected, with nothing to read on it."""
        while True:
            if self._idle:
                connection = self._idle.pop()
            elif self._made < self._most:
                self._made += 1
                try:
                    return await self.connect()
                except BaseException:
                    self._give(None)
                    raise
            else:
                connection = await self._next()
                if connection is None:
                    continue
            try:
                if await self.leads_there(connection) and is_at_rest(connection):
                    return connection
            except BaseException:
                self.put(connection)
                raise
            await connection.disconnect(nowait=True)
            self.put(connection)

    def put(self, connection: Any) -> None:
        """Take back what `take` gave: who waits gets it, or the place of one that is closed."""
        self._give(connection if connection.is_connected else None)

    def _give(self, connection: Any) -> None:
        if connection is None:
            self._made -= 1
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return
        if connection is not None:
            self._idle.append(connection)

    async def drop_idle(self) -> None:
        """Close what nobody uses."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)
            self.put(connection)

    async def _next(self) -> Any:
        waiting = asyncio.get_running_loop().create_future()
        self._queue.append(waiting)
        try:
            await asyncio.wait((waiting,), timeout=silences()[0])
        except BaseException:
            if not waiting.cancel():
                # Who was given it, or a place, has gone.
                self._made += waiting.result() is None
                self._give(waiting.result())
            raise
        if waiting.cancel():
            raise redis.TimeoutError(f"all {self._most} connections were in use")
        return waiting.result()


def is_at_rest(connection: Any) -> bool:
    """Whether it can be used again; one without sockets, as fakeredis', has nothing on its way."""
    return connection.is_at_rest() if isinstance(connection, PatientConnection) else bool(connection.is_connected)


def packed(command: tuple[Any, ...]) -> bytes:
    """A command as it is sent; its first word may be two."""
    first, *rest = command
    given = (*first.split(), *rest) if " " in first else command
    return bytes(pack_command(given))


async def reply(connection: Any) -> Any:
    """Read a reply, or the error that it is."""
    try:
        return await connection.read_response()
    except redis.ResponseError as error:
        return error


def patient(kind: Any) -> Any:
    """Lay `PatientConnection` over a class of connections of event loops."""
    return laid_over(PatientConnection, kind, (Connection, SSLConnection, UnixDomainSocketConnection))


def of_a_loop(kind: Any) -> Any:
    """The class of an event loop's connections where that of a thread's is given, and otherwise the same."""
    pairs = (
        (redis.connection.UnixDomainSocketConnection, UnixDomainSocketConnection),
        (redis.connection.SSLConnection, SSLConnection),
        (redis.connection.Connection, Connection),
    )
    return next((theirs for ours, theirs in pairs if issubclass(kind, ours)), kind)


def no_retries() -> Retry:
    """What keeps redis-py from sending anything again."""
    return Retry(NoBackoff(), 0)
