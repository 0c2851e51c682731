"""Doors to Redis, one for each agent and client: each is cut, slowed down, silenced or loses a reply by itself.

Knows bytes and nothing of what they mean. All doors lead to the same server, whichever is the master just now.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

PIECE = 2**16


@dataclass(eq=False)
class Link:
    """One connection of a client, and the one that stands for it at the server."""

    writers: tuple[StreamWriter, StreamWriter]
    loses_reply: bool = False

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


@dataclass(eq=False)
class Door:
    """A port of loopback, and what is wrong with it. Its methods are for the relay's own loop."""

    port: int
    links: set[Link] = field(default_factory=set)
    delay_s: float = 0.0  #: of every piece, both ways
    replies_to_lose: int = 0
    passes: asyncio.Event = field(default_factory=asyncio.Event)


class Relay:
    """Carries connections from its making to `close`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._doors: dict[str, Door] = {}
        self._running: Future[asyncio.AbstractEventLoop] = Future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._thread = Thread(target=lambda: asyncio.run(self._run()), name="relay", daemon=True)
        self._thread.start()
        self._loop = self._running.result()

    def door(self, name: str) -> int:
        """The port of a door of that name, which is made when it is asked for first."""
        if name not in self._doors:
            self._ask(self._open(name))
        return self._doors[name].port

    def lead_to(self, port: int) -> None:
        """Let new connections lead to another port; those that there are stay where they are."""
        self._target = port

    def cut(self, name: str) -> None:
        """Break all connections that there are."""

        def cut_all(door: Door) -> None:
            for link in list(door.links):
                link.cut()

        self._tell(cut_all, name)

    def slow_down(self, name: str, delay_s: float) -> None:
        """Let every piece take so much longer."""
        self._tell(lambda door: setattr(door, "delay_s", delay_s), name)

    def silence(self, name: str) -> None:
        """Let nothing pass, until `restore`."""
        self._tell(lambda door: door.passes.clear(), name)

    def restore(self, name: str) -> None:
        """Let all pass at once, what was held back first."""

        def open_up(door: Door) -> None:
            door.delay_s, door.replies_to_lose = 0.0, 0
            door.passes.set()

        self._tell(open_up, name)

    def lose_replies(self, name: str, count: int) -> None:
        """Let the next commands be carried out, and close their connections unanswered."""

        def order(door: Door) -> None:
            door.replies_to_lose += count

        self._tell(order, name)

    def close(self) -> None:
        """Close all connections and ports."""
        self._ask(self._close())
        self._thread.join()

    def _tell(self, change: Callable[[Door], Any], name: str) -> None:
        async def do() -> None:
            change(self._doors[name])

        self._ask(do())

    def _ask(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _run(self) -> None:
        self._is_over = asyncio.Event()
        self._running.set_result(asyncio.get_running_loop())
        await self._is_over.wait()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._is_over.set()

    async def _open(self, name: str) -> None:
        def connect(reader: StreamReader, writer: StreamWriter) -> None:
            self._tasks.add(task := asyncio.create_task(self._carry(door, reader, writer)))
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(connect, "127.0.0.1", 0, limit=PIECE)
        self._servers.append(server)
        door = self._doors[name] = Door(server.sockets[0].getsockname()[1])
        door.passes.set()

    async def _carry(self, door: Door, reader: StreamReader, writer: StreamWriter) -> None:
        # A server that is down, a client that is gone: here as without a relay the connection has ended.
        with contextlib.suppress(OSError):
            try:
                await door.passes.wait()
                from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target, limit=PIECE)
                link = Link((writer, to_server))
                door.links.add(link)
                try:
                    up, down = _pass(door, link, reader, to_server, _up), _pass(door, link, from_server, writer, _down)
                    await _first_of(up, down)
                finally:
                    door.links.discard(link)
                    link.cut()
            finally:
                writer.transport.abort()


async def _pass(
    door: Door, link: Link, source: StreamReader, target: StreamWriter, passes: Callable[[Door, Link], bool]
) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(PIECE):
            await door.passes.wait()
            if door.delay_s:
                await asyncio.sleep(door.delay_s)
            if not passes(door, link):
                return
            target.write(data)
            await target.drain()


def _up(door: Door, link: Link) -> bool:
    if door.replies_to_lose and not link.loses_reply:
        door.replies_to_lose -= 1
        link.loses_reply = True
    return True


def _down(door: Door, link: Link) -> bool:
    return not link.loses_reply


async def _first_of(*ways: Awaitable[None]) -> None:
    """Both ways end with either."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
