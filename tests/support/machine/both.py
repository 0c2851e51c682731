"""The ledger and the oracle side by side."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from handoff.books.free import Free
from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.ledger import housekeeping
from handoff.ledger.claims import RedisResourceTracker
from handoff.ledger.store import own_client
from handoff.words.function import Function
from handoff.words.resources import UNIT
from support.agent import FakeAgent, Stale
from support.ledger import Ledger, below, read_ledger
from support.machine.repeating import RepeatingStore
from support.machine.views import noted
from support.oracle.model import External, Job
from support.oracle.operations import Oracle
from support.passing import pass_ms
from support.story import Story

START_MS = 1_800_000_000_000

MOST_UNFINISHED = 8
"""Few enough for every script to end what it begins: only then the order of all decisions is known."""

MOST_SHAPES = 3 * MOST_UNFINISHED
"""Of which each function may have several."""

AGENTS = (("a", "a1", 5000), ("b", "b1", 5000), ("c", "c1", 6000), ("a", "a2", 3000))
"""Name, incarnation and lease in ms; the last one takes over from the first when it can."""


class Chosen:
    """A user's allocator that always names the same node."""

    def __init__(self) -> None:
        self.node: str | None = None

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Mapping[str, Free]]) -> dict[str, str | None]:
        return {function.id: self.node for function in functions}


def external_of(agent: FakeAgent) -> External | None:
    """What an agent says that others use, in units."""
    if agent.external is None:
        return None
    sums, gpus = agent.external
    return External(
        {name: round(UNIT * each) for name, each in sums.items()},
        {index: round(UNIT * each) for index, each in gpus.items()},
    )


class Both(RuleBasedStateMachine):
    """What all operations share: agents, the clock, and housekeeping until nothing is left over."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__()
        connection.flushdb()
        namespace = f"m{uuid.uuid4().hex[:8]}"
        self.store = RepeatingStore(own_client(connection, None), namespace, now_ms=START_MS)
        self.tracker = RedisResourceTracker(self.store)
        self.cluster = Cluster(connection=connection, namespace=namespace)
        self.chosen = Chosen()
        self.choosing = Cluster(connection=connection, namespace=namespace, allocator=self.chosen)
        for cluster in (self.cluster, self.choosing):
            cluster.store, cluster.tracker = self.store, self.tracker
        self.oracle = Oracle(START_MS)
        self.story = Story(self.store)
        self.agents = [
            FakeAgent(self.store, name, {}, incarnation=incarnation, lease_ms=lease_ms)
            for name, incarnation, lease_ms in AGENTS
        ]
        self.runs: dict[str, Job] = {}  #: by reservation
        self.claims: list[Reservation] = []
        self.submitted = 0
        self.is_set_back = False  #: the clock, perhaps unseen by any script

    def teardown(self) -> None:
        self.cluster.close()

    # Inside.

    def _agent(self, data: st.DataObject) -> FakeAgent:
        """Mostly one whose node is its own, and which has something to do."""
        nodes = self.oracle.nodes
        owning = [a for a in self.agents if a.name in nodes and nodes[a.name].incarnation == a.incarnation]
        waited_for = [a for a in owning if nodes[a.name].queue]
        busy = [a for a in owning if a.runs]
        return data.draw(st.sampled_from(16 * busy + 8 * waited_for + 2 * owning + self.agents))

    def _beat(self, agent: FakeAgent) -> None:
        if self.oracle.owns(agent.name, agent.incarnation):
            runs = [self.runs[id] for id in agent.runs]
            stops = self.oracle.beat(agent.name, runs, external_of(agent))
            assert {self.runs[id] for id in agent.beat()} == stops
        else:
            with pytest.raises(Stale):
                agent.beat()

    def _unfinished(self) -> list[Job]:
        states = ("waiting", "delayed", "queued", "started")
        return [job for job in self.oracle.jobs.values() if job.state in states]

    def _step(self, ms: int) -> None:
        """Set back, the clock is not followed: the ledger's time goes on from where it was, once a script sees it."""
        if self.is_set_back and ms > 0:
            self._settle()
        self.is_set_back = ms < 0
        pass_ms(self.store, ms)
        self.oracle.now_ms += max(0, ms)

    def _settle(self) -> None:
        """Tick until nothing is left over; after rq's tools, until every node and shape had its turn."""
        self.oracle.tick()
        for _ in range(2 * (len(self.oracle.nodes) + MOST_SHAPES) if self.oracle.touched else 1):
            housekeeping.tick(self.store)
        if self.oracle.touched:
            self._adopt_notes()

    def _adopt_notes(self) -> None:
        """Take over how often heads were overtaken: nobody knows in which order lines lost what rq's tools ended."""
        ledger, overtaking = read_ledger(self.store), self.oracle.overtaking
        counted = {name: int(count) for name, count in below(ledger.get("overtaking"), "n")}
        overtaking.gone = int(ledger.get("overtaking").get("gone", 0))
        for shape in overtaking.lines.keys() & ledger.get("noted").keys():
            line, note = overtaking.lines[shape], noted(ledger, shape)
            line.noted = Counter({name: counted.get(name, 0) - count for name, count in note["overtaken"].items()})
            line.place, line.gone = note["place"], overtaking.gone - note["gone"]
            line.looked, line.late_ms = note["looked"], note["late"]

    def _is_traced(self, ledger: Ledger, job: Job) -> bool:
        lines = [*ledger.lines.values(), ledger.get("waiting"), ledger.get("delayed")]
        in_line = any(job.id in line for line in lines)
        return self.oracle.is_traced(job) or (job.state in ("canceled", "gone") and in_line)
