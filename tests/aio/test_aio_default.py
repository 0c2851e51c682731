"""The default cluster in an event loop: tasks are submitted to the server of the shortcuts, and nothing stays open."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import handoff
import handoff.aio
from declared_tasks import area
from handoff.client.cluster import Cluster
from handoff.client.default import as_default
from handoff.local.server import RedisServer
from support.connections import NODE
from support.waiting import wait_until


@pytest.fixture
def default(server: RedisServer) -> Iterator[Cluster]:
    """The default cluster of the test: in a namespace of its own."""
    name = f"t{uuid.uuid4().hex[:12]}"
    made = Cluster(f"{server.url}?client_name={name}", namespace=name, default_cost={"cpu": 1})
    with made, as_default(made):
        made.register_node("static", NODE)
        yield made


def connections(cluster: Cluster) -> int:
    """Count those that the server has of this cluster, and of the other one beside it."""
    clients: Any = cluster.connection.client_list()
    return sum(each["name"] == cluster.namespace for each in clients)


def test_a_task_is_submitted_to_the_server_and_namespace_of_the_shortcuts(default: Cluster) -> None:
    async def main() -> str:
        handle = await area.asubmit(3, height=4)
        assert isinstance(handle, handoff.aio.Handle)
        assert await handle.status() == "queued"
        return handle.id

    assert default.handle(asyncio.run(main())).node == "static"


def test_it_has_the_options_of_the_default_cluster(default: Cluster) -> None:
    async def main() -> list[str]:
        cluster = handoff.aio.default_cluster()
        handles = await cluster.map("tasks:work", range(NODE["cpu"] + 1))
        return [handle.verdict.state for handle in handles if handle.verdict]

    assert asyncio.run(main()) == ["placed"] * NODE["cpu"] + ["waiting"]


def test_it_is_one_until_there_is_another_default(default: Cluster) -> None:
    first = handoff.aio.default_cluster()

    assert handoff.aio.default_cluster() is first
    with Cluster(default.url) as other, as_default(other):
        assert handoff.aio.default_cluster() is not first
    assert handoff.aio.default_cluster() is first


def test_its_connections_end_with_the_event_loop(default: Cluster) -> None:
    async def main() -> int:
        handle = await area.asubmit(3)
        with pytest.raises(TimeoutError):
            await handle.result(timeout=0.01)
        return connections(default)

    before = connections(default)
    assert asyncio.run(main()) > before
    wait_until(lambda: connections(default) == before, "those of the event loop are closed")


def test_what_is_closed_and_used_again_is_closed_once_more_with_the_loop(default: Cluster) -> None:
    async def main() -> None:
        for _ in range(2):
            await handoff.aio.default_cluster().close()
            await area.asubmit(3)

    before = connections(default)
    asyncio.run(main())
    wait_until(lambda: connections(default) == before, "those of the event loop are closed")


def test_a_forked_process_has_connections_of_its_own(default: Cluster) -> None:
    async def main() -> str:
        first = await area.asubmit(3)
        child = os.fork()
        if not child:
            code = 1
            try:
                asyncio.run(area.options(job_id=f"{first.id}-child").asubmit(4))
                code = 0
            finally:
                os._exit(code)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert status == 0
        assert await first.status() == "queued"
        return first.id

    assert default.handle(f"{asyncio.run(main())}-child").status == "waiting"
