"""What all tests of runs share: a cluster whose clock stands still, with agents that run nothing."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from support.graphs import Site


@pytest.fixture
def site(cluster: Cluster) -> Site:
    return Site(cluster)
