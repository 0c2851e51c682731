"""What all tests of explanations share: a clock that stands still."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from support.explaining import T0


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """With a clock that stands still, so that sentences can be compared."""
    cluster.store.now_ms = T0
    return cluster
