"""Random operations on the ledger against the oracle, with all books checked after every step, on both servers."""

from __future__ import annotations

import math
import os
import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from rq.job import Job as RqJob
from rq.queue import Queue as RqQueue

from handoff.books.free import Free
from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.errors import (
    DuplicateFunction,
    Infeasible,
    InvalidResources,
    NodeIsLeased,
    ResourcesUnavailable,
    UnknownFunction,
    UnknownNode,
)
from handoff.ledger import functions as work
from handoff.ledger.claims import RedisResourceTracker
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import read_nodes
from handoff.ledger.store import Store, own_client
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.labels import read_labels
from handoff.serializer import Serializer
from handoff.words.capabilities import Capabilities, parse_capabilities
from handoff.words.constraints import Not, parse_where
from handoff.words.function import Collocated, Function
from handoff.words.resources import UNIT, amounts
from handoff.words.variants import After, parse_variants
from support.agent import FakeAgent, NameTaken, Result, Stale, Started, failure, killed, ok
from support.books import Ledger, below, check_ledger, read_ledger
from support.database import database
from support.model import Claim, Job
from support.oracle import Oracle

__all__ = ["database"]

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

START_MS = 1_800_000_000_000

NAMES = st.sampled_from(["a", "b", "c", "d"])
PLAIN_COSTS: list[dict[str, Any]] = [
    {"cpu": 1}, {"cpu": 1}, {"cpu": 1}, {"cpu": 0.5}, {"cpu": 0.5}, {"cpu": 1.5}, {"cpu": 2}, {"cpu": 2}, {},
    {"gpu": 0.25}, {"gpu": 0.5}, {"gpu": 0.7}, {"gpu": 1}, {"gpu": 1}, {"gpu": 2}, {"cpu": 1, "gpu": 1},
    {"cpu": 0.5, "gpu": 0.25}, {"fpga": 0.5}, {"fpga": 1.5}, {"cpu": 1, "fpga": 1},
    {"gpu_memory": 4000}, {"gpu_memory": 6000}, {"gpu_memory": 10000, "cpu": 0.5},
    {"license": 1}, {"license": 1, "cpu": 1}, {"license": 2, "gpu": 1}, {"seat": 0.5}, {"seat": 1, "license": 1},
]  # fmt: skip
COSTS: st.SearchStrategy[Any] = st.sampled_from(PLAIN_COSTS)
LATE_COSTS: st.SearchStrategy[Any] = st.builds(After, st.sampled_from([0.4, 1, 3]), COSTS)
SEVERAL_COSTS: st.SearchStrategy[Any] = st.lists(st.one_of(COSTS, LATE_COSTS), min_size=1, max_size=3)
CALLS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "cost": st.one_of(COSTS, COSTS, COSTS, SEVERAL_COSTS),
        "node": st.sampled_from([None, None, None, None, None, "a", "d", "z"]),
        "priority": st.sampled_from([0, 0, 0, 1, -1, 5, -5, 1000, -1000]),
        "max_retries": st.sampled_from([0, 1, 1, 3]),
    },
    optional={
        "where": st.sampled_from(
            [
                {}, {"zone": "x"}, {"zone": ["x", "y"]}, {"zone": Not("x")}, {"tier": Not(["spot", "old"])},
                {"zone": "y", "tier": Not("spot")}, {"node": Not("a")}, {"node": ["b", "c", "z"]},
            ]
        ),
        "strategy": st.sampled_from(["load_balanced", "load_balanced", "first_available"]),
        "delay": st.sampled_from([0, 0, 0, 0, 0.4, 1, 3]),
        "wait_ttl": st.sampled_from([0.4, 1, 2, 5]),
        "on_infeasible": st.sampled_from(["wait", "wait", "raise", 0.4, 1, 2]),
    },
)  # fmt: skip
CAPABILITIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"cpu": st.sampled_from([2, 1, 3, 1.5, 0])},
    optional={
        "gpu": st.sampled_from([2, 1, 0, [0, 3], [1], [0, 1, 5]]),
        "fpga": st.sampled_from([1, 1.5, [0], [0, 7]]),
        "slots": st.sampled_from([2, 3, 1, 0]),
        "license": st.just(1),
    },
)
MEMORIES = st.sampled_from([None, 8000, 10000])
LABELS = st.sampled_from(
    [{}, {"zone": "x"}, {"zone": "y"}, {"zone": "x", "tier": "spot"}, {"tier": "spot"}, {"zone": "y", "tier": "new"}]
)
PLACES = [None, None, None, "a", "d", Collocated("f"), Collocated("g")]
ENDINGS = st.tuples(st.sampled_from(["ok", "retryable", "final", "killed"]), st.sampled_from([1.0, 0.8, 1.197]))

