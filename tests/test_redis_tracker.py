"""The tracker on Redis keeps the same conformance suite as the one in memory."""

from __future__ import annotations

import pytest

from handoff.cluster import Cluster
from handoff.reservation import ResourceTracker
from tracker_conformance import TrackerConformance


class TestRedisResourceTracker(TrackerConformance):
    @pytest.fixture
    def tracker(self, cluster: Cluster) -> ResourceTracker:
        return cluster.tracker
