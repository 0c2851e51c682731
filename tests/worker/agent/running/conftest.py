"""What tests of what runs on a node share: three nodes that live as long as the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handoff import Cluster, LocalCluster
from handoff_worker.children.confine import THREAD_VARIABLES
from support import need_redis_server
from support.books import assert_nothing_held, check_books
from support.local import local_cluster


@pytest.fixture(scope="module")
def local() -> Iterator[tuple[LocalCluster, Cluster]]:
    """A node with gpus, one without, and one whose gpus have memory; variables that functions see are not inherited."""
    need_redis_server()
    local = local_cluster(
        nodes={"a": {"cpu": 2, "gpu": 2}, "b": {"cpu": 8}, "c": {"cpu": 2, "gpu": [1, 3]}},
        labels={"b": {"zone": "east"}, "c": {"zone": "west", "gpu_model": "A10 / T4"}},
        device_memory={"c": {"gpu": [8000, 24000]}},
        namespace="running",
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in (*THREAD_VARIABLES, "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
            patch.delenv(name, raising=False)
        with local as cluster:
            yield local, cluster


@pytest.fixture
def cluster(local: tuple[LocalCluster, Cluster]) -> Iterator[Cluster]:
    yield local[1]
    check_books(local[1].store)
    assert_nothing_held(local[1].store)
