"""RQ knows no namespaces: whose a queue is, its name alone says."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from handoff.ledger.functions import cancel
from handoff.ledger.keys import is_queue_of, node_of_queue, queue_name


@pytest.mark.parametrize("node", ["a", "12@34.5-x", "x.y.z", ""])
def test_the_node_is_read_from_the_name_of_its_queue(node: str) -> None:
    assert node_of_queue(queue_name("h", node)) == node
    assert is_queue_of("h", queue_name("h", node))


@pytest.mark.parametrize("queue", ["default", "h2", "h2.a", "a.h", "high"])
def test_a_queue_of_another_namespace_or_of_none_is_not_ours(queue: str) -> None:
    assert not is_queue_of("h", queue)


def test_no_function_of_a_namespace_that_begins_alike_is_canceled(cluster: Cluster) -> None:
    with Cluster(connection=cluster.connection, namespace=f"{cluster.namespace}2") as other:
        handle = other.enqueue("tasks:work")

        with pytest.raises(UnknownFunction):
            cancel(cluster.store, handle.id)

        assert handle.status == "waiting"
