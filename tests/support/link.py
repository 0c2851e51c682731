"""A link between clients and Redis that a test bends: it goes silent, leads elsewhere, or carries no more than so much.

Owns bytes; must not know what they mean. `support.proxy` loses single commands and replies.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from support.waiting import wait_until

PIECE = 2**15

BUFFER = 2**16
"""Bytes that the system keeps on each side of the link: so few that what has not passed is not gone from its sender."""


class Valve:
    """How many bytes may still pass in one direction, over all connections together; unlimited until it is closed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._left: int | None = None
        self.passed = 0
        self.waits = 0  #: connections that have something to carry and may not

    def close(self) -> None:
        """Let nothing pass."""
        with self._changed:
            self._left = 0

    def open(self, count: int | None = None) -> None:
        """Let so many bytes more pass, or all."""
        with self._changed:
            self._left = None if count is None else (self._left or 0) + count
            self._changed.notify_all()

    def drip(self, piece: int, holds: Callable[[], bool], what: str) -> None:
        """Let a piece pass again and again until something holds."""

        def goes_on() -> bool:
            self.open(piece)
            return holds()

        wait_until(goes_on, what)

    def take(self, most: int) -> int:
        """Wait until something may pass. -> how much of it"""
        with self._changed:
            self.waits += 1
            self._changed.wait_for(lambda: self._left is None or self._left > 0)
            self.waits -= 1
            count = most if self._left is None else min(most, self._left)
            if self._left is not None:
                self._left -= count
            self.passed += count
            return count


class Link:
    """Listens on a port of loopback from its making to `close`, and carries each connection to a server."""

    def __init__(self, port: int, alter: Callable[[bytes], bytes] = bytes) -> None:
        """Lead to this port of loopback; `alter` makes of what comes from there what is handed on."""
        self._leads_to, self._alter = port, alter
        self.up, self.down = Valve(), Valve()
        self._open: list[tuple[threading.Event, socket.socket, socket.socket]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="link", daemon=True)
        self._thread.start()

    def url(self, upstream_url: str) -> str:
        """Turn the address of the server into the same one by way of this link."""
        parts = urlsplit(upstream_url)
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))

    @property
    def connections(self) -> int:
        """How many were ever opened."""
        return len(self._open)

    def silence(self, *ports: int) -> None:
        """Let connections carry nothing any more, though they stay open: those from these ports, or all there are."""
        for silent, _, server in self._open:
            if not ports or server.getsockname()[1] in ports:
                silent.set()

    def lead_to(self, port: int) -> None:
        """Let new connections lead to another port; those that there are stay where they are."""
        self._leads_to = port

    def close(self) -> None:
        """Close all connections."""
        self.up.open()
        self.down.open()
        # To close it alone would not wake up who accepts.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for _, client, server in self._open:
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.socket()
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                try:
                    server.connect(("127.0.0.1", self._leads_to))
                except ConnectionRefusedError:
                    client.close()
                    server.close()
                    continue
                silent = threading.Event()
                self._open.append((silent, client, server))
                for source, target, valve, alter in (
                    (client, server, self.up, bytes),
                    (server, client, self.down, self._alter),
                ):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    carry = threading.Thread(target=_carry, args=(source, target, valve, silent, alter), daemon=True)
                    carry.start()


def _carry(
    source: socket.socket,
    target: socket.socket,
    valve: Valve,
    silent: threading.Event,
    alter: Callable[[bytes], bytes],
) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(PIECE):
            view = memoryview(alter(data))
            while view and not silent.is_set():
                count = valve.take(len(view))
                target.sendall(view[:count])
                view = view[count:]
        if not silent.is_set():
            target.shutdown(socket.SHUT_WR)
