"""The tracker on Redis keeps the same conformance suite as the one in memory."""

from __future__ import annotations

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.client.cluster import Cluster
from support.conformance.tracker import TrackerConformance


class TestRedisResourceTracker(TrackerConformance):
    @pytest.fixture
    def tracker(self, cluster: Cluster) -> ResourceTracker:
        return cluster.tracker

    @pytest.fixture
    def many(self, request: pytest.FixtureRequest) -> int:
        """Less on fakeredis, which takes longer, for the same scripts."""
        return 90 if request.node.callspec.params["connection"] == "fake" else 1000
