"""Connections to Redis that are given up for silence and not for size, and that the system notices to be dead.

redis-py's time-out is for all that is sent at once: 16 MB over a link of 2 MB/s would never pass. Here every byte that
moves counts as life. Knows no command.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import socket
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import redis
from hiredis import pack_command
from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection

from handoff.ledger.passwords import hide

SILENCE_S = 5.0
"""How long nothing may move before a connection is given up."""

REUSED_S = 2.5
"""The same for one that has been used before, and may have died since: there is time then to ask on a fresh one."""

PIECE = 2**18
"""Bytes that are handed to the system at a time."""

SLOWEST = 2**19
"""Bytes a second of the slowest link on which a large value is waited for."""

_LOOK_MS = 100
"""How often it is looked whether what was sent has moved on."""

_KEEPALIVE_S = {"TCP_KEEPIDLE": 15, "TCP_KEEPALIVE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""By the names that systems have for them: a peer that is gone is noticed after half a minute instead of two hours."""

_silence_s: ContextVar[tuple[float, float] | None] = ContextVar("silence_s", default=None)
"""On a fresh connection, and on a used one."""


class silence:
    """Lets what is called inside wait so long for a silent server, on a used connection perhaps not as long.

    Other callers have the time-out of the connection, as redis-py has it: they may wait on purpose.
    """

    __slots__ = ("_limits_s", "_token")

    def __init__(self, seconds: float, reused: float | None = None) -> None:
        self._limits_s = (seconds, seconds if reused is None else min(seconds, reused))

    def __enter__(self) -> None:
        self._token = _silence_s.set(self._limits_s)

    def __exit__(self, *raised: object) -> None:
        _silence_s.reset(self._token)


def silences() -> tuple[float, float]:
    """How long nothing may move, now and for whoever asks: on a fresh connection, and on a used one."""
    return _silence_s.get() or (SILENCE_S, SILENCE_S)


class Pool(redis.ConnectionPool):
    """redis-py's, with a shorter way to a connection that was used just now.

    Its own way, with all that it notes for those who measure it, takes as long as what a submit does before it. The
    connections that are kept ready here are lent out in its eyes.
    """

    def __init__(self, **settings: Any) -> None:
        self._ready: list[Any] = []
        self._drops = 0  #: how often what nobody used was closed
        super().__init__(**settings)

    def __repr__(self) -> str:
        # Before version 8 redis-py's shows the password.
        return f"<{type(self).__name__} of {self.connection_class.__name__}>"

    def take(self) -> Any:
        """Give a connection that is connected, with nothing to read on it."""
        try:
            connection = self._ready.pop()
        except IndexError:
            return self._get()
        if self.pid == os.getpid() and connection.taken == self._drops and connection.is_at_rest():
            return connection
        self.release(connection)
        return self._get()

    def put(self, connection: Any) -> None:
        """Keep it ready for the next, whoever that is."""
        if connection.is_connected and connection.taken == self._drops:
            self._ready.append(connection)
        else:
            self.release(connection)

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        """Give a connection as redis-py does."""
        # So many may be all that there may be.
        self._release_ready()
        return self._get(*arguments, **options)

    def release(self, connection: Any) -> None:
        """Take one back as redis-py does."""
        if connection.taken != self._drops:
            # It may lead to a server that has stepped down, which another thread has learned meanwhile.
            connection.disconnect()
        super().release(connection)

    def reset(self) -> None:
        """Forget all of them: after a fork they are another process's."""
        self._ready = []
        super().reset()

    def disconnect(self, inuse_connections: bool = True) -> None:
        """Close those that nobody uses, and those that are used now or when they come back."""
        self._drops += 1
        self._release_ready()
        super().disconnect(inuse_connections)

    def _get(self, *arguments: Any, **options: Any) -> Any:
        connection: Any = super().get_connection(*arguments, **options)
        connection.taken = self._drops
        return connection

    def _release_ready(self) -> None:
        while self._ready:
            with contextlib.suppress(IndexError):
                self.release(self._ready.pop())


