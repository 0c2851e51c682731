"""What tests of the status share: the ledger's half of an agent, which does nothing by itself."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.texts.holder import Holder
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.ledger import NodeLedger
from support.status import LEASE_MS


@pytest.fixture
def agent(cluster: Cluster) -> NodeLedger:
    """The agent of a node `a` that does nothing by itself."""
    agent = NodeLedger(cluster.store, "a", Holder("host", 4711, "1", "here"), "first")
    agent.register(parse_capabilities({"cpu": 2, "gpu": 2}), LEASE_MS)
    return agent
