"""What tests of graphs on real nodes share: two nodes that live as long as the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handoff import Cluster, LocalCluster
from support import need_redis_server
from support.books import assert_nothing_held, check_books
from support.local import local_cluster


@pytest.fixture(scope="module")
def local() -> Iterator[tuple[LocalCluster, Cluster]]:
    need_redis_server()
    local = local_cluster({"a": {"cpu": 2}, "b": {"cpu": 2, "gpu": 1}}, namespace="graphs")
    with local as cluster:
        yield local, cluster


@pytest.fixture
def cluster(local: tuple[LocalCluster, Cluster]) -> Iterator[Cluster]:
    _, cluster = local
    yield cluster
    check_books(cluster.store)
    assert_nothing_held(cluster.store)
