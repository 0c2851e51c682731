"""Agents that are given jobs whose hashes somebody has altered: they go on, and what is sound runs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq.suspension import resume, suspend

import agent_tasks
from handoff import Cluster
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.events import node_of
from support.odd_jobs import BENT, FIELDS_OF_JOBS, bend
from support.waiting import LIMIT_S, wait_until


@pytest.fixture
def cluster(own_server: RedisServer) -> Iterator[Cluster]:
    with Cluster(own_server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster


@pytest.fixture
def agents(cluster: Cluster, own_server: RedisServer, tmp_path: Path) -> Iterator[Agents]:
    """Without a look at the books, for what reads them takes all fields for text."""
    with Agents(cluster, own_server.url, tmp_path) as agents:
        yield agents


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x", "minus", "kilobytes", "no utf-8"])
def test_an_agent_outlives_jobs_of_which_any_field_was_altered(cluster: Cluster, agents: Agents, name: str) -> None:
    agent = agents.start("a", "--slots", "100", cpu=4)
    suspend(cluster.connection)
    odd = [cluster.enqueue(agent_tasks.nothing, max_retries=0) for _ in FIELDS_OF_JOBS]
    for handle, field in zip(odd, FIELDS_OF_JOBS, strict=True):
        bend(cluster, handle.id, field, BENT[name])
    resume(cluster.connection)

    good = [cluster.enqueue(agent_tasks.where) for _ in range(4)]

    assert [handle.result(LIMIT_S) for handle in good] == ["a"] * 4
    # A deadline asks for a heartbeat, which compares the books: nothing else finds a placement that cannot be read.
    cluster.drain("a", LIMIT_S)
    wait_until(lambda: not any(node_of(cluster, "a").used.values()), "all of the node is given back")
    assert agent.process.poll() is None