class Sent:
    """A command that was sent. Its reply is to be read, once, or given up."""

    __slots__ = ("_connection", "_put")

    def __init__(self, connection: Any, put: Callable[[Any], None]) -> None:
        self._connection, self._put = connection, put

    @property
    def socket(self) -> Any:
        """What is readable when the reply is there, or when none will come; None where only `read` may wait for it.

        Of what is large nobody else could tell whether it still moves.
        """
        return None if self._connection.has_sent_much else self._connection._sock

    def read(self) -> Any:
        """Wait for the reply, and give the connection back."""
        try:
            return self._connection.read_response()
        except redis.ResponseError:
            raise
        except BaseException:
            # A reply that nobody has read may be on its way.
            self._connection.disconnect()
            raise
        finally:
            self._put(self._connection)

    def give_up(self) -> None:
        """Do without the reply, and without the connection."""
        self._connection.disconnect()
        self._put(self._connection)


def sender(client: redis.Redis) -> Callable[..., Sent] | None:
    """How a command is sent whose reply is read later; None for a client without sockets.

    Past what redis-py does for those who have it repeat, and measure it: the reply is as it came.
    """
    pool: Any = client.connection_pool
    if not issubclass(pool.connection_class, PatientConnection):
        return None
    take, put = (pool.take, pool.put) if isinstance(pool, Pool) else (pool.get_connection, pool.release)

    def send(*command: Any) -> Sent:
        connection = take()
        try:
            connection.send_packed_command(pack_command(command))
        except BaseException:
            connection.disconnect()
            put(connection)
            raise
        return Sent(connection, put)

    return send


def asker(client: redis.Redis) -> Callable[..., Any]:
    """How a client is asked for a reply as it came, of which redis-py would make nothing else."""
    send = sender(client)
    if send is None:
        execute: Callable[..., Any] = client.execute_command
        return execute

    def ask(*command: Any) -> Any:
        return send(*command).read()

    return ask


