"""Somebody has written over the name of the process that has a lease: the next agent waits for it all the same."""

from __future__ import annotations

import uuid

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.texts.holder import Holder
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.machine.holder import is_gone, this_process


@pytest.mark.parametrize(
    "holder", [b"", b"\xff", b"here", b"here x 1 machine", b"here 1", b"h " + b"9" * 5000 + b" 1 m"]
)
def test_a_holder_that_cannot_be_read_is_taken_for_one_that_is_there(cluster: Cluster, holder: bytes) -> None:
    capabilities = parse_capabilities({"cpu": 1})
    first, second = (NodeLedger(cluster.store, "a", this_process(), uuid.uuid4().hex) for _ in range(2))
    assert first.register(capabilities, 15_000) is None
    cluster.connection.hset(cluster.store.keys("node", "a"), "holder", holder)

    taken = second.register(capabilities, 15_000)

    assert taken is None or not is_gone(taken.holder)
    first.leave()


def test_a_process_of_an_absurd_number_is_not_gone() -> None:
    mine = this_process()

    assert not is_gone(Holder(mine.host, 10**30, "1", mine.machine))
