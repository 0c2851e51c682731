"""What all tests of single functions share: a clock that stands still, and one agent, played by hand."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent
from support.submits import NOW_MS


@pytest.fixture(autouse=True)
def _still(request: pytest.FixtureRequest) -> None:
    """Time stands still for the scripts, and moves where a test says so."""
    if "cluster" in request.fixturenames:
        request.getfixturevalue("cluster").store.now_ms = NOW_MS


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=6000).register()
