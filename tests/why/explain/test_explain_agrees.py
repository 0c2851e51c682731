"""Explanations against a tracker in plain Python that has the same nodes and the same claims."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from handoff.books.simple import SimpleResourceTracker
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import ResourcesUnavailable
from handoff.words.constraints import Not
from support.explaining import COSTS, KINDS, WHERES, ask, pass_s, why


class Mirror:
    """Nodes and claims, in Redis and in plain Python."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self._cluster = cluster
        self._plain = SimpleResourceTracker()
        self._idle = SimpleResourceTracker()
        self.labels: dict[str, dict[str, str]] = {}
        self.claims: dict[str, tuple[Any, Any]] = {}
        for i in range(chance.randint(1, 6)):
            capabilities, labels, memory = chance.choice(KINDS)
            name = f"n{i}"
            for tracker in (cluster.tracker, self._plain, self._idle):
                tracker.register_node(name, capabilities, labels, memory)
            self.labels[name] = labels
        for _ in range(chance.randint(0, 12)):
            self.claim(chance.choice(list(self.labels)), chance.choice(COSTS))
            pass_s(cluster, 1)

    def claim(self, node: str, cost: Mapping[str, float]) -> None:
        try:
            claim = self._cluster.tracker.request(node, cost)
        except ResourcesUnavailable:
            return
        self.claims[claim.id] = (claim, self._plain.request(node, cost))

    def release(self, id: str) -> None:
        claim, plain = self.claims.pop(id)
        assert self._cluster.tracker.release(claim)
        assert self._plain.release(plain)

    def allowed(self, where: Mapping[str, Any] | None) -> list[str]:
        (term,) = (where or {"node": list(self.labels)}).items()
        values = term[1].values if isinstance(term[1], Not) else term[1]
        has = {name: name if term[0] == "node" else labels.get(term[0]) for name, labels in self.labels.items()}
        return [
            name for name, value in has.items() if (value is not None and value in values) != isinstance(term[1], Not)
        ]

    def fits(self, node: str, cost: Mapping[str, float], *, idle: bool = False) -> bool:
        return (self._idle if idle else self._plain).resources_available(node, cost)

    def missing(self, nodes: list[str], resource: str, amount: float) -> float:
        """Of the best of these nodes."""
        found = []
        for node in nodes:
            try:
                self._plain.release(self._plain.request(node, {resource: amount}))
                found.append(0.0)
            except ResourcesUnavailable as error:
                found.append(float(error.short[resource]))
        return min(found)

    def smallest_part(self, nodes: list[str], cost: Mapping[str, float], *, idle: bool) -> float | None:
        """How small a part of one amount would have to be given up."""
        parts = [
            (wanted - less) / wanted
            for resource, wanted in cost.items()
            for less in (0.5, *range(1, int(wanted + 1)))
            if less < wanted and any(self.fits(node, {**cost, resource: less}, idle=idle) for node in nodes)
        ]
        return min(parts, default=None)


@pytest.mark.parametrize("seed", range(20))
def test_an_explanation_agrees_with_plain_python(cluster: Cluster, seed: int) -> None:
    chance = random.Random(seed)
    mirror = Mirror(cluster, chance)
    for _ in range(6):
        cost, where = chance.choice(COSTS), chance.choice(WHERES)
        handle = ask(cluster, cost=cost, where=where)
        if handle.status == "waiting":
            check(cluster, mirror, handle, cost, where)
        handle.cancel()


def check(
    cluster: Cluster, mirror: Mirror, handle: Handle, cost: Mapping[str, float], where: Mapping[str, Any] | None
) -> None:
    found = why(cluster, handle)
    nodes = mirror.allowed(where)
    able = [name for name in nodes if mirror.fits(name, cost, idle=True)]

    assert found.state == ("waiting" if able else "infeasible")
    assert sum(kind["nodes"] for kind in found.short) == len(mirror.labels)
    for kind in found.short:
        alike = [name for name in able if mirror.labels[name] == kind["labels"]]
        assert bool(kind["never"]) == (kind["node"] not in able)
        if not kind["never"]:
            lacks = {resource: mirror.missing(alike, resource, amount) for resource, amount in cost.items()}
            assert kind["missing"] == {resource: lack for resource, lack in lacks.items() if lack}
            assert (kind["room"], kind["apart"]) == (0, not kind["missing"])

    change = found.smallest_change
    part = mirror.smallest_part(nodes, cost, idle=False)
    if part is not None:
        assert change is not None
        assert (change["kind"], 1 - change["to"] / change["from"]) == ("lower", pytest.approx(part))
        assert mirror.fits(change["node"], change["cost"])
    elif able:
        assert change is not None
        assert change["kind"] == "releases"
        assert change["node"] in able
        for i, each in enumerate(change["functions"]):
            assert not mirror.fits(change["node"], cost), (i, change)
            mirror.release(each["id"])
        assert handle.status == "queued"
    elif change is not None:
        assert change["kind"] == "lower_capacity"
        assert 1 - change["to"] / change["from"] == pytest.approx(mirror.smallest_part(nodes, cost, idle=True))
        assert mirror.fits(change["node"], change["cost"], idle=True)
    else:
        assert mirror.smallest_part(nodes, cost, idle=True) is None
