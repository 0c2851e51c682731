"""An agent in whose data another layout stands of a sudden: a newer version's, or an older one after a roll-back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import OtherLayout
from handoff.ledger import layout
from handoff_worker.agent.ending import USED_OF_LEASE
from support.agent_loop import LEASE_S, Loop
from support.versions import NEWER, version_with


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Loop]:
    caplog.set_level(logging.INFO)
    loop = Loop(cluster, monkeypatch)
    loop.step()
    loop.calls()
    yield loop
    set_layout(cluster, layout.LAYOUT)
    loop.ledger.leave()


def set_layout(cluster: Cluster, number: int) -> None:
    client: Any = cluster.connection
    client.hset(cluster.store.keys("clock"), "layout", number)


def begin(loop: Loop) -> Handle:
    """Have a function run there."""
    handle = loop.cluster.enqueue("tasks:work")
    loop.commands.say(command="handoff-work")
    loop.step()
    assert handle.status == "started"
    return handle


def end_of(loop: Loop) -> tuple[OtherLayout, float]:
    """Let it run to its end. -> what it ends with, and after how many seconds"""
    began_s = loop.now_s
    with pytest.raises(OtherLayout) as told:
        loop.run()
    return told.value, loop.now_s - began_s


def test_an_agent_that_runs_nothing_ends_as_soon_as_it_sees_it(loop: Loop) -> None:
    set_layout(loop.cluster, NEWER)

    error, seconds = end_of(loop)

    assert error.found == str(NEWER)
    assert seconds < LEASE_S / 3
    calls = loop.calls()
    # The one that saw it, and the one that asks whether it can be brought up to date.
    assert len(calls) <= 2


def test_what_runs_may_end_and_nothing_more_is_taken_or_written(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    handle = begin(loop)
    waiting = loop.cluster.enqueue("tasks:work")
    set_layout(loop.cluster, NEWER)
    loop.pass_s(1)
    loop.step()
    loop.calls()

    loop.finish()
    end_of(loop)

    assert loop.calls() == []
    assert loop.children.killed == []
    assert len(loop.children.started) == 1
    assert f"are not delivered, and count as lost with node a: {handle.id}" in caplog.text
    set_layout(loop.cluster, layout.LAYOUT)
    assert (handle.status, waiting.status) == ("started", "queued")


def test_what_does_not_end_is_killed_before_others_may_start_it_again(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    handle = begin(loop)
    loop.pass_s(LEASE_S / 6)
    set_layout(loop.cluster, NEWER)

    _, seconds = end_of(loop)

    assert [id.partition(":")[0] for id in loop.children.killed] == [handle.id]
    assert seconds <= USED_OF_LEASE * LEASE_S - LEASE_S / 6
    assert "1 functions may run until" in caplog.text
    assert "the lease has ended: 1 functions are stopped" in caplog.text


def test_a_second_word_to_end_ends_at_once_what_runs(loop: Loop) -> None:
    handle = begin(loop)
    set_layout(loop.cluster, NEWER)
    loop.pass_s(1)
    loop.step()

    loop.agent.kill()
    _, seconds = end_of(loop)

    assert seconds == 0
    assert [id.partition(":")[0] for id in loop.children.killed] == [handle.id]


def test_an_agent_that_was_lost_and_registers_anew_finds_it_too(loop: Loop) -> None:
    loop.pass_s(LEASE_S + 1)
    loop.lose("", "")
    loop.breaks = lambda script, *rest, **given: script == "register"
    loop.step()
    loop.breaks = lambda *given, **named: False
    set_layout(loop.cluster, NEWER)

    assert end_of(loop)[0].found == str(NEWER)


def test_an_agent_that_leaves_says_that_it_cannot_say_so(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    loop.agent.quiet()
    loop.step()
    loop.agent.stop()
    set_layout(loop.cluster, NEWER)

    loop.run()

    assert "the lease of node a will run out by itself" in caplog.text


def test_after_a_roll_back_to_before_the_upgrade_an_agent_brings_it_up_to_date_once_more(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with version_with(NEWER):
        loop = Loop(cluster, monkeypatch)
        loop.step()
        client: Any = cluster.connection
        set_layout(cluster, layout.UNMARKED)
        client.delete(cluster.store.keys("leases"))

        loop.pass_s(1)
        loop.step()

        assert client.hget(cluster.store.keys("clock"), "layout") == str(NEWER).encode()
        loop.step()
        loop.ledger.leave()
    set_layout(cluster, layout.LAYOUT)


def test_while_older_agents_live_after_a_roll_back_it_waits_for_their_leases(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with version_with(NEWER):
        loop = Loop(cluster, monkeypatch)
        loop.step()
        set_layout(cluster, layout.UNMARKED)

        loop.pass_s(1)
        loop.step()

        assert "agents of an older version run, such as on a" in caplog.text
        client: Any = cluster.connection
        for _ in range(100):
            loop.pass_s(LEASE_S / 10)
            loop.step()
        assert client.hget(cluster.store.keys("clock"), "layout") == str(NEWER).encode()
        loop.ledger.leave()
    set_layout(cluster, layout.LAYOUT)
