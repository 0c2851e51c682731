"""Messages between the agent and its children arrive whole, or not at all."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from handoff_worker.inside.wire import LARGEST, LARGEST_PACKET, Channel, Garbled, Tray, encode, framed, pack, take


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


@pytest.fixture
def tray() -> Iterator[Tray]:
    tray = Tray()
    yield tray
    tray.close()


@pytest.fixture
def child_end(tray: Tray) -> Iterator[socket.socket]:
    """The end of the tray that a child has, in a process that has no other."""
    with socket.socket(fileno=os.dup(tray.fileno())) as end:
        yield end


def test_what_lies_in_a_tray_is_given_to_the_child_or_back_and_never_to_both(
    tray: Tray, child_end: socket.socket, ends: tuple[socket.socket, Channel]
) -> None:
    for number in range(4):
        assert tray.lay(pack(number))

    assert [take(child_end, ends[1]) for _ in range(2)] == [0, 1]
    assert tray.take_back() == [pack(2), pack(3)]
    assert tray.take_back() == []


def test_a_tray_that_takes_no_more_says_so_and_keeps_what_it_has(tray: Tray) -> None:
    largest = bytes(LARGEST_PACKET)
    count = 0
    while tray.lay(largest):
        count += 1

    assert tray.take_back() == [largest] * count
    assert tray.lay(largest)


def test_what_is_too_large_for_a_tray_is_taken_from_the_channel(
    tray: Tray, child_end: socket.socket, ends: tuple[socket.socket, Channel]
) -> None:
    near, channel = ends
    channel.socket.setblocking(True)
    large = bytes(2 * LARGEST_PACKET)
    tray.lay(None)
    tray.lay(pack("behind"))
    near.sendall(framed(pack(large)))

    assert take(child_end, channel) == large
    assert take(child_end, channel) == "behind"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child is ended by its nursery alone")
def test_the_end_of_the_agent_is_the_end_of_its_trays(
    child_end: socket.socket, tray: Tray, ends: tuple[socket.socket, Channel]
) -> None:
    tray.lay(pack("last"))
    tray.close()

    assert take(child_end, ends[1]) == "last"
    with pytest.raises(EOFError):
        take(child_end, ends[1])
