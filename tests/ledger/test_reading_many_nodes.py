"""However many nodes there are, no script that reads them holds the server for long."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger import nodes


def test_many_nodes_are_read_in_slices_and_in_their_order(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MOST_READ", 3)
    names = [f"n{number}" for number in (3, 1, 2, 7, 5, 4, 6)]
    for name in names:
        cluster.register_node(name, {"cpu": 1})
    asked: list[int] = []
    run = cluster.store.run

    def counted(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        asked.append(len(rest))
        return run(script, *rest, **arguments)

    monkeypatch.setattr(cluster.store, "run", counted)

    assert list(cluster.discover_nodes()) == names

    assert asked == [3, 3, 1]
