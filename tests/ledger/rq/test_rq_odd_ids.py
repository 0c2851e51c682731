"""What stands on a queue under an id that rq does not allow is left alone: nothing is reserved for it."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.serializer import Serializer
from support.agent import FakeAgent
from support.books import assert_nothing_held

ODD = [b"\xff\xfe", b"", b"a b", b"a:1", b":", b"a\nb", b"a|b", b"*", "é".encode()]


@pytest.mark.parametrize("id", ODD)
@pytest.mark.parametrize("queue", ["", ".a"], ids=["lobby", "node"])
def test_a_job_of_an_odd_id_takes_no_room(cluster: Cluster, agent: FakeAgent, queue: str, id: bytes) -> None:
    client: Any = cluster.connection
    name = f"{cluster.namespace}{queue}"
    key = cluster.store.keys("rq_job", "").encode() + id
    data = Serializer.dumps(["tasks.work", None, [], {}])
    client.hset(key, mapping={"data": data, "status": "queued", "origin": name, "created_at": "2026-01-01T00:00:00Z"})
    client.rpush(cluster.store.keys("rq_queue", name), id)

    tick(cluster.store)
    assert agent.take() == []
    tick(cluster.store)

    assert agent.take() == []
    assert client.hgetall(cluster.store.keys("reservations", "a")) == {}
    client.delete(key)
    assert_nothing_held(cluster.store)
