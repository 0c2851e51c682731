"""What an explanation says would start a function starts it, and asking costs the same however many wait."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.local.server import RedisServer
from handoff.words.variants import After
from support.explaining import COSTS, KINDS, WHERES, ask, pass_s, why


def test_asking_takes_as_many_commands_however_many_wait_and_however_many_nodes_are_alike(server: RedisServer) -> None:
    def commands(cluster: Cluster) -> int:
        stats = cluster.connection.info("commandstats")
        ours = ("cmdstat_info", "cmdstat_fcall", "cmdstat_evalsha")
        return sum(each["calls"] for name, each in stats.items() if name not in ours)

    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        counts = []
        handle = None
        for nodes, waiting in ((20, 10), (200, 1000)):
            for i in range(nodes):
                cluster.register_node(f"n{i}", {"cpu": 4, "gpu": 2})
                cluster.tracker.request(f"n{i}", {"cpu": 4}) if cluster.resources_available(
                    f"n{i}", {"cpu": 4}
                ) else None
            for i in range(waiting):
                handle = ask(cluster, cost={"cpu": 1 + i % 3})
            assert handle is not None
            why(cluster, handle)
            before = commands(cluster)
            why(cluster, handle)
            counts.append(commands(cluster) - before)

    assert counts[1] <= 1.2 * counts[0]


def undo(cluster: Cluster, claims: dict[str, Any], holder: dict[str, Any]) -> None:
    if holder["kind"] == "claim":
        assert cluster.tracker.release(claims.pop(holder["id"]))
    else:
        assert cluster.handle(holder["id"]).cancel()


@pytest.mark.parametrize("seed", range(20))
def test_what_it_says_would_start_it_starts_it(cluster: Cluster, seed: int) -> None:
    chance = random.Random(seed)
    cluster.share({"license": 4, "memory": 6})
    for i in range(chance.randint(1, 4)):
        capabilities, labels, memory = chance.choice(KINDS)
        cluster.register_node(f"n{i}", capabilities, labels, memory)
    claims: dict[str, Any] = {}
    for _ in range(chance.randint(4, 20)):
        name, cost = chance.choice(list(cluster.discover_nodes())), a_cost(chance)
        if chance.random() < 0.3:
            handle = ask(cluster, cost=cost)
            if handle.status == "waiting":
                # It would take what is given back before there is enough of it.
                handle.cancel()
        elif cluster.resources_available(name, cost):
            claim = cluster.tracker.request(name, cost)
            claims[claim.id] = claim
        pass_s(cluster, 1)

    for _ in range(5):
        handle = ask(cluster, cost=[a_cost(chance), After(5, a_cost(chance))], where=chance.choice(WHERES))
        change = why(cluster, handle).smallest_change if handle.status == "waiting" else None
        match change:
            case {"kind": "variant", "joins_s": seconds, "node": node}:
                pass_s(cluster, seconds)
                tick(cluster.store)
                assert (handle.status, handle.node) == ("queued", node)
            case {"kind": "releases", "functions": holders, "count": count}:
                assert len(holders) == count
                for holder in holders:
                    assert handle.status == "waiting"
                    undo(cluster, claims, holder)
                assert handle.status == "queued"
            case {"kind": "lower", "cost": lowered, "node": node}:
                assert cluster.resources_available(node, lowered)
        handle.cancel()


def a_cost(chance: random.Random) -> dict[str, float]:
    return chance.choice(COSTS) | chance.choice([{}, {"license": chance.randint(1, 5)}])