WEIGHTS = {
    "submit": 16, "submit_under_a_taken_id": 1, "take": 6, "finish": 9, "cancel": 4,
    "request": 4, "allocate": 2, "release": 4, "look": 1,
    "register_static": 1, "register_agent": 3, "deregister": 1, "beat": 2, "quiet": 1, "drain": 2, "undrain": 2,
    "share": 2, "limit_overtaking": 1,
    "let_time_pass": 2, "step_the_clock": 4, "set_the_clock_back": 1, "flush_the_scripts": 1,
    "let_rq_cancel": 2, "let_rq_delete": 1, "delete_a_hash": 1, "take_off_a_queue": 1, "empty_a_queue": 1,
}  # fmt: skip
OPERATIONS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]

MOST_UNFINISHED = 8
"""Few enough for every script to end what it begins: only then the order of all decisions is known."""

MOST_SHAPES = 3 * MOST_UNFINISHED
"""Of which each function may have several."""

MOST_LEFT_TO_OTHERS = 3
"""Lapsed nodes, and reservations of theirs, that any script has done with in one slice."""


class RepeatingStore(Store):
    """While `again` is set, asks every operation twice: the reply must be the same, and nothing more may change."""

    again = False
    #: A second `deregister` answers "unknown", as does a second undraining of a node that is away; a tick goes on where
    #: it was.
    UNLIKE = frozenset({"deregister", "tick"})
    #: These end what is held for somebody, so a second one ends what was held by the first.
    END_HOLDS = frozenset({"register", "register_node", "share"})

    def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        reply, resent = super().run_noting(script, *rest, **arguments)
        is_unlike = script in self.UNLIKE or reply == ["again"] or reply == ["open"] or self._ends_holds(script)
        if self.again and not is_unlike:
            before = read_ledger(self).without("events", "able", "fronts")
            second, _ = super().run_noting(script, *rest, **arguments)
            assert _unordered(script, second) == _unordered(script, reply)
            assert read_ledger(self).without("events", "able", "fronts") == before
        return reply, resent

    def _ends_holds(self, script: str) -> bool:
        return script in self.END_HOLDS and bool(self.client.exists(self.keys("holds")))


def _unordered(script: str, reply: list[Any]) -> list[Any]:
    """A reply without the order of the fields of a hash: the server's own, and not always the same."""
    match script, reply:
        case "finish", ["done", outcomes, started, more]:
            return ["done", outcomes, [(id, sorted(fields), inputs) for id, fields, inputs in started], more]
        case "share", [tag, amounts]:
            return [tag, sorted(map(str, amounts))]
        case _:
            return reply


AGENTS = (("a", "a1", 5000), ("b", "b1", 5000), ("c", "c1", 6000), ("a", "a2", 3000))
"""Name, incarnation and lease in ms; the last one takes over from the first when it can."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a node says that it is."""

    capabilities: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, Any] | None = None

    def parsed(self) -> Capabilities:
        return parse_capabilities(self.capabilities, self.memory)


class Chosen:
    """A user's allocator that always names the same node."""

    def __init__(self) -> None:
        self.node: str | None = None

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Mapping[str, Free]]) -> dict[str, str | None]:
        return {function.id: self.node for function in functions}


