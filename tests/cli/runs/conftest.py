"""What tests of commands on runs share: an agent, played by hand."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": 1}, lease_ms=60_000).register()
