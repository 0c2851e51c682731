"""The ledger for those who wait in an event loop: what `asking` asks, sent and read there."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from math import inf
from typing import Any

import redis
import redis.asyncio
from redis.sentinel import SentinelConnectionPool

from handoff.ledger.aio.connection import (
    CountingParser,
    PatientConnection,
    Pool,
    no_retries,
    of_a_loop,
    packed,
    patient,
    reply,
)
from handoff.ledger.aio.streams import Streams
from handoff.ledger.asking import Asking, Command, Entries
from handoff.ledger.connection import SILENCE_S, keepalive, silence
from handoff.ledger.lua.loader import Script
from handoff.ledger.passwords import passwords_of
from handoff.ledger.sentinels import MasterPool
from handoff.ledger.store import own_client, own_settings


class Way:
    """How one server is reached from one event loop: sends and reads, each once. It is closed when the loop ends."""

    def __init__(
        self, kind: type[Any], settings: dict[str, Any], masters: MasterPool | None, waiting: AskingInLoop
    ) -> None:
        self.pool = Pool(kind, settings, masters)
        self.streams = Streams(self.pool, waiting.insist, lambda number: waiting.unblock(number))
        #: redis-py's own, for whoever asks for it; here it knows how replies are read.
        self.client = client_of(kind, settings)
        self._callbacks: Any = self.client.response_callbacks
        self._use = self._in_use()
        # It is for the loop from its first step, where nothing is awaited.
        with contextlib.suppress(StopIteration):
            self._use.__anext__().send(None)

    async def ask(self, *command: Any) -> Any:
        """Send a command. -> its reply as it came"""
        connection = await self.pool.take()
        try:
            await connection.send_packed_command(packed(command))
            return await connection.read_response()
        except redis.ResponseError:
            raise
        except BaseException:
            # A reply that nobody has read may be on its way.
            await connection.disconnect(nowait=True)
            raise
        finally:
            self.pool.put(connection)

    async def in_one_trip(self, commands: Sequence[Command], last_s: float = 0.0) -> list[Any]:
        """Send commands together, of which the last may take so long. -> of each its reply as it came, or its error"""
        connection = await self.pool.take()
        try:
            await connection.send_packed_command(b"".join(map(packed, commands)))
            replies = [await reply(connection) for _ in commands[1:]]
            if last_s:
                with silence(last_s + SILENCE_S):
                    return [*replies, await reply(connection)]
            return [*replies, await reply(connection)]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            self.pool.put(connection)

    def read(self, command: Command, reply: Any) -> Any:
        """A reply as redis-py reads it."""
        callback = self._callbacks.get(command[0])
        return reply if callback is None or isinstance(reply, Exception) else callback(reply)

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._use.aclose()

    async def _in_use(self) -> AsyncGenerator[None, None]:
        """A generator, for a loop that ends (as `asyncio.run` ends one) closes those that were begun in it."""
        try:
            yield
        finally:
            await self.streams.close()
            await self.pool.drop_idle()
            await self.client.aclose()
            await self.client.connection_pool.disconnect()


class AskingInLoop(Asking):
    """Asks from whatever event loop runs: each has connections of its own."""

    def __init__(
        self, given: Any, namespace: str, address: str, *, timeout_s: float = SILENCE_S, **options: Any
    ) -> None:
        """`given`: a client of redis-py, of threads or of event loops, whose settings are copied."""
        super().__init__(namespace, address, timeout_s=timeout_s, **options)
        pool = given.connection_pool
        self._kind = patient(of_a_loop(pool.connection_class))
        self._settings = loop_settings(self._kind, own_settings(pool, timeout_s))
        self._masters: Any = None
        if isinstance(pool, SentinelConnectionPool):
            self._masters = own_client(given, None, timeout_s).connection_pool
        self._secrets = passwords_of(given)
        self._ways: dict[asyncio.AbstractEventLoop, Way] = {}

    @property
    def way(self) -> Way:
        """That of the event loop that runs."""
        loop = asyncio.get_running_loop()
        way = self._ways.get(loop)
        if way is None:
            for ended in [each for each in self._ways if each.is_closed()]:
                del self._ways[ended]
            way = self._ways[loop] = Way(self._kind, self._settings, self._masters, self.until(inf, is_reached=True))
        return way

    async def _once(
        self, script: Script, given: list[Any], execute: Callable[..., Awaitable[Any]] | None = None
    ) -> list[Any]:
        if not self._forms.is_ready:
            # Others go on meanwhile.
            await asyncio.to_thread(self._forms.make)
        return await super()._once(script, given, execute)

    async def _ask(self, *command: Any) -> Any:
        return await self.way.ask(*command)

    async def _execute(self, *command: Any) -> Any:
        way = self.way
        return way.read(command, await way.ask(*command))

    async def _together(self, commands: Sequence[Command], *, raise_on_error: bool = True) -> list[Any]:
        way = self.way
        replies = await way.in_one_trip(commands)
        for found in replies:
            if raise_on_error and isinstance(found, Exception):
                raise found
        return [way.read(command, found) for command, found in zip(commands, replies, strict=True)]

    async def _in_one_trip(self, commands: Sequence[Command], last_s: float) -> list[Any]:
        return await self.way.in_one_trip(commands, last_s)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _drop_idle(self) -> None:
        await self.way.pool.drop_idle()

    def _passwords(self) -> set[str]:
        return self._secrets

    async def entries(self, stream: str, after: bytes, seconds: float) -> Entries:
        return await self._wait({stream: after}, seconds)

    async def has_any(self, after: Mapping[str, bytes], seconds: float) -> bool:
        return bool(await self._wait(after, seconds))

    async def _wait(self, after: Mapping[str, bytes], seconds: float) -> Entries:
        return await self.way.streams.wait(after, seconds, inf if self._until_s is None else self._until_s)

    def spaced(self, seconds: float) -> float:
        return self.way.streams.spaced(seconds)

    async def unblock(self, number: int) -> Any:
        """Wake a client that waits on the server. -> how many it were, or why that cannot be done"""
        (woken,) = await self.glance([("CLIENT", "UNBLOCK", number)])
        return woken

    async def close(self) -> None:
        """Close the connections of the event loop that runs; a later call opens new ones."""
        way = self._ways.pop(asyncio.get_running_loop(), None)
        if way is not None:
            await way.close()


def loop_settings(kind: type[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """What connections of an event loop take of the settings of others."""
    own: dict[str, Any] = {"retry": no_retries(), "health_check_interval": 0}
    if not issubclass(kind, PatientConnection):
        return settings | own
    known = {name for each in kind.__mro__ for name in inspect.signature(each.__init__).parameters}  # type: ignore[misc]
    taken = {name: value for name, value in settings.items() if name in known}
    if "socket_keepalive" in known:
        taken |= keepalive(taken)
    return taken | own | {"parser_class": CountingParser}


def client_of(kind: type[Any], settings: dict[str, Any]) -> redis.asyncio.Redis:
    """redis-py's client with these settings."""
    make: Any = redis.asyncio.ConnectionPool
    return redis.asyncio.Redis(connection_pool=make(connection_class=kind, **settings))
