"""What functions tell goes to Redis in few calls, before their results, and holds up nothing."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff_worker.agent.telling import EVERY_S, MOST_PART_BYTES, MOST_PARTS, PIECE
from handoff_worker.children.told import Told
from handoff_worker.inside.telling import LOG_BYTES
from support.agent_loop import Loop

HEAD = TAIL = LOG_BYTES // 2


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch)


def start(loop: Loop, count: int = 1) -> list[Handle]:
    """-> those that run now"""
    handles = [loop.cluster.enqueue("tasks:work") for _ in range(count)]
    loop.step()
    loop.calls()
    return handles


def tell(loop: Loop, number: int = 0, **told: Any) -> None:
    """Let the child that was given this task tell something."""
    loop.children.told.append(
        Told(loop.children.started[number].id, **{"progress": None, "output": [], "parts": [], **told})
    )


def kept(loop: Loop, name: str, handle: Handle) -> list[tuple[int, bytes]]:
    """-> of each entry the number, and what that is"""
    entries = loop.cluster.store.read("XRANGE", loop.cluster.store.keys(name, handle.id), "-", "+")
    return [(int(id.partition(b"-")[2]), entry[b"data"]) for id, entry in entries]


def test_what_several_functions_tell_goes_out_in_one_call(loop: Loop) -> None:
    first, second = start(loop, 2)
    tell(loop, loop.running().index(first.id), progress=(0.5, "half"))
    tell(loop, loop.running().index(second.id), output=[(0, b"hello")])

    loop.step()

    assert loop.calls() == ["tell"]
    assert first.progress is not None
    assert kept(loop, "output", second) == [(5, b"hello")]


def test_what_is_told_soon_after_waits_and_is_not_slept_over(loop: Loop) -> None:
    [handle] = start(loop)
    tell(loop, progress=(0.1, ""))
    loop.step()
    tell(loop, progress=(0.2, ""))
    tell(loop, progress=(0.3, ""))
    loop.step()
    assert loop.calls() == ["tell"]
    assert loop.agent._idle_for_s() == pytest.approx(EVERY_S)

    loop.pass_s(EVERY_S)
    loop.step()

    assert loop.calls() == ["tell"]
    assert handle.progress is not None
    assert handle.progress.fraction == 0.3


def test_what_a_function_has_told_goes_out_before_its_result(loop: Loop) -> None:
    [handle] = start(loop)
    tell(loop, progress=(0.1, ""))
    loop.step()
    loop.calls()
    tell(loop, progress=(1.0, ""))
    loop.finish()

    loop.step()

    assert loop.calls() == ["tell", "finish"]
    assert (handle.status, handle.progress and handle.progress.fraction) == ("finished", 1.0)


def test_of_what_has_ended_all_goes_out_however_many_calls_that_takes(loop: Loop) -> None:
    [handle] = start(loop)
    tell(loop, parts=[bytes(2**17)] * 5)
    loop.finish()

    loop.step()

    assert loop.calls() == ["tell", "tell", "tell", "finish"]
    assert [number for number, _ in kept(loop, "parts", handle)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("fault", ["command", "reply"])
def test_what_had_no_answer_is_told_again_and_kept_once(loop: Loop, fault: str) -> None:
    [handle] = start(loop)
    tell(loop, output=[(0, b"a")], parts=[b"x"])
    loop.lose(fault)
    loop.step()
    tell(loop, output=[(0, b"b")], parts=[b"y"])

    loop.pass_s(1)
    loop.step(2)
    loop.pass_s(1)
    loop.step(2)

    assert kept(loop, "output", handle) == [(1, b"a"), (2, b"b")]
    assert kept(loop, "parts", handle) == [(1, b"x"), (2, b"y")]


def test_a_script_that_fails_costs_what_was_told_and_no_result(loop: Loop) -> None:
    [handle] = start(loop)
    tell(loop, output=[(0, b"a")])
    loop.finish()
    loop.lose("bug")

    loop.step()

    assert loop.calls() == ["tell", "finish"]
    assert (handle.status, kept(loop, "output", handle)) == ("finished", [])


def test_what_is_told_after_a_result_is_delivered_costs_no_call(loop: Loop) -> None:
    start(loop)
    loop.finish()
    loop.step()
    loop.calls()

    tell(loop, progress=(0.5, ""))
    loop.step()

    assert loop.calls() == []


def test_of_what_is_printed_beginning_and_end_are_kept(loop: Loop) -> None:
    [handle] = start(loop)
    said = [b"%08d" % number for number in range(20_000)]
    for first in range(0, len(said), 1_000):
        tell(loop, output=[(0, b"".join(said[first : first + 1_000]))])
        loop.step()
        loop.pass_s(EVERY_S)

    loop.step()

    found, whole = kept(loop, "output", handle), b"".join(said)
    assert all(whole[end - len(data) : end] == data for end, data in found)
    size = sum(len(data) for _, data in found)
    assert HEAD + TAIL <= size <= HEAD + TAIL + 2 * PIECE
    head = b"".join(data for end, data in found if end <= HEAD)
    assert whole.startswith(head)
    assert len(head) > HEAD - PIECE
    assert found[-1][0] == len(whole)


def test_of_a_node_that_keeps_nothing_how_much_was_printed_is_known(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(cluster, monkeypatch, log_bytes=0)
    [handle] = start(loop)
    for _ in range(3):
        tell(loop, output=[(10, b"")])
        loop.step()
        loop.pass_s(EVERY_S)

    assert kept(loop, "output", handle) == [(30, b"")]
    assert handle.logs() == "[30 bytes are left out]\n"


def test_what_a_child_has_left_out_counts(loop: Loop) -> None:
    [handle] = start(loop)
    tell(loop, output=[(0, b"ab"), (100, b"cd")])

    loop.step()

    assert kept(loop, "output", handle) == [(2, b"ab"), (104, b"cd")]


def test_of_many_parts_the_last_are_kept(loop: Loop) -> None:
    [handle] = start(loop)
    for first in range(0, 2 * MOST_PARTS, 250):
        tell(loop, parts=[str(number).encode() for number in range(first, first + 250)])
        loop.step()
        loop.pass_s(EVERY_S)

    loop.step()

    numbers = range(MOST_PARTS + 1, 2 * MOST_PARTS + 1)
    assert kept(loop, "parts", handle) == [(number, str(number - 1).encode()) for number in numbers]


def test_of_large_parts_as_many_of_the_last_are_kept_as_take_8_mb(loop: Loop) -> None:
    [handle] = start(loop)
    count = MOST_PART_BYTES // 2**20
    for _ in range(count + 3):
        tell(loop, parts=[bytes(2**20)])
        loop.step()
        loop.pass_s(EVERY_S)

    loop.step()

    assert [number for number, _ in kept(loop, "parts", handle)] == list(range(4, count + 4))


def test_while_redis_is_away_no_more_is_held_than_is_kept(loop: Loop) -> None:
    [handle] = start(loop)
    loop.lose("command")
    tell(loop, parts=[b""])
    loop.step()
    for _ in range(10):
        tell(loop, parts=[b"x"] * 250, output=[(0, bytes(2**15))])
        loop.step()
    assert sum(len(attempt._unsent) for attempt in loop.agent._telling._attempts.values()) <= MOST_PARTS + 16

    loop.pass_s(10)
    loop.step(5)
    loop.pass_s(EVERY_S)
    loop.step(5)

    assert [number for number, _ in kept(loop, "parts", handle)][-MOST_PARTS:] == list(range(1502, 2502))


def test_what_was_told_before_its_agent_ends_is_kept(loop: Loop) -> None:
    [handle] = start(loop)
    tell(loop, output=[(0, b"a")])
    loop.step()
    tell(loop, output=[(0, b"b")])
    loop.agent.kill()

    loop.run()

    assert (handle.status, kept(loop, "output", handle)) == ("failed", [(1, b"a"), (2, b"b")])
