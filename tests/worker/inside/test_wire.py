"""Messages between the agent and its children arrive whole, or not at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from handoff_worker.inside.wire import LARGEST, Channel, Garbled, encode


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Channel]]:
    """A plain socket, and the channel at its other end, which does not block."""
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)
        yield near, Channel(far)


def test_a_message_arrives_however_it_is_cut(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    messages = [{"a": b"\x00\xff"}, [], "text", 2**40]
    received = []

    for byte in b"".join(map(encode, messages)):
        near.send(bytes([byte]))
        received += channel.receive()

    assert received == messages


def test_several_messages_arrive_at_once(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    near.sendall(encode(1) + encode(2) + encode(3)[:-1])

    assert channel.receive() == [1, 2]


def test_what_the_socket_does_not_take_is_sent_later(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    large = bytes(2**22)
    assert not channel.send(encode(large))

    other = Channel(near)
    received = other.receive()
    while not channel.flush():
        received += other.receive()
    while not received:
        received += other.receive()

    assert received == [large]


def test_a_length_that_no_message_has_is_refused_at_once(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    near.sendall((LARGEST + 1).to_bytes(4, "big"))

    with pytest.raises(Garbled, match="is announced and"):
        channel.receive()


def test_the_end_of_the_other_side_is_an_end(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    near.close()

    with pytest.raises(EOFError):
        channel.receive()
