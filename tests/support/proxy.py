"""A proxy between a client and Redis that loses one chosen reply, or one chosen command, and nothing else.

Owns the framing of RESP2 and RESP3 on both ways; must not know what any command of Handoff means.
"""

from __future__ import annotations

import asyncio
import re
import socket
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType
from typing import Literal, NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

VALUES_IN = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}
"""Kinds that hold other values: how many for each that their header counts."""

BLOBS = frozenset({b"$", b"!", b"="})
"""Kinds whose header counts the bytes that follow."""

LINES = frozenset({b"+", b"-", b":", b"_", b"#", b",", b"("})
"""Kinds that are their one line."""

LONGEST_LINE = 1 << 20
"""More than Redis writes into a line, in bytes; also how much is read ahead of a slow reader."""

SUBSCRIBING = re.compile("[PS]?(UN)?SUBSCRIBE")
"""Commands that are answered by pushes, as many as channels; they have no reply that `drop_reply` could count."""

RESP2_PUSH = re.compile(rb"\*\d\r\n\$\d+\r\n[ps]?(message|(un)?subscribe)\r\n")
"""How a push begins on a RESP2 connection, where it is an array like any other."""


class Command(NamedTuple):
    """One command as the client sent it: the name in upper case and what follows it."""

    name: str
    args: tuple[bytes, ...]

    @property
    def is_handshake(self) -> bool:
        """Whether clients send it by themselves when they connect: such commands are neither counted nor lost."""
        if self.name == "CLIENT":
            return bool(self.args) and self.args[0].upper() in {b"SETINFO", b"SETNAME", b"MAINT_NOTIFICATIONS"}
        return self.name in {"AUTH", "HELLO", "SELECT"}


Match = str | Callable[[Command], bool] | None
"""Which commands count: those of that name (redis-py's `incr` sends INCRBY), those for which it is true, or all."""


@dataclass(eq=False)
class Fault:
    """One loss to come: of the `n`-th command that matches, counted over all connections since it was ordered."""

    what: Literal["reply", "command"]
    n: int
    match: Match
    matched: int = 0
    happened: Event = field(default_factory=Event)  #: set before the client can see it

    def strikes(self, command: Command) -> bool:
        """Count the command if it matches, and say whether it is the one to lose."""
        if self.what == "reply" and SUBSCRIBING.fullmatch(command.name):
            return False
        if isinstance(self.match, str):
            fits = command.name == self.match.upper()
        else:
            fits = self.match is None or self.match(command)
        self.matched += fits
        return fits and self.matched == self.n


