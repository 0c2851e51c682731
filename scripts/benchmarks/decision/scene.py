"""A cluster on a server of its own, set up by real scripts: its agents run nothing and say what the benchmark wants.

Knows what a submit, a cancel and a finish are called; nothing of how the ledger keeps them.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Self

import redis

from benchmarks.decision.bulk import BulkStore, Call, Reply
from benchmarks.decision.meter import Meter
from benchmarks.functions import nothing
from handoff import Cluster
from handoff.ledger import functions as work
from handoff.ledger.store import Store
from handoff.local.server import RedisServer
from handoff.words.resources import Number
from support.agent import FakeAgent, ok

Cost = Mapping[str, Number]
Capabilities = Mapping[str, Number | Sequence[int]]

LEASE_MS = 24 * 3_600_000
"""Longer than any run: what a heartbeat costs is not asked here."""

EVENTS_KEPT = 10_000
"""From here on every event drops an old one, which is the rule in a cluster that has been up for minutes."""


class Unexpected(Exception):
    """A script decided otherwise than the case is about, so there is no figure."""


class BulkCluster(Cluster):
    """A cluster whose calls can be noted, and made any number at once."""

    def _open(self, client: redis.Redis, namespace: str, timeout_s: float) -> Store:
        self.bulk = BulkStore(client, namespace)
        return self.bulk


class Scene:
    """One cluster. `with Scene() as scene:`"""

    def __init__(self) -> None:
        self.agents: dict[str, FakeAgent] = {}  #: by node

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            server = stack.enter_context(RedisServer())
            self.cluster = stack.enter_context(BulkCluster(server.url))
            self.store = self.cluster.bulk
            self.meter = Meter(self.cluster.connection)
            self._submits: dict[tuple[object, ...], Call] = {}
            self._cancel = self.store.note(lambda: work.cancel(self.store, "job"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # Many at once.

    def register(self, nodes: Mapping[str, Capabilities]) -> None:
        """Let an agent register each of the nodes."""
        for name, capabilities in nodes.items():
            self.agents[name] = FakeAgent(self.store, name, capabilities, lease_ms=LEASE_MS)
        calls = [self.store.note(self.agents[name].register) for name in nodes]
        for name, reply in zip(nodes, self.store.pour(calls), strict=True):
            tag, epoch = reply
            _expect(tag, b"registered")
            self.agents[name].epoch = epoch.decode()

    def submit_all(self, calls: Iterable[Call], tag: bytes | None = None) -> Iterator[tuple[str, Reply]]:
        """Make submits, each with a job id of its own. -> job id and reply, in order; `tag` is what all must answer"""
        under_way: deque[str] = deque()

        def fresh() -> Iterator[Call]:
            for call in calls:
                under_way.append(uuid.uuid4().hex)
                yield call.but(job_id=under_way[-1], token=uuid.uuid4().hex)

        for reply in self.store.pour(fresh()):
            if tag is not None:
                _expect(reply[0], tag)
            yield under_way.popleft(), reply

    def cancel_all(self, ids: Iterable[str]) -> None:
        """Cancel functions that have not started."""
        for reply in self.store.pour(self._canceling(id) for id in ids):
            _expect(reply[0], b"canceled")

    def age(self, cost: Cost) -> None:
        """Submit and cancel until the server has as many events as it keeps. `cost` fits or waits, as one likes."""
        key = self.store.keys("events")
        while self.cluster.connection.xlen(key) < EVENTS_KEPT:
            self.cancel_all([id for id, _ in self.submit_all([self.submitting(cost)] * 1_000)])

    # One at a time.

    def submitting(self, cost: Cost, *, node: str | None = None, priority: int = 0) -> Call:
        """The submit of a function, as `enqueue` would make it; the job id is still to be put in."""
        key = (*cost.items(), node, priority)
        if key not in self._submits:
            self._submits[key] = self.store.note(
                lambda: self.cluster.enqueue(nothing, cost=cost, node=node, priority=priority)
            )
        return self._submits[key]

    def submit(self, call: Call, tag: str) -> tuple[str, int]:
        """Submit one function that must be answered with `tag`. -> its job id, microseconds"""
        id = uuid.uuid4().hex
        call = call.but(job_id=id, token=uuid.uuid4().hex)
        reply, us = self.meter.time(lambda: self.store.make(call))
        _expect(reply[0], tag)
        return id, us

    def cancel(self, id: str) -> None:
        """Cancel a function that has not started."""
        _expect(self.store.make(self._canceling(id))[0], "canceled")

    def finish(self, node: str, id: str, room: int = 1) -> int:
        """Deliver the result of one reservation; the agent takes up to `room`. -> microseconds"""
        outcomes, us = self.meter.time(lambda: self.agents[node].finish(ok(id, 1), room=room))
        _expect(outcomes, ["stored"])
        return us

    def lay(self, node: str, cost: Cost) -> str:
        """Let a function run on the node, ahead of all that waits. -> its reservation"""
        reply = self.store.make(_fresh(self.submitting(cost, node=node, priority=1)))
        _expect(reply[0], "placed")
        return self.start(node)

    def start(self, node: str) -> str:
        """Let the node's agent take the first function of its queue. -> its reservation"""
        started = self.agents[node].take(1)
        _expect(len(started), 1)
        return started[0].id

    def waiting(self) -> int:
        """How many functions are not placed: what RQ calls deferred."""
        return self.cluster.connection.zcard(self.store.keys("rq_deferred", self.store.keys.queue()))

    def left_over(self) -> int:
        """How many nodes are still to be tried with what waits."""
        return self.cluster.connection.zcard(self.store.keys("dirty"))

    def _canceling(self, id: str) -> Call:
        return self._cancel.but(job_id=id, token=uuid.uuid4().hex)


def _fresh(call: Call) -> Call:
    return call.but(job_id=uuid.uuid4().hex, token=uuid.uuid4().hex)


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise Unexpected(f"{wanted!r} was to be answered, and {found!r} was: the case needs another set-up")
