"""What all tests of runs as the client sees them share: an agent, played by hand."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    """Its lease ends by the server's clock, long after any test."""
    return FakeAgent(cluster.store, "a", {"cpu": 2, "slots": 4}).register()