class FaultyProxy:
    """Listens on a port of loopback from its making to `close`, and carries each connection to the upstream address.

    Bytes pass unchanged, one whole command or reply at a time. A connection that carries a fault is closed
    in order: what came before is answered, what the client sent behind goes nowhere. CLIENT REPLY and the streamed
    values of RESP3, which Redis does not send, are beyond it. What goes wrong in the proxy itself is raised by `close`.
    """

    def __init__(self, upstream_host: str, upstream_port: int) -> None:
        self.commands: list[Command] = []
        self.errors: list[Exception] = []
        self._upstream = (upstream_host, upstream_port)
        self._faults: list[Fault] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._run()), name="faulty-proxy", daemon=True)
        self.port: int = self._socket.getsockname()[1]
        self._thread.start()

    @property
    def matched(self) -> int:
        """How many commands have matched the fault that was ordered last."""
        return self._faults[-1].matched if self._faults else 0

    def drop_reply(self, n: int = 1, match: Match = None) -> Fault:
        """Let the server carry out the `n`-th matching command from now on, then close the connection unanswered."""
        return self._order(Fault("reply", n, match))

    def refuse(self, n: int = 1, match: Match = None) -> Fault:
        """Close the connection in place of carrying the `n`-th matching command from now on."""
        return self._order(Fault("command", n, match))

    def url(self, upstream_url: str) -> str:
        """Turn the address of the server into the same one by way of this proxy."""
        parts = urlsplit(upstream_url)
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))

    def close(self) -> None:
        """Close all connections and wait for the thread to end; raise what went wrong on the way."""
        if self._thread.is_alive():
            loop, stopped = self._running.result()
            loop.call_soon_threadsafe(stopped.set)
            self._thread.join()
        if self.errors:
            raise ExceptionGroup("the proxy could not follow a connection: see why below", self.errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _order(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    def fault_of(self, command: Command) -> Fault | None:
        """Record a command and find the fault it suffers, if any; every fault counts it."""
        if command.is_handshake:
            return None
        self.commands.append(command)
        struck = [fault for fault in self._faults if fault.strikes(command)]
        return struck[0] if struck else None

    async def _run(self) -> None:
        stopped, links = asyncio.Event(), set[asyncio.Task[None]]()

        def connect(reader: StreamReader, writer: StreamWriter) -> None:
            links.add(task := asyncio.create_task(self._carry(reader, writer)))
            task.add_done_callback(links.discard)
            task.add_done_callback(lambda _: writer.transport.abort())  # even if canceled before its first step

        server = await asyncio.start_server(connect, sock=self._socket, limit=LONGEST_LINE)
        self._running.set_result((asyncio.get_running_loop(), stopped))
        await stopped.wait()
        server.close()
        for task in links:
            task.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _carry(self, client: StreamReader, to_client: StreamWriter) -> None:
        try:
            async with _held(to_client):
                server, to_server = await asyncio.open_connection(*self._upstream, limit=LONGEST_LINE)
                async with _held(to_server):
                    await _Link(self, client, to_client, server, to_server).run()
        except OSError:
            return  # A server that is down, a client that is gone: here as without a proxy the connection has ended.


class _Link:
    """One client's connection and the one that stands for it at the server."""

    def __init__(
        self,
        proxy: FaultyProxy,
        client: StreamReader,
        to_client: StreamWriter,
        server: StreamReader,
        to_server: StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._client, self._to_client, self._server, self._to_server = client, to_client, server, to_server
        self._owed = 0  #: replies still to be passed on
        self._fault: Fault | None = None  #: nothing that follows it passes
        self._subscribed = False
        self._ended = False

    async def run(self) -> None:
        """Carry both ways until the client has closed its side."""
        replies = asyncio.create_task(self._carry_replies())
        try:
            await self._carry_commands()
        finally:
            replies.cancel()
            await asyncio.wait({replies})
        if not replies.cancelled():
            replies.result()

    async def _carry_commands(self) -> None:
        try:
            while self._fault is None and not self._ended:
                await self._carry_command()
            # Read to the end of it: a socket closed over unread bytes resets the connection, and a reset
            # may overtake the replies that the client has still to read.
            while await self._client.read(LONGEST_LINE):
                pass
        except (IncompleteReadError, ConnectionError):
            return  # The client has closed its side, which is how every connection ends.
        except Exception as error:
            self._proxy.errors.append(error)

    async def _carry_command(self) -> None:
        command, raw = await read_command(self._client)
        if self._ended:
            return
        self._fault = fault = self._proxy.fault_of(command)
        if fault is not None and fault.what == "command":
            if not self._owed:
                self._end(fault)
            return
        if fault is None:
            subscribes = SUBSCRIBING.fullmatch(command.name) is not None
            self._subscribed |= subscribes
            self._owed += not subscribes
        self._to_server.write(raw)
        try:
            await self._to_server.drain()
        except ConnectionError:
            self._end(None)

    async def _carry_replies(self) -> None:
        try:
            while not self._ended:
                kind, raw = await read_value(self._server)
                is_reply = kind != b">" and not (self._subscribed and RESP2_PUSH.match(raw))
                if is_reply and self._fault is not None and not self._owed:
                    self._end(self._fault)
                    return
                self._to_client.write(raw)
                await self._to_client.drain()
                self._owed = max(0, self._owed - is_reply)  # MONITOR's lines are owed to nobody
                if self._fault is not None and self._fault.what == "command" and not self._owed:
                    self._end(self._fault)
        except (IncompleteReadError, ConnectionError):
            return  # One of the two went away; so does the other's connection.
        except Exception as error:
            self._proxy.errors.append(error)
        finally:
            self._end(None)

    def _end(self, fault: Fault | None) -> None:
        """Close the client's connection after what has been written to it, and the server's with it."""
        if self._ended:
            return
        self._ended = True
        if fault is not None:
            fault.happened.set()
        self._to_client.write_eof()
        self._to_server.close()


async def read_command(stream: StreamReader) -> tuple[Command, bytes]:
    """Read one command, an array of bulk strings as all clients send it, and give its bytes too."""
    raw = bytearray(await stream.readuntil(b"\r\n"))
    if raw[:1] != b"*":
        raise ValueError(f"{bytes(raw[:40])!r} does not begin a command: send arrays of bulk strings")
    words: list[bytes] = []
    for _ in range(int(raw[1:])):
        header = await stream.readuntil(b"\r\n")
        body = await stream.readexactly(int(header[1:]) + 2)
        raw += header + body
        words.append(body[:-2])
    return Command(words[0].decode().upper(), tuple(words[1:])), bytes(raw)


async def read_value(stream: StreamReader) -> tuple[bytes, bytes]:
    """Read one value of RESP2 or RESP3 with all it holds; give its kind, found behind attributes, and its bytes."""
    kind, raw, due = b"", bytearray(), 1
    while due:
        line = await stream.readuntil(b"\r\n")
        raw += line
        sign = line[:1]
        if sign != b"|":  # attributes come on top of the value they describe
            kind = kind or (sign if due == 1 else b"")
            due -= 1
        if sign in VALUES_IN:
            due += max(0, int(line[1:])) * VALUES_IN[sign]
        elif sign in BLOBS and int(line[1:]) >= 0:
            raw += await stream.readexactly(int(line[1:]) + 2)
        elif sign not in BLOBS | LINES:
            raise ValueError(f"{line[:40]!r} does not begin a value of RESP: teach it to the proxy")
    return kind, bytes(raw)


@asynccontextmanager
async def _held(writer: StreamWriter) -> AsyncIterator[None]:
    """Close the connection at the end: after all that was written if the end is orderly, else at once."""
    try:
        yield
        writer.close()
        await writer.wait_closed()
    finally:
        writer.transport.abort()
