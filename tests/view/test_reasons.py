"""Why what waits for room waits."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.view.overview import read_waiting
from handoff.view.reasons import read_reasons


def test_where_the_first_has_gone_since_it_was_read_the_one_that_is_first_now_is_explained(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 1})
    cluster.enqueue("films:cut", cost={"cpu": 1})
    first, second = (cluster.enqueue("films:cut", cost={"cpu": 1}) for _ in range(2))
    shapes = read_waiting(cluster.store)
    first.cancel()

    (found,) = read_reasons(cluster.store, shapes).values()
    assert found.why.id == second.id

    second.cancel()
    assert read_reasons(cluster.store, shapes) == {}