class LedgerMachine(RuleBasedStateMachine):
    """Clients, agents, the clock and rq's tools, one operation after another.

    The operations are one rule with weights of their own: with a rule for each, Hypothesis leaves half of them out of
    every run, and hardly any has the four that it takes to bring a function to its end.
    """

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
        self.agents = [
            FakeAgent(self.store, name, {}, incarnation=incarnation, lease_ms=lease_ms)
            for name, incarnation, lease_ms in AGENTS
        ]
        self.runs: dict[str, Job] = {}  #: by reservation
        self.claims: list[Reservation] = []
        self.submitted = 0

    def teardown(self) -> None:
        self.cluster.close()

    @initialize(again=st.booleans(), most=st.sampled_from([1, 2, 100]))
    def begin(self, again: bool, most: int) -> None:
        self.store.again = again
        self._come_up(self.agents[0], Offer({"cpu": 2, "gpu": 2, "slots": 3}, {"zone": "x"}, {"gpu": 10000}))
        self._come_up(self.agents[1], Offer({"cpu": 2, "fpga": [0, 7], "slots": 3}, {"zone": "y"}))
        self._register("d", Offer({"cpu": 1}))
        self._share({"license": 2, "seat": 1})
        self._limit(most, 5)
        self._settle()

    @rule(operation=st.sampled_from(OPERATIONS), data=st.data())
    def operate(self, operation: str, data: st.DataObject) -> None:
        getattr(self, operation)(data)

    @invariant()
    def agrees(self) -> None:
        ledger = read_ledger(self.store)
        self.oracle.touched = {job for job in self.oracle.touched if self._is_traced(ledger, job)}
        check_ledger(ledger, read_nodes(self.store), {job.id for job in self.oracle.touched})
        assert seen(ledger) == expected(self.oracle)

    # Nodes.

    def register_static(self, data: st.DataObject) -> None:
        self._register(data.draw(NAMES), _offer(data))
        self._settle()

    def register_agent(self, data: st.DataObject) -> None:
        """Sometimes one that knows that the process of the one before it is gone."""
        agent = data.draw(st.sampled_from(self.agents))
        node = self.oracle.nodes.get(agent.name)
        knows = node is not None and node.incarnation not in ("", agent.incarnation) and data.draw(st.booleans())
        self._come_up(agent, _offer(data, slots=2), node.incarnation if node and knows else "")
        self._settle()

    def deregister(self, data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            agent = self._agent(data)
            assert agent.goodbye() == self.oracle.deregister(agent.name, agent.incarnation)
        elif self.oracle.deregister(name := data.draw(NAMES)):
            self.tracker.deregister_node(name)
        else:
            with pytest.raises(UnknownNode):
                self.tracker.deregister_node(name)
        self._settle()

    def beat(self, data: st.DataObject) -> None:
        """Sometimes the agent has lost a function that it was given."""
        agent = self._agent(data)
        if agent.runs and data.draw(st.integers(0, 3)) == 3:
            del agent.runs[data.draw(st.sampled_from(sorted(agent.runs)))]
        self._beat(agent)
        self._settle()

    def quiet(self, data: st.DataObject) -> None:
        agent, on = self._agent(data), data.draw(st.booleans())
        if self.oracle.owns(agent.name, agent.incarnation):
            self.oracle.quiet(agent.name, on)
            agent.quiet(on)
        else:
            with pytest.raises(Stale):
                agent.quiet(on)
        self._settle()

    def drain(self, data: st.DataObject) -> None:
        name, deadline = data.draw(NAMES), data.draw(st.sampled_from([None, 0.4, 1, 3]))
        if self.oracle.drain(name, math.inf if deadline is None else deadline * 1000):
            self.cluster.drain(name, deadline)
        else:
            with pytest.raises(UnknownNode):
                self.cluster.drain(name, deadline)
        self._settle()

    def undrain(self, data: st.DataObject) -> None:
        drained = [node.name for node in self.oracle.nodes.values() if node.draining]
        name = data.draw(st.sampled_from([*drained, *drained, "c", "z"]))
        if self.oracle.undrain(name):
            self.cluster.undrain(name)
        else:
            with pytest.raises(UnknownNode):
                self.cluster.undrain(name)
        self._settle()

    def share(self, data: st.DataObject) -> None:
        names = st.sampled_from(["license", "license", "seat", "fpga"])
        self._share(data.draw(st.dictionaries(names, st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=2)))
        self._settle()

    def limit_overtaking(self, data: st.DataObject) -> None:
        self._limit(data.draw(st.sampled_from([None, 1, 2, 3])), data.draw(st.sampled_from([None, 1, 3])))
        self._settle()

    # Functions.

    def submit(self, data: st.DataObject) -> None:
        """Sometimes under the id of one that rq deleted."""
        if len(self._unfinished()) >= MOST_UNFINISHED:
            return
        queued = [job for node in self.oracle.nodes.values() for job in node.queue]
        gone = [job.id for job in self.oracle.jobs.values() if job.state == "gone" and job not in queued]
        self.submitted += 1
        id = data.draw(st.sampled_from([f"j{self.submitted}", *gone]))
        call, preferred = data.draw(CALLS), data.draw(st.sampled_from(["", "", "b", "z"]))
        state = self._foresee(id, call, preferred)
        assert self._submit(id, call, preferred) == state
        self._settle()

    def submit_under_a_taken_id(self, data: st.DataObject) -> None:
        taken = [job.id for job in self.oracle.jobs.values() if job.state != "gone"]
        for id in taken and [data.draw(st.sampled_from(taken))]:
            assert self._submit(id, {"cost": {}}) == "duplicate"

    def take(self, data: st.DataObject) -> None:
        self._exchange(self._agent(data), [], room=3)
        self._settle()

    def finish(self, data: st.DataObject) -> None:
        agent = self._agent(data)
        runs = list(agent.runs)
        ids = data.draw(st.lists(st.sampled_from(runs), min_size=1, max_size=3, unique=True)) if runs else []
        self._exchange(agent, [_result(id, *data.draw(ENDINGS)) for id in ids], room=data.draw(st.integers(0, 2)))
        self._settle()

    def cancel(self, data: st.DataObject) -> None:
        ids = [job.id for job in self._unfinished()] + list(self.oracle.jobs)
        for id in ids and [data.draw(st.sampled_from(ids))]:
            decided = self.oracle.cancel(id)
            if self.oracle.jobs[id].state == "gone":
                with pytest.raises(UnknownFunction):
                    work.cancel(self.store, id)
            else:
                assert work.cancel(self.store, id) == decided
        self._settle()

    # Claims.

    def request(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(4 * list(self.oracle.nodes) + ["z"]))
        cost, ttl = data.draw(COSTS), data.draw(st.sampled_from([None, 0.4, 1, 2]))
        try:
            reservation = self.tracker.request(name, cost, ttl=ttl)
        except UnknownNode:
            assert self.oracle.request("~", name, cost) is None
        except ResourcesUnavailable as error:
            self._was_short(self.oracle.request("~", name, cost), error)
        else:
            claim = self.oracle.request(reservation.id, name, cost, math.inf if ttl is None else ttl * 1000)
            assert isinstance(claim, Claim)
            assert self.oracle.nodes[name].holds[claim].devices == reservation.devices
            self.claims.append(reservation)
        self._settle()

    def _was_short(self, missing: object, error: ResourcesUnavailable) -> None:
        assert isinstance(missing, dict)
        assert amounts(missing) == error.short

    def allocate(self, data: st.DataObject) -> None:
        functions = [
            Function(id, "module:f", cost=data.draw(COSTS), node=data.draw(st.sampled_from(PLACES)))
            for id in ("f", "g", "h")[: data.draw(st.integers(1, 3))]
        ]
        made = self.oracle.allocate(functions)
        if made is None:
            with pytest.raises(ResourcesUnavailable):
                self.tracker.allocate_and_claim(functions)
        else:
            for id, reservation in self.tracker.allocate_and_claim(functions).items():
                claim = made[id]
                claim.id = reservation.id
                self.oracle.claims[claim.id] = claim
                held = self.oracle.nodes[claim.node].holds[claim]
                assert (claim.node, held.devices) == (reservation.node, reservation.devices)
                self.claims.append(reservation)
        self._settle()

    def release(self, data: st.DataObject) -> None:
        """Of a claim that was made any time before, also one that is gone."""
        held = [claim for claim in self.claims if claim.id in self.oracle.claims]
        for reservation in self.claims and [data.draw(st.sampled_from(4 * held + self.claims))]:
            released = self.oracle.release(reservation.id)
            assert self.tracker.release(reservation) == released
        self._settle()

    def look(self, data: st.DataObject) -> None:
        name, cost = data.draw(NAMES), data.draw(COSTS)
        fits = self.oracle.fits(name, cost)
        assert self.tracker.resources_available(name, cost) == fits
        self._settle()

    # The clock and the server.

    def let_time_pass(self, data: st.DataObject) -> None:
        """While all agents do as they should."""
        for _ in range(data.draw(st.integers(1, 4))):
            self._step(1000)
            for agent in self.agents:
                if self.oracle.owns(agent.name, agent.incarnation):
                    self._beat(agent)
            self._settle()

    def step_the_clock(self, data: st.DataObject) -> None:
        """Leases lapse, delays and claims end, and it is for the next operation to notice."""
        self._step(data.draw(st.sampled_from([1, 400, 1000, 1000, 2000, 2000, 3000, 5000, 6000, 61_000, 3_600_000])))
        nodes = [node for node in self.oracle.nodes.values() if node.up and node.kind == "leased"]
        lapsing = sum(1 + len(node.holds) for node in nodes if node.lease_ends_ms <= self.oracle.now_ms)
        if lapsing > MOST_LEFT_TO_OTHERS or self.oracle.overtaking.held():
            self._settle()

    def set_the_clock_back(self, data: st.DataObject) -> None:
        self._step(-data.draw(st.sampled_from([1, 700, 2500])))

    def flush_the_scripts(self, _: st.DataObject) -> None:
        self.store.client.script_flush()

    # rq's tools.

    def let_rq_cancel(self, data: st.DataObject) -> None:
        for job in self._one_unfinished(data):
            self.oracle.rq_cancels(job)
            RqJob.fetch(job.id, connection=self.store.client, serializer=Serializer).cancel()
        self._settle()

    def let_rq_delete(self, data: st.DataObject) -> None:
        for job in self._one_unfinished(data):
            self.oracle.rq_deletes(job)
            RqJob.fetch(job.id, connection=self.store.client, serializer=Serializer).delete()
        self._settle()

    def delete_a_hash(self, data: st.DataObject) -> None:
        for job in self._one_unfinished(data):
            self.oracle.rq_deletes(job, off_queue=False)
            self.store.client.delete(self.store.keys("rq_job", job.id))
        self._settle()

    def take_off_a_queue(self, data: st.DataObject) -> None:
        """One of a node at most: two would be found in no known order."""
        for job in self._one_unfinished(data):
            if job.state == "queued" and all(
                other in self.oracle.nodes[job.node].queue
                for other in self.oracle.nodes[job.node].holds
                if isinstance(other, Job) and other.state == "queued"
            ):
                self.oracle.rq_unqueues(job)
                self._rq_queue(job.node).remove(job.id)
        self._settle()

    def empty_a_queue(self, data: st.DataObject) -> None:
        name = data.draw(NAMES)
        if name in self.oracle.nodes:
            self.oracle.rq_empties(name)
        queue: Any = self._rq_queue(name)
        queue.empty()
        self._settle()

    # Inside.

    def _agent(self, data: st.DataObject) -> FakeAgent:
        """Mostly one whose node is its own, and which has something to do."""
        nodes = self.oracle.nodes
        owning = [a for a in self.agents if a.name in nodes and nodes[a.name].incarnation == a.incarnation]
        waited_for = [a for a in owning if nodes[a.name].queue]
        busy = [a for a in owning if a.runs]
        return data.draw(st.sampled_from(16 * busy + 8 * waited_for + 2 * owning + self.agents))

    def _register(self, name: str, offer: Offer) -> None:
        if self.oracle.register_node(name, offer.parsed(), offer.labels):
            self.cluster.register_node(name, offer.capabilities, offer.labels, offer.memory)
        else:
            with pytest.raises(NodeIsLeased):
                self.cluster.register_node(name, offer.capabilities, offer.labels, offer.memory)

    def _come_up(self, agent: FakeAgent, offer: Offer, dead: str = "") -> None:
        agent.capabilities, agent.labels, agent.device_memory = offer.capabilities, offer.labels, offer.memory
        if self.oracle.register(agent.name, agent.incarnation, offer.parsed(), offer.labels, agent.lease_ms, dead):
            agent.register(dead=dead)
        else:
            with pytest.raises(NameTaken):
                agent.register(dead=dead)

    def _share(self, amounts: dict[str, Any]) -> None:
        if self.oracle.share({name: UNIT * units for name, units in amounts.items()}):
            self.cluster.share(amounts)
        else:
            with pytest.raises(InvalidResources):
                self.cluster.share(amounts)

    def _limit(self, most: int | None, seconds: float | None) -> None:
        self.oracle.overtaking.most = most
        self.oracle.overtaking.longest_ms = None if seconds is None else round(seconds * 1000)
        self.cluster.limit_overtaking(most, seconds)

    def _beat(self, agent: FakeAgent) -> None:
        if self.oracle.owns(agent.name, agent.incarnation):
            stops = self.oracle.beat(agent.name, [self.runs[id] for id in agent.runs])
            assert {self.runs[id] for id in agent.beat()} == stops
        else:
            with pytest.raises(Stale):
                agent.beat()

    def _exchange(self, agent: FakeAgent, results: list[Result], room: int) -> None:
        if self.oracle.owns(agent.name, agent.incarnation):
            jobs = [(self.runs[result.id], result) for result in results]
            outcomes, started = self.oracle.finish(agent.name, jobs, room)
            before = set(agent.runs)
            assert agent.finish(*results, room=room) == outcomes
            self._note([run for id, run in agent.runs.items() if id not in before], started)
        else:
            with pytest.raises(Stale):
                agent.finish(*results, room=room)

    def _note(self, runs: list[Started], started: list[Job]) -> None:
        by_id = {job.id: job for job in started}
        assert {run.job_id for run in runs} == by_id.keys()
        for run in runs:
            assert run.id not in self.runs, f"{run.id} was started twice"
            self.runs[run.id] = by_id[run.job_id]

    def _foresee(self, id: str, call: Mapping[str, Any], preferred: str) -> str:
        unfit = call.get("on_infeasible", "wait")
        unfit = {"wait": math.inf, "raise": 0}.get(unfit, unfit)
        return self.oracle.submit(
            id,
            parse_variants(call["cost"]),
            terms=parse_where(call.get("where"), call["node"]),
            priority=call["priority"],
            retries=call["max_retries"],
            strategy=call.get("strategy", "first_available"),
            preferred=preferred,
            delay_ms=round(call.get("delay", 0) * 1000),
            wait_ms=call.get("wait_ttl", math.inf) * 1000,
            unfit_ms=unfit * 1000,
        )

    def _submit(self, id: str, call: Mapping[str, Any], preferred: str = "") -> str:
        self.chosen.node = preferred or None
        cluster = self.choosing if preferred else self.cluster
        try:
            verdict = cluster.enqueue("module:f", job_id=id, **call).verdict
        except DuplicateFunction:
            return "duplicate"
        except Infeasible:
            return "raised"
        assert verdict is not None
        if verdict.state == "placed":
            assert (verdict.node, verdict.devices) == (self.oracle.jobs[id].node, self.oracle.jobs[id].devices)
        return verdict.state

    def _unfinished(self) -> list[Job]:
        states = ("waiting", "delayed", "queued", "started")
        return [job for job in self.oracle.jobs.values() if job.state in states]

    def _one_unfinished(self, data: st.DataObject) -> list[Job]:
        """For rq's tools to have it. What waits is in the way of others until it is found, so nothing is due then."""
        self._settle()
        unfinished = {job.id: job for job in self._unfinished()}
        return [unfinished[data.draw(st.sampled_from(list(unfinished)))]] if unfinished else []

    def _rq_queue(self, name: str) -> RqQueue:
        return RqQueue(self.store.keys.queue(name), connection=self.store.client, serializer=Serializer)

    def _step(self, ms: int) -> None:
        self.store.now_ms = self.oracle.now_ms = self.oracle.now_ms + ms

    def _settle(self) -> None:
        """Tick until nothing is left over; after rq's tools, until every node and shape had its turn."""
        self.oracle.tick()
        for _ in range(2 * (len(self.oracle.nodes) + MOST_SHAPES) if self.oracle.touched else 1):
            tick(self.store)
        if self.oracle.touched:
            self._adopt_notes()

    def _adopt_notes(self) -> None:
        """Take over how often heads were overtaken: nobody knows in which order lines lost what rq's tools ended."""
        ledger, overtaking = read_ledger(self.store), self.oracle.overtaking
        counted = {name: int(count) for name, count in below(ledger.get("overtaking"), "n")}
        overtaking.gone = int(ledger.get("overtaking").get("gone", 0))
        for shape in overtaking.lines.keys() & ledger.get("noted").keys():
            line, note = overtaking.lines[shape], _noted(ledger, shape)
            line.noted = Counter({name: counted.get(name, 0) - count for name, count in note["overtaken"].items()})
            line.place, line.gone = note["place"], overtaking.gone - note["gone"]
            line.looked, line.late_ms = note["looked"], note["late"]

    def _is_traced(self, ledger: Ledger, job: Job) -> bool:
        lines = [*ledger.lines.values(), ledger.get("waiting"), ledger.get("delayed")]
        in_line = any(job.id in line for line in lines)
        return self.oracle.is_traced(job) or (job.state in ("canceled", "gone") and in_line)


def expected(oracle: Oracle) -> dict[str, Any]:
    """Who stands where, as the oracle has it."""
    return {
        "nodes": [
            {
                "name": node.name,
                "kind": node.kind,
                "up": node.up,
                "quiet": node.quiet and node.up,
                "draining": node.draining,
                "lease": node.lease_ends_ms if node.up and node.kind == "leased" else None,
                "labels": dict(node.labels),
                "queue": [job.id for job in node.queue],
                "running": sorted(job.id for job in node.running),
                "held": sorted(((owner.id, held.devices) for owner, held in node.holds.items()), key=str),
                "for": node.promise and (node.promise.job.id, sorted(node.promise.lacks)),
            }
            for node in oracle.nodes.values()
        ],
        "drained": oracle.drained,
        "shared": {name: (units, oracle.shared.used[name]) for name, units in oracle.shared.totals.items()},
        "shared for": oracle.shared.promise and (oracle.shared.promise.job.id, sorted(oracle.shared.promise.lacks)),
        "jobs": {
            job.id: {
                "state": job.state,
                "attempts": job.attempts,
                "due": job.due_ms if job.state == "delayed" else None,
                "at": (job.node, job.devices, job.ways[job.way].shape) if job.state in ("queued", "started") else None,
                "error": job.error if job.state == "failed" else "",
            }
            for job in oracle.jobs.values()
            if job.state != "gone"
        },
        "claims": {claim.id: (claim.node, claim.ends_ms) for claim in oracle.claims.values()},
        "timers": oracle.timers,
        "counted": dict(oracle.overtaking.counted),
        "lines": {
            shape: {
                "jobs": [job.id for job in line.jobs],
                "overtaken": {name: oracle.overtaking.counted[name] - line.noted[name] for name in line.families()},
                "place": line.place,
                "gone": oracle.overtaking.gone - line.gone,
                "looked": line.looked,
                "late": line.late_ms,
            }
            for shape, line in oracle.overtaking.lines.items()
        },
    }


def seen(ledger: Ledger) -> dict[str, Any]:
    """The same as Redis has it."""
    return {
        "nodes": [
            {
                "name": name,
                "kind": fields["kind"],
                "up": fields["state"] == "up",
                "quiet": fields["state"] == "up" and "quiet" in fields,
                "draining": "draining" in fields,
                "lease": ledger.get("leases").get(name),
                "labels": read_labels(fields.get("labels", "")),
                "queue": ledger.queue(name),
                "running": sorted(id.rpartition(":")[0] for id in ledger.get(f"running:{name}")),
                "held": sorted(
                    (
                        (id.rpartition(":")[0] or id, record.indices())
                        for id, record in ledger.held.get(name, {}).items()
                    ),
                    key=str,
                ),
                "for": _held_for(fields),
            }
            for name, fields in ledger.nodes.items()
        ],
        "drained": ledger.own.get("drained", set()),
        "shared": {
            name: (units, ledger.shared.used.get(name, 0)) for name, units in ledger.shared.capabilities.items()
        },
        "shared for": _held_for(ledger.get("node:*")),
        "jobs": {
            id: {
                "state": _state(job),
                "attempts": int(job.get("h_attempts", 0)),
                "due": ledger.get("delayed").get(id) if _state(job) == "delayed" else None,
                "at": (job["h_node"], read_devices(job["h_devices"]), _started_as(job))
                if job["status"] in ("queued", "started")
                else None,
                "error": _error(job),
            }
            for id, job in ledger.jobs.items()
        },
        "claims": {id: (node, ledger.get("claim_ends").get(id, math.inf)) for id, node in ledger.get("claims").items()},
        "counted": {name: int(count) for name, count in below(ledger.get("overtaking"), "n")},
        "timers": {what: at_ms for what, at_ms in ledger.get("timers").items() if _is_set(ledger, what)},
        "lines": {
            shape: {"jobs": [id for id in line if ledger.waits(id, shape)], **_noted(ledger, shape)}
            for shape, line in ledger.lines.items()
        },
    }


def _held_for(fields: Mapping[str, str]) -> tuple[str, list[str]] | None:
    _, job, lacks = fields["hold"].split("|") if "hold" in fields else ("", "", "")
    return (job, lacks.split(",")) if job else None


def _started_as(job: Mapping[str, str]) -> str:
    """Of variants that are alike either may be told."""
    variant = job["h_demand"].split("&")[int(job.get("h_variant", 0))]
    return re.sub(r"^\d+:", "", variant)


def _error(job: Mapping[str, str]) -> str:
    """Of what failed without running."""
    name = job.get("h_error", "").rpartition(".")[2] if _state(job) == "failed" else ""
    return name if name in ("Infeasible", "WaitExpired") else ""


def _is_set(ledger: Ledger, what: str) -> bool:
    """Whether it is of a node, or of what a function waits for: what rq deletes leaves timers without a sense."""
    kind, _, of = what.partition("|")
    number, _, id = of.rpartition("|")
    job = ledger.jobs.get(id, {})
    is_waiting = job.get("status") == "deferred" and job["h_state"] == "waiting"
    match kind:
        case "after":
            variants = dict(enumerate(job.get("h_demand", "").split("&"), 1))
            return is_waiting and re.match(r"\d+:", variants.get(int(number), "")) is not None
        case "expire":
            return "wait=" in job.get("h_options", "") and (is_waiting or job["status"] == "queued")
        case "unfit":
            return "unfit=" in job.get("h_options", "") and is_waiting
    return True


def _noted(ledger: Ledger, shape: str) -> dict[str, Any]:
    """How often the head of a line was overtaken, by resource that was used, and what else is known of it."""
    _, _, place, gone, looked, late, noted = ledger.get("noted")[shape].split("|")
    counted = ledger.get("overtaking")
    overtaken = {name: int(counted.get(f"n:{name}", 0)) - was for name, was in read_cost(noted).items()}
    return {
        "overtaken": overtaken,
        "place": int(place),
        "gone": int(counted.get("gone", 0)) - int(gone),
        "looked": int(looked),
        "late": int(late),
    }


def _state(job: Mapping[str, str]) -> str:
    """API's word for the status of a job."""
    if job["status"] == "deferred":
        return job["h_state"]
    return "failed" if job["status"] == "stopped" else job["status"]


def _offer(data: st.DataObject, **least: Any) -> Offer:
    capabilities = {**least, **data.draw(CAPABILITIES)}
    memory: float | None = data.draw(MEMORIES) if capabilities.get("gpu") else None
    return Offer(capabilities, data.draw(LABELS), None if memory is None else {"gpu": memory})


def _result(id: str, ending: str, jitter: float) -> Result:
    match ending:
        case "ok":
            return ok(id, 1)
        case "killed":
            return killed(id)
        case _:
            return failure(id, retryable=ending == "retryable", jitter=jitter)


@pytest.mark.timeout(7200 if THOROUGH else 120)
def test_the_ledger_decides_as_the_oracle_says(database: redis.Redis) -> None:
    machine: Any = lambda: LedgerMachine(database)  # noqa: E731 - Hypothesis makes one for each example
    run_state_machine_as_test(
        machine,
        settings=settings(
            # The same walks every time, but where one asks for a search.
            derandomize=not THOROUGH,
            # To make one smaller may take longer than all the rest.
            phases=list(Phase) if THOROUGH else [Phase.explicit, Phase.generate],
            max_examples=3000 if THOROUGH else 16 if isinstance(database, fakeredis.FakeRedis) else 60,
            stateful_step_count=60 if THOROUGH else 40,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
