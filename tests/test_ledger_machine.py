"""Random operations on the ledger against the oracle, with all books checked after every step, on both servers."""

from __future__ import annotations

import math
import os
import uuid
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from rq.job import Job as RqJob
from rq.queue import Queue as RqQueue

from handoff import work
from handoff.errors import DuplicateFunction, NodeIsLeased, ResourcesUnavailable, UnknownFunction, UnknownNode
from handoff.function import Collocated, Function
from handoff.nodes import read_nodes
from handoff.reservation import Reservation
from handoff.resources import amounts, parse_cost
from handoff.rqmodel import JobFields
from handoff.serializer import Serializer
from handoff.shape import parse_devices
from handoff.store import Store, own_client
from handoff.tracker import RedisResourceTracker
from support.agent import FakeAgent, NameTaken, Result, Stale, Started, failure, killed, ok
from support.books import Ledger, check_ledger, read_ledger
from support.database import database
from support.oracle import Claim, Job, Oracle

__all__ = ["database"]

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

START_MS = 1_800_000_000_000

NAMES = st.sampled_from(["a", "b", "c", "d"])
COSTS: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"cpu": 1}, {"cpu": 1}, {"cpu": 1}, {"cpu": 0.5}, {"cpu": 0.5}, {"cpu": 1.5}, {"cpu": 2}, {"cpu": 2}, {},
        {"gpu": 0.25}, {"gpu": 0.5}, {"gpu": 0.7}, {"gpu": 1}, {"gpu": 2}, {"cpu": 1, "gpu": 1},
        {"cpu": 0.5, "gpu": 0.25}, {"fpga": 0.5}, {"fpga": 1.5}, {"cpu": 1, "fpga": 1},
    ]
)  # fmt: skip
CALLS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "cost": COSTS,
        "pin": st.sampled_from(["", "", "", "", "", "a", "d", "z"]),
        "priority": st.sampled_from([0, 0, 0, 1, -1, 5, -5, 1000, -1000]),
        "retries": st.sampled_from([0, 1, 1, 3]),
        "preferred": st.sampled_from(["", "", "b", "z"]),
    }
)
CAPABILITIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"cpu": st.sampled_from([2, 1, 3, 1.5, 0])},
    optional={
        "gpu": st.sampled_from([2, 1, 0, [0, 3], [1], [0, 1, 5]]),
        "fpga": st.sampled_from([1, 1.5, [0], [0, 7]]),
        "slots": st.sampled_from([2, 3, 1, 0]),
    },
)
PLACES = [None, None, None, "a", "d", Collocated("f"), Collocated("g")]
ENDINGS = st.tuples(st.sampled_from(["ok", "retryable", "final", "killed"]), st.sampled_from([1.0, 0.8, 1.197]))

WEIGHTS = {
    "submit": 14, "submit_under_a_taken_id": 1, "take": 6, "finish": 9, "cancel": 4,
    "request": 4, "allocate": 2, "release": 4, "look": 1,
    "register_static": 1, "register_agent": 3, "deregister": 1, "beat": 2, "quiet": 1,
    "let_time_pass": 2, "step_the_clock": 4, "set_the_clock_back": 1, "flush_the_scripts": 1,
    "let_rq_cancel": 2, "let_rq_delete": 1, "delete_a_hash": 1, "take_off_a_queue": 1, "empty_a_queue": 1,
}  # fmt: skip
OPERATIONS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]

MOST_UNFINISHED = 8
"""Few enough for every script to end what it begins: only then the order of all decisions is known."""

MOST_LEFT_TO_OTHERS = 4
"""Reservations of lapsed nodes that any script gives back in one slice, whatever else it has to do."""


class RepeatingStore(Store):
    """While `again` is set, asks every operation twice: the reply must be the same, and nothing more may change."""

    again = False
    #: A second `deregister` answers "unknown", which the tracker takes for what it is; a tick goes on where it was.
    UNLIKE = frozenset({"deregister", "tick"})

    def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        reply, resent = super().run_noting(script, *rest, **arguments)
        if self.again and script not in self.UNLIKE and reply != ["again"]:
            before = read_ledger(self).without("events")
            assert super().run_noting(script, *rest, **arguments)[0] == reply
            assert read_ledger(self).without("events") == before
        return reply, resent


