"""What is asked about nodes is answered whatever somebody has written into one of them."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import read_nodes


@pytest.mark.parametrize(
    ("field", "value"),
    [("holder", b"\xff"), ("hold", b"x"), ("hold", b"\xff"), ("quiet", b"x"), ("draining", b"1.5"), ("cap:cpu", b"-"),
     ("used:cpu", b"9" * 5000), ("dev:gpu", b"0"), ("labels", b"\xfe=")],
)  # fmt: skip
def test_a_node_that_cannot_be_read_keeps_no_other_from_being_listed(
    cluster: Cluster, field: str, value: bytes
) -> None:
    for name in "ab":
        cluster.register_node(name, {"cpu": 1, "gpu": 1})
    key = cluster.store.keys("node", "a")
    kept: object = cluster.connection.hget(key, field)
    cluster.connection.hset(key, field, value)

    found = {node.name: node.state for node in read_nodes(cluster.store)}

    assert found["b"] == "up"
    assert "b" in cluster.discover_nodes()
    if kept is None:
        cluster.connection.hdel(key, field)
    else:
        cluster.connection.hset(key, field, kept)  # type: ignore[arg-type]