class PatientConnection(AbstractConnection):
    """What is laid over redis-py's own classes."""

    _sock: Any
    password: str | None
    _is_reused = False
    _sent = 0  #: bytes of what was sent last
    taken = 0  #: how often its pool had closed what nobody used when it gave this

    @property
    def is_connected(self) -> bool:
        """Whether it was not closed at this end."""
        return self._sock is not None

    @property
    def has_sent_much(self) -> bool:
        """Whether what was sent last may be on its way for long."""
        return self._sent > PIECE

    def is_at_rest(self) -> bool:
        """Whether it can be used again as it is: nothing came that was not asked for, nor the end."""
        self._is_reused = True
        try:
            return self._sock is not None and not self.can_read()
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            return False

    def connect(self) -> None:
        """Connect, if it is not connected: the pool calls it whenever it gives the connection out."""
        self._is_reused = self._sock is not None
        if self._is_reused:
            return
        try:
            super().connect()  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            # A server repeats the login where it does not know that command.
            hide(error, [self.password] if isinstance(self.password, str) and self.password else [])
            raise

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send, however long it takes, as long as something moves."""
        if self._sock is None or self.health_check_interval:
            # Connects, and asks after its health, and sends nothing.
            super().send_packed_command([], check_health)  # type: ignore[no-untyped-call]
        try:
            self._wait_at_most(self._limit_s())
            self._sent = 0
            for item in [command] if isinstance(command, bytes) else command:
                self._send(item)
        except TimeoutError as error:
            self._drop()
            raise redis.TimeoutError("Timeout writing to socket") from error
        except OSError as error:
            self._drop()
            raise redis.ConnectionError(f"Error while writing to socket: {error}") from error
        except BaseException:
            # Half a command is on its way.
            self._drop()
            raise

    def read_response(self, disable_decoding: bool = False, *, disconnect_on_error: bool = True, **options: Any) -> Any:
        """Read a reply; of what was large, once it has arrived there."""
        # A subscription waits by its own clock.
        if "timeout" not in options and self._sock is not None:
            if self.has_sent_much:
                self._await_arrival()
            limit_s = self._limit_s()
            self._wait_at_most(None if limit_s is None else limit_s + self._carried_s())
        return super().read_response(disable_decoding, disconnect_on_error=disconnect_on_error, **options)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        # Before the first of what is sent nothing is on its way; to ask is a call of the system.
        left = bytes_on_their_way(self._sock) if self._sent else 0
        self._sent += len(view)
        while view:
            try:
                view = view[self._sock.send(view[:PIECE]) :]
            except TimeoutError:
                before, left = left, bytes_on_their_way(self._sock)
                if left == before:
                    raise

    def _await_arrival(self) -> None:
        """Wait for what the system has taken and not yet sent: megabytes, for seconds, in which no reply can come."""
        limit_s = self._limit_s() or math.inf
        left, moved_s = bytes_on_their_way(self._sock), time.monotonic()
        while left and not _is_readable(self._sock):
            before, left = left, bytes_on_their_way(self._sock)
            now_s = time.monotonic()
            if left != before:
                moved_s = now_s
            elif now_s - moved_s > limit_s:
                self._drop()
                raise redis.TimeoutError("Timeout writing to socket")

    def _wait_at_most(self, limit_s: float | None) -> None:
        # To set it, even to what it is, is a call of the system.
        if self._sock.gettimeout() != limit_s:
            self._sock.settimeout(limit_s)

    def _limit_s(self) -> float | None:
        seconds = _silence_s.get()
        return self.socket_timeout if seconds is None else seconds[self._is_reused]

    def _carried_s(self) -> float:
        """How long what was sent may still be on its way where nobody sees it, in the buffers of the network."""
        return self._sent / SLOWEST if self.has_sent_much else 0.0

    def _drop(self) -> None:
        self.disconnect()  # type: ignore[no-untyped-call]


if sys.platform == "win32":

    def bytes_on_their_way(end: socket.socket) -> int:
        """Give 0: the system does not say."""
        return 0

    def _is_readable(end: socket.socket) -> bool:
        return True

else:
    import fcntl
    import select
    import termios

    def bytes_on_their_way(end: socket.socket) -> int:
        """Count what was sent and has not arrived; 0 where the system does not say."""
        try:
            return int.from_bytes(fcntl.ioctl(end.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        except OSError:
            return 0

    def _is_readable(end: socket.socket) -> bool:
        """Whether there is something to read, or the end, in a moment from now."""
        poll = select.poll()
        poll.register(end, select.POLLIN)
        return bool(poll.poll(_LOOK_MS))


@functools.cache
def laid_over(ours: Any, kind: Any, with_sockets: tuple[Any, ...]) -> Any:
    """Lay a class of ours over one of connections; one that connects by itself, as fakeredis', stays as it is."""
    uses_sockets = getattr(kind, "_connect", None) in [each._connect for each in with_sockets]
    if not uses_sockets or issubclass(kind, ours):
        return kind
    return type(f"Patient{kind.__name__}", (ours, kind), {})


def patient(kind: Any) -> Any:
    """Lay `PatientConnection` over a class of connections of threads."""
    return laid_over(PatientConnection, kind, (Connection, SSLConnection, UnixDomainSocketConnection))


def uses_tcp(kind: type[Any]) -> bool:
    """Whether it is one of ours over TCP."""
    return issubclass(kind, Connection) and issubclass(kind, PatientConnection)


def keepalive(given: dict[str, Any]) -> dict[str, Any]:
    """Give the settings by which the system notices that a silent connection is dead; what is given stays as it is."""
    is_wanted = given.get("socket_keepalive")
    if is_wanted is None:
        is_wanted = True
    options = given.get("socket_keepalive_options")
    if options is None:
        options = {getattr(socket, name): s for name, s in _KEEPALIVE_S.items() if hasattr(socket, name)}
    return {"socket_keepalive": is_wanted, "socket_keepalive_options": options}
