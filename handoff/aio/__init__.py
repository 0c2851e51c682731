"""The same client for asyncio: `async with handoff.aio.Cluster(url) as cluster`, and every call is awaited."""

from handoff.aio.cluster import Cluster
from handoff.aio.default import default_cluster
from handoff.aio.handle import Handle
from handoff.aio.run_handle import RunHandle

__all__ = ["Cluster", "Handle", "RunHandle", "default_cluster"]
