"""How many functions stand on a node, run on it, and have ended on it: each number by itself."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.ledger.counts import Counts, count_on
from support.agent import FakeAgent, failure, ok


def test_each_way_to_stand_on_a_node_or_in_the_lobby_is_counted_by_itself(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 15}, lease_ms=10**10).register()
    ids = [cluster.enqueue("tasks:f", cost={"cpu": 1}).id for _ in range(15)]
    cluster.cancel(ids[:2])
    finished, failed, running = 3, 4, 5
    started = [work.id for work in agent.take(room=finished + failed + running)]
    for id in started[:finished]:
        agent.finish(ok(id))
    for id in started[finished : finished + failed]:
        agent.finish(failure(id))
    cluster.enqueue("tasks:f", cost={"cpu": 99}).cancel()

    assert count_on(cluster.store, ["a", ""]) == {
        "a": Counts(queued=1, started=running, finished=finished, failed=failed, canceled=2),
        "": Counts(queued=0, started=0, finished=0, failed=0, canceled=1),
    }
