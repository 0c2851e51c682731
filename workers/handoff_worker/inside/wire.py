"""Messages over a socket: length-prefixed msgpack; knows bytes, and nothing of what a message says."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Any

import msgpack

_LENGTH = struct.Struct("!I")

REQUEST = struct.Struct("!Q")
"""What the nursery is asked for is no message: the number of a child, and beside it ends of a channel and a tray."""

ARE_YOU_THERE = REQUEST.pack(0)
"""Children are numbered from 1; this goes alone, and is answered."""

LARGEST = 256 * 2**20
"""Bytes of one message; four random bytes read as a length mostly pass it."""

_NOTHING = memoryview(b"")

_READ = 2**16
"""Bytes of a usual read. Twice as much comes from mmap instead of the heap, which costs more than the read itself."""

_BULK_READ = 2**20
"""Bytes of a read within a message that is known to be longer than a usual one."""


_PACKETS, LARGEST_PACKET = (socket.SOCK_SEQPACKET, 2**14) if sys.platform == "linux" else (socket.SOCK_DGRAM, 2**10)
"""How messages lie in a tray, and bytes of the largest one; what is larger goes another way."""

_ELSEWHERE = b"\xc1"
"""No message is so: it says that the next one comes by the channel."""


class Garbled(Exception):
    """The other end sent bytes that are no message."""


def pack(message: object) -> bytes:
    """Turn a message of plain data into bytes."""
    packed: bytes = msgpack.packb(message)
    return packed


def framed(packed: bytes) -> bytes:
    """Make of a packed message what goes over a channel."""
    return _LENGTH.pack(len(packed)) + packed


def encode(message: object) -> bytes:
    """Turn a message of plain data into the bytes to send over a channel."""
    return framed(pack(message))


class Channel:
    """One end of a stream socket. Non-blocking in the agent, which never waits; blocking in the other processes."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._received = bytearray()
        self._missing = 0
        self._unsent = _NOTHING

    def fileno(self) -> int:
        """Give the descriptor, for a selector; -1 once closed."""
        return self.socket.fileno()

    @property
    def half_received(self) -> int:
        """Bytes that have come of a message that is not complete."""
        return len(self._received)

    @property
    def half_sent(self) -> int:
        """Bytes that are still to be sent of a message."""
        return len(self._unsent)

    def send(self, frame: bytes) -> bool:
        """Hand over what the socket takes now of an encoded message; False when `flush` must send the rest.

        One frame at a time: after False, not again before `flush` has returned True. Raises `OSError` when the other
        end is gone.
        """
        self._unsent = memoryview(frame)
        return self.flush()

    def flush(self) -> bool:
        """Go on sending; True when nothing is left. Raises `OSError` when the other end is gone."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return False
        # Even an empty slice would keep the whole frame in memory.
        self._unsent = _NOTHING
        return True

    def receive(self) -> list[Any]:
        """Read once, and return the messages that are complete by now, often none of a large one.

        Raises `BlockingIOError` when there is nothing to read, `EOFError` at the end, `Garbled` for what is no message.
        """
        try:
            data = self.socket.recv(_READ if self._missing < _READ else min(self._missing, _BULK_READ))
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        self._received += data
        messages = []
        while (body := self._next_body()) is not None:
            try:
                messages.append(msgpack.unpackb(body))
            except (ValueError, msgpack.UnpackException) as error:
                raise Garbled(f"{len(body)} bytes are no message") from error
        return messages

    def _next_body(self) -> bytes | None:
        received = self._received
        if len(received) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(received)
        if length > LARGEST:
            raise Garbled(f"a message of {length} bytes is announced and {LARGEST} is the limit")
        end = _LENGTH.size + length
        self._missing = max(0, end - len(received))
        if self._missing:
            return None
        body = bytes(memoryview(received)[_LENGTH.size : end])
        del received[:end]
        return body


class Tray:
    """Where the agent lays what a child is to do next, and from where it takes back what the child has not taken.

    Each message is given by the kernel to one of both, so nobody has to be asked what has begun.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(type=_PACKETS)
        self._ours.setblocking(False)

    def fileno(self) -> int:
        """Give the descriptor of the end that the child is to have too, which blocks."""
        return self._theirs.fileno()

    def lay(self, packed: bytes | None) -> bool:
        """Lay a packed message into it, None = one that comes by the channel. -> False where it takes no more now"""
        try:
            self._ours.send(_ELSEWHERE if packed is None else packed)
        except OSError:
            return False
        return True

    def take_back(self) -> list[bytes | None]:
        """Take all that has not been taken, in order."""
        taken: list[bytes | None] = []
        while True:
            try:
                packed = self._theirs.recv(LARGEST_PACKET, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return taken
            taken.append(None if packed == _ELSEWHERE else packed)

    def close(self) -> None:
        """Take leave of it."""
        self._ours.close()
        self._theirs.close()


def take(tray: socket.socket, channel: Channel) -> Any:
    """Take the next message out of a tray, at the child's end of it. Raises `EOFError` when the agent is gone."""
    packed = tray.recv(LARGEST_PACKET)
    if not packed:
        raise EOFError
    if packed != _ELSEWHERE:
        return msgpack.unpackb(packed)
    while not (messages := channel.receive()):
        continue
    return messages[0]
