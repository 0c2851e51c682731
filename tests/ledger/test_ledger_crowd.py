"""Crowds: so many functions, shapes and reservations that scripts leave work to others; the books balance all the same.

What is decided first then depends on where a slice ends, so nothing is compared with the oracle here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import redis

from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.errors import NodeIsLeased, ResourcesUnavailable, UnknownNode
from handoff.ledger import functions as work
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, Stale, failure, ok
from support.books import assert_nothing_held, check_books
from support.ledger import read_ledger
from support.passing import pass_ms
from support.thorough import THOROUGH

START_MS = 1_800_000_000_000
LEASE_MS = 4000
STEPS = 60
BURST = 120


class Crowd:
    """A cluster in which everything happens by the dozen."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self._cluster, self._store, self._chance = cluster, cluster.store, chance
        self._store.now_ms = START_MS
        self._agents = [FakeAgent(self._store, name, {}, lease_ms=LEASE_MS) for name in "abc"]
        self._ids: list[str] = []
        self._claims: list[Reservation] = []
        self.left_over = 0  #: after how many steps there was

    def step(self) -> None:
        """Something, then perhaps one tick, but not all that it takes."""
        steps = [
            self._submit, self._submit, self._submit, self._submit, self._exchange, self._exchange, self._cancel,
            self._claim, self._release, self._register, self._come_up, self._come_up, self._take_away, self._pass_time,
            self._beat, self._beat,
        ]  # fmt: skip
        self._chance.choice(steps)()
        if self._chance.random() < 0.3:
            self._store.run("tick", room=0, token="t")
        ledger = read_ledger(self._store)
        self.left_over += bool(ledger.get("dirty") or ledger.get("abandoned"))

    def end(self) -> None:
        """Take all nodes away and cancel what waits."""
        for name in read_ledger(self._store).nodes:
            self._cluster.deregister_node(name)
        for id in self._ids:
            work.cancel(self._store, id)
        tick(self._store)

    def _submit(self) -> None:
        for _ in range(self._chance.randint(1, BURST)):
            handle = self._cluster.enqueue(
                "module:f",
                cost={"cpu": self._chance.randint(1, 400) / 100, "gpu": self._chance.choice([0, 0, 0, 0.3, 0.5, 1])},
                node=self._chance.choice([None] * 8 + ["a", "s"]),
                priority=self._chance.randint(-3, 3),
                max_retries=self._chance.randint(0, 1),
            )
            self._ids.append(handle.id)

    def _exchange(self) -> None:
        agent = self._chance.choice(self._agents)
        results = [
            ok(id) if self._chance.random() < 0.7 else failure(id) for id in agent.runs if self._chance.random() < 0.7
        ]
        try:
            agent.finish(*results, room=self._chance.randint(0, BURST))
        except Stale:
            self._come_up()

    def _cancel(self) -> None:
        for id in self._chance.sample(self._ids, k=min(len(self._ids), BURST)):
            work.cancel(self._store, id)

    def _claim(self) -> None:
        for _ in range(self._chance.randint(1, BURST)):
            try:
                ttl = self._chance.choice([None, 0.5, 3])
                self._claims.append(self._cluster.tracker.request(self._chance.choice("abcst"), {"cpu": 0.1}, ttl=ttl))
            except (ResourcesUnavailable, UnknownNode):
                return

    def _release(self) -> None:
        for _ in range(min(len(self._claims), BURST)):
            self._cluster.tracker.release(self._claims.pop(self._chance.randrange(len(self._claims))))

    def _register(self) -> None:
        try:
            self._cluster.register_node(self._chance.choice("cst"), {"cpu": self._chance.randint(0, 300), "gpu": 2})
        except NodeIsLeased:
            self._beat()

    def _come_up(self) -> None:
        agent = self._chance.choice(self._agents)
        agent.capabilities = {"cpu": self._chance.randint(0, 300), "gpu": self._chance.randint(0, 4), "slots": 250}
        agent.register()

    def _take_away(self) -> None:
        """Its first slice, whatever that leaves."""
        self._store.run("deregister", name=self._chance.choice("abcst"), incarnation="", cause="")

    def _pass_time(self) -> None:
        pass_ms(self._store, self._chance.choice([500, 1000, 1000, LEASE_MS]))

    def _beat(self) -> None:
        for agent in self._agents:
            try:
                agent.beat()
            except Stale:
                continue


@pytest.fixture
def cluster(database: redis.Redis) -> Iterator[Cluster]:
    with Cluster(connection=database, namespace="crowd") as cluster:
        yield cluster


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(50) if THOROUGH else [1])
@pytest.mark.parametrize(("database", "steps"), [("fake", STEPS // 4), ("real", STEPS)], indirect=["database"])
def test_slices_leave_nothing_undone_and_nothing_done_twice(cluster: Cluster, seed: int, steps: int) -> None:
    crowd = Crowd(cluster, random.Random(seed))

    for _ in range(steps):
        crowd.step()
        check_books(cluster.store)

    # In a few steps on fakeredis, which takes the fourfold for each, there need be none.
    assert crowd.left_over > 0 or steps < STEPS
    tick(cluster.store)
    assert not read_ledger(cluster.store).get("dirty")
    assert not read_ledger(cluster.store).get("abandoned")
    check_books(cluster.store)
    crowd.end()
    check_books(cluster.store)
    assert_nothing_held(cluster.store)
