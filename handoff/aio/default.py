"""The default cluster for asyncio: that of the shortcuts of `handoff`, awaited."""

from __future__ import annotations

from handoff.aio.cluster import Cluster
from handoff.client import default


def default_cluster() -> Cluster:
    """The asyncio client with the settings of the default cluster: of `handoff.connect`, the environment, a unit test.

    Needs not be closed: its connections to the server end with the event loop in which they were made.
    """
    return default.default_cluster().beside(Cluster)
