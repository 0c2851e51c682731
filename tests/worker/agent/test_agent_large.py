"""Large values over a slow link: the agent goes on with all else meanwhile, and nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import agent_tasks
from handoff import Cluster
from handoff.client.handle import Handle
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.events import exchanges
from support.gate import Gate
from support.link import Link, Valve
from support.waiting import LIMIT_S

LARGE = 8_000_000

STEP = 1_000_000
"""Bytes between two looks at whether the agent still does all else."""


@pytest.fixture
def link(redis_server: RedisServer) -> Iterator[Link]:
    with Link(redis_server.port) as link:
        yield link


def let_through(cluster: Cluster, valve: Valve, holds: Callable[[], bool]) -> int:
    """Let bytes pass where none did, until something holds; each time so many have, the agent has to say something.

    -> how often it has
    """
    times = 0
    while not holds():
        valve.open(STEP)
        before = exchanges(cluster, "a")
        # What it says needs some bytes as well.
        valve.drip(2**12, lambda: holds() or exchanges(cluster, "a") > before, f"the agent goes on after {times} MB")  # noqa: B023
        times += 1
    valve.open()
    return times


def ended(*handles: Handle) -> Callable[[], bool]:
    return lambda: all(handle.status in ("finished", "failed") for handle in handles)


def test_an_agent_goes_on_while_a_large_result_is_on_its_way(
    cluster: Cluster, agents: Agents, link: Link, gate: Gate
) -> None:
    agents.url = link.url(agents.url)
    agents.start("a", cpu=4)
    bystander = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    link.up.close()
    large = cluster.enqueue(agent_tasks.large, LARGE)

    assert let_through(cluster, link.up, ended(large)) > LARGE // STEP

    assert large.result(LIMIT_S) == b"x" * LARGE
    gate.open("a")
    assert bystander.result(LIMIT_S) == 7
    assert (large.attempts, bystander.attempts) == (1, 1)


def test_an_agent_goes_on_while_large_arguments_are_on_their_way(
    cluster: Cluster, agents: Agents, link: Link, gate: Gate
) -> None:
    agents.url = link.url(agents.url)
    agents.start("a", "--slots", "8", cpu=8)
    bystander = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    sizes = [3_000_000, 3_000_001, 3_000_002]
    # Such as zlib makes no smaller.
    link.down.close()
    handles = [cluster.enqueue(agent_tasks.size_of, os.urandom(size)) for size in sizes]

    assert let_through(cluster, link.down, ended(*handles)) > sum(sizes) // STEP // 2

    assert [handle.result(LIMIT_S) for handle in handles] == sizes
    gate.open("a")
    assert bystander.result(LIMIT_S) == 7
    assert [handle.attempts for handle in (*handles, bystander)] == [1] * 4


@pytest.mark.slow
def test_a_function_of_which_the_arguments_are_on_their_way_can_be_canceled(
    cluster: Cluster, agents: Agents, link: Link
) -> None:
    agents.url = link.url(agents.url)
    agents.start("a", lease=15)
    link.down.close()
    handle = cluster.enqueue(agent_tasks.size_of, os.urandom(LARGE))
    link.down.drip(2**10, lambda: handle.status == "started", "it is started")

    assert handle.cancel()

    link.down.drip(2**12, lambda: handle.status == "canceled", "it is canceled")
    link.down.open()


@pytest.mark.slow
def test_a_large_result_of_which_redis_has_lost_a_part_is_sent_again(
    cluster: Cluster, agents: Agents, link: Link
) -> None:
    agents.url = link.url(agents.url)
    agents.start("a")
    link.up.close()
    large = cluster.enqueue(agent_tasks.large, LARGE)
    client: Any = cluster.connection
    parcels = f"{cluster.store.keys('parcel')}*"

    def found() -> list[bytes]:
        return list(client.scan_iter(match=parcels))

    link.up.drip(2**14, lambda: bool(found()), "a part of it is there")
    client.delete(*found())
    link.up.open()

    assert large.result(LIMIT_S) == b"x" * LARGE
    assert large.attempts == 1


@pytest.mark.slow
def test_an_agent_that_is_told_to_end_delivers_a_large_result_first(
    cluster: Cluster, agents: Agents, link: Link
) -> None:
    agents.url = link.url(agents.url)
    agent = agents.start("a", "--grace", "3600")
    link.up.close()
    large = cluster.enqueue(agent_tasks.large, LARGE)
    parcels = f"{cluster.store.keys('parcel')}*"
    client: Any = cluster.connection
    link.up.drip(2**14, lambda: bool(list(client.scan_iter(match=parcels))), "a part of it is there")

    agent.signal(signal.SIGTERM)
    link.up.open()

    assert agent.wait() == 0
    assert large.result(0) == b"x" * LARGE


@pytest.mark.slow
def test_a_large_result_outlasts_a_restart_of_redis(
    cluster: Cluster, agents: Agents, own_server: RedisServer, tmp_path: Any
) -> None:
    (tmp_path / "own").mkdir()
    with (
        Link(own_server.port) as link,
        Cluster(own_server.url, namespace=cluster.namespace) as own,
        Agents(own, link.url(own_server.url), tmp_path / "own") as nodes,
    ):
        nodes.start("a")
        link.up.close()
        large = own.enqueue(agent_tasks.large, LARGE)
        client: Any = own.connection
        parcels = f"{own.store.keys('parcel')}*"
        link.up.drip(2**14, lambda: bool(list(client.scan_iter(match=parcels))), "a part of it is there")

        own_server.kill()
        own_server.restart()
        link.up.open()

        assert large.result(LIMIT_S) == b"x" * LARGE
        assert large.attempts == 1
