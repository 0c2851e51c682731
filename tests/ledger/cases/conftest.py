"""What stories of the ledger share: a cluster in a database of one's own, whose clock stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from handoff.client.cluster import Cluster
from support.books import check_books
from support.stories import START_MS


@pytest.fixture
def cluster(database: redis.Redis) -> Iterator[Cluster]:
    """Its clock stands until `pass_ms`."""
    with Cluster(connection=database, namespace="cases") as cluster:
        cluster.store.now_ms = START_MS
        yield cluster
        check_books(cluster.store)
