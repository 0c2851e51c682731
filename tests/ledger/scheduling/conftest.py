"""What all tests of scheduling share: a board that plays a small cluster."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from support.picture import Board


@pytest.fixture
def board(cluster: Cluster) -> Board:
    return Board(cluster)
