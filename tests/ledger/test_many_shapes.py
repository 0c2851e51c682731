"""Where more shapes wait than are tried one by one, those that fit are found by their index."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent

MANY = 33
"""One more than are tried one by one."""


@pytest.fixture(autouse=True)
def _many(cluster: Cluster) -> None:
    """Shapes that no node could hold."""
    for amount in range(1, MANY + 1):
        cluster.enqueue("tasks:work", cost={"fpga": amount})


def bitmaps(cluster: Cluster, label: str) -> list[Any]:
    """The keys of the index that tell who has constraints on this label."""
    connection: Any = cluster.connection
    return list(connection.scan_iter(match=f"{cluster.store.keys('shape_term')}*{label}*"))


def test_what_is_pinned_to_a_node_that_grows_is_found(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    pinned = cluster.enqueue("tasks:work", cost={"cpu": 2}, node="a")
    assert pinned.status == "waiting"

    agent.capabilities = {"cpu": 2}
    agent.register()

    assert pinned.status == "queued"


@pytest.mark.parametrize("has", [2, [0, 1]], ids=["a sum", "devices"])
def test_what_wants_one_and_a_half_is_found_where_the_node_has_no_devices_only(
    cluster: Cluster, has: int | list[int]
) -> None:
    wants = cluster.enqueue("tasks:work", cost={"disk": 1.5})

    FakeAgent(cluster.store, "a", {"disk": has}).register()

    assert wants.status == ("queued" if has == 2 else "waiting")


def test_of_constraints_that_nobody_has_any_more_the_index_keeps_nothing(cluster: Cluster) -> None:
    handle = cluster.enqueue("tasks:work", cost={"cpu": 1}, where={"tier": "metal"})
    assert bitmaps(cluster, "tier")

    handle.cancel()

    assert bitmaps(cluster, "tier") == []
