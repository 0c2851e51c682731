"""Clusters for unit tests: fakeredis, nodes with real capacities, functions that run in the process of the test."""

from handoff.testing.here import ClusterHere, cluster
from handoff.testing.playing import Told, current
from handoff.testing.submitted import Submitted
from handoff.testing.waits import NothingRuns

__all__ = ["ClusterHere", "NothingRuns", "Submitted", "Told", "cluster", "current"]