AGENTS = (("a", "a1", 5000), ("b", "b1", 5000), ("c", "c1", 6000), ("a", "a2", 3000))
"""Name, incarnation and lease in ms; the last one takes over from the first when it can."""


class LedgerMachine(RuleBasedStateMachine):
    """Clients, agents, the clock and rq's tools, one operation after another.

    The operations are one rule with weights of their own: with a rule for each, Hypothesis leaves half of them out of
    every run, and hardly any has the four that it takes to bring a function to its end.
    """

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__()
        connection.flushdb()
        self.store = RepeatingStore(own_client(connection, None), f"m{uuid.uuid4().hex[:8]}", now_ms=START_MS)
        self.tracker = RedisResourceTracker(self.store)
        self.oracle = Oracle(START_MS)
        self.agents = [
            FakeAgent(self.store, name, {}, incarnation=incarnation, lease_ms=lease_ms)
            for name, incarnation, lease_ms in AGENTS
        ]
        self.runs: dict[str, Job] = {}  #: by reservation
        self.claims: list[Reservation] = []
        self.submitted = 0

    def teardown(self) -> None:
        self.store.close()

    @initialize(again=st.booleans())
    def begin(self, again: bool) -> None:
        self.store.again = again
        self._come_up(self.agents[0], {"cpu": 2, "gpu": 2, "slots": 3})
        self._come_up(self.agents[1], {"cpu": 2, "fpga": [0, 7], "slots": 3})
        self._register("d", {"cpu": 1})
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
        self._register(data.draw(NAMES), data.draw(CAPABILITIES))
        self._settle()

    def register_agent(self, data: st.DataObject) -> None:
        """Sometimes one that knows that the process of the one before it is gone."""
        agent = data.draw(st.sampled_from(self.agents))
        node = self.oracle.nodes.get(agent.name)
        knows = node is not None and node.incarnation not in ("", agent.incarnation) and data.draw(st.booleans())
        self._come_up(agent, {"slots": 2, **data.draw(CAPABILITIES)}, node.incarnation if node and knows else "")
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

    # Functions.

    def submit(self, data: st.DataObject) -> None:
        """Sometimes under the id of one that rq deleted."""
        if len(self._unfinished()) >= MOST_UNFINISHED:
            return
        queued = [job for node in self.oracle.nodes.values() for job in node.queue]
        gone = [job.id for job in self.oracle.jobs.values() if job.state == "gone" and job not in queued]
        self.submitted += 1
        id = data.draw(st.sampled_from([f"j{self.submitted}", *gone]))
        call = data.draw(CALLS)
        state = self.oracle.submit(id, **call)
        assert self._submit(id, **call) == state
        self._settle()

    def submit_under_a_taken_id(self, data: st.DataObject) -> None:
        taken = [job.id for job in self.oracle.jobs.values() if job.state != "gone"]
        for id in taken and [data.draw(st.sampled_from(taken))]:
            assert self._submit(id, {}) == "duplicate"

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
            assert self.oracle.nodes[name].holds[claim] == reservation.devices
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
                assert (claim.node, held) == (reservation.node, reservation.devices)
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
        lapsing = sum(len(node.holds) for node in nodes if node.lease_ends_ms <= self.oracle.now_ms)
        if lapsing > MOST_LEFT_TO_OTHERS:
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

    def _register(self, name: str, capabilities: dict[str, Any]) -> None:
        if self.oracle.register_node(name, capabilities):
            self.tracker.register_node(name, capabilities)
        else:
            with pytest.raises(NodeIsLeased):
                self.tracker.register_node(name, capabilities)

    def _come_up(self, agent: FakeAgent, capabilities: dict[str, Any], dead: str = "") -> None:
        agent.capabilities = capabilities
        if self.oracle.register(agent.name, agent.incarnation, capabilities, agent.lease_ms, dead):
            agent.register(dead=dead)
        else:
            with pytest.raises(NameTaken):
                agent.register(dead=dead)

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

    def _submit(
        self, id: str, cost: dict[str, Any], pin: str = "", priority: int = 0, retries: int = 0, preferred: str = ""
    ) -> str:
        submission = work.Submission(
            job_id=id,
            function_id=id,
            cost=parse_cost(cost),
            pin=pin or None,
            priority=priority,
            max_retries=retries,
            preferred=preferred,
            fields=JobFields(data=b"", description="", timeout=-1),
            serializer=Serializer,
        )
        try:
            verdict = work.submit(self.store, submission)
        except DuplicateFunction:
            return "duplicate"
        if verdict.state == "placed":
            assert (verdict.node, verdict.devices) == (self.oracle.jobs[id].node, self.oracle.jobs[id].devices)
        return verdict.state

    def _unfinished(self) -> list[Job]:
        states = ("waiting", "delayed", "queued", "started")
        return [job for job in self.oracle.jobs.values() if job.state in states]

    def _one_unfinished(self, data: st.DataObject) -> list[Job]:
        unfinished = self._unfinished()
        return [data.draw(st.sampled_from(unfinished))] if unfinished else []

    def _rq_queue(self, name: str) -> RqQueue:
        return RqQueue(self.store.keys.queue(name), connection=self.store.client, serializer=Serializer)

    def _step(self, ms: int) -> None:
        self.store.now_ms = self.oracle.now_ms = self.oracle.now_ms + ms

    def _settle(self) -> None:
        """Tick until nothing is left over; after rq's tools, until every node and shape had its turn."""
        self.oracle.tick()
        for _ in range(2 * (len(self.oracle.nodes) + MOST_UNFINISHED) if self.oracle.touched else 1):
            work.tick(self.store)

    def _is_traced(self, ledger: Ledger, job: Job) -> bool:
        in_line = any(job.id in line for line in ledger.lines.values()) or job.id in ledger.get("delayed")
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
                "lease": node.lease_ends_ms if node.up and node.kind == "leased" else None,
                "queue": [job.id for job in node.queue],
                "running": sorted(job.id for job in node.running),
                "held": sorted(((owner.id, devices) for owner, devices in node.holds.items()), key=str),
            }
            for node in oracle.nodes.values()
        ],
        "jobs": {
            job.id: {
                "state": job.state,
                "attempts": job.attempts,
                "due": job.due_ms if job.state == "delayed" else None,
                "at": (job.node, job.devices) if job.state in ("queued", "started") else None,
            }
            for job in oracle.jobs.values()
            if job.state != "gone"
        },
        "claims": {claim.id: (claim.node, claim.ends_ms) for claim in oracle.claims.values()},
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
                "lease": ledger.get("leases").get(name),
                "queue": ledger.queue(name),
                "running": sorted(id.rpartition(":")[0] for id in ledger.get(f"running:{name}")),
                "held": sorted(
                    (
                        (id.rpartition(":")[0] or id, record.indices())
                        for id, record in ledger.held.get(name, {}).items()
                    ),
                    key=str,
                ),
            }
            for name, fields in ledger.nodes.items()
        ],
        "jobs": {
            id: {
                "state": _state(job),
                "attempts": int(job.get("h_attempts", 0)),
                "due": ledger.get("delayed").get(id) if _state(job) == "delayed" else None,
                "at": (job["h_node"], parse_devices(job["h_devices"]))
                if job["status"] in ("queued", "started")
                else None,
            }
            for id, job in ledger.jobs.items()
        },
        "claims": {id: (node, ledger.get("claim_ends").get(id, math.inf)) for id, node in ledger.get("claims").items()},
    }


def _state(job: dict[str, str]) -> str:
    """API's word for the status of a job."""
    if job["status"] == "deferred":
        return job["h_state"]
    return "failed" if job["status"] == "stopped" else job["status"]


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
            max_examples=3000 if THOROUGH else 40,
            stateful_step_count=60 if THOROUGH else 40,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
