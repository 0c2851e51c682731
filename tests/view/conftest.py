"""What tests of lists and counts share: the ledger's half of an agent, which does nothing by itself."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff_worker.agent.ledger import NodeLedger
from support.status import idle_agent


@pytest.fixture
def agent(cluster: Cluster) -> NodeLedger:
    """The agent of a node `a` that does nothing by itself."""
    return idle_agent(cluster)
