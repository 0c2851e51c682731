"""Random operations on the ledger against the oracle, with all books checked after every step, on both servers."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rq.job import Job as RqJob
from rq.queue import Queue as RqQueue

from handoff import work
from handoff.embedded import RedisServer
from handoff.errors import DuplicateFunction, NodeIsLeased, ResourcesUnavailable, UnknownNode
from handoff.nodes import read_nodes
from handoff.reservation import Reservation
from handoff.resources import amounts, parse_cost
from handoff.rqmodel import LOST_TEXT, JobFields
from handoff.serializer import Serializer
from handoff.shape import parse_devices
from handoff.store import Store, own_client
from handoff.tracker import RedisResourceTracker
from support.agent import FakeAgent, NameTaken, Result, Stale, Started, failure, killed, ok
from support.books import Ledger, check_ledger, read_ledger
from support.oracle import Claim, Job, Oracle

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

START_MS = 1_800_000_000_000

NAMES = st.sampled_from(["a", "b", "c", "d"])
COSTS = st.sampled_from(
    [
        {"cpu": 1}, {"cpu": 0.5}, {"cpu": 2}, {"cpu": 3}, {}, {"gpu": 0.25}, {"gpu": 0.5}, {"gpu": 0.7}, {"gpu": 1},
        {"gpu": 2}, {"cpu": 1, "gpu": 1}, {"cpu": 0.5, "gpu": 0.25}, {"fpga": 0.5}, {"fpga": 1.5}, {"cpu": 1, "fpga": 1},
    ]
)  # fmt: skip
CALLS = st.fixed_dictionaries(
    {
        "cost": COSTS,
        "pin": st.sampled_from(["", "", "", "", "a", "d", "z"]),
        "priority": st.sampled_from([0, 0, 0, 5, -3, 1000, -1000]),
        "retries": st.sampled_from([0, 0, 1, 3]),
        "preferred": st.sampled_from(["", "", "b", "z"]),
    }
)
CAPABILITIES = st.fixed_dictionaries(
    {"cpu": st.sampled_from([2, 1, 3, 4, 0])},
    optional={
        "gpu": st.sampled_from([2, 1, 0, [0, 3], [1], [0, 1, 5]]),
        "fpga": st.sampled_from([1, 1.5, [0], [0, 7]]),
        "slots": st.sampled_from([2, 1, 3, 0]),
    },
)
ENDINGS = st.lists(
    st.tuples(st.sampled_from(["ok", "retryable", "final", "killed"]), st.sampled_from([1.0, 0.8, 1.197])), max_size=3
)
WHICH = st.integers(0, 99)

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


class LedgerMachine(RuleBasedStateMachine):
    """Clients, agents, the clock and rq's tools, one operation after another."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__()
        connection.flushdb()
        self.store = RepeatingStore(own_client(connection, None), f"m{uuid.uuid4().hex[:8]}", now_ms=START_MS)
        self.tracker = RedisResourceTracker(self.store)
        self.oracle = Oracle(START_MS)
        self.agents: list[FakeAgent] = []
        self.runs: dict[str, Job] = {}  #: by reservation
        self.claims: dict[str, Reservation] = {}
        self.submitted = 0

    def teardown(self) -> None:
        self.store.close()

    # Nodes.

    @initialize(again=st.booleans())
    def begin(self, again: bool) -> None:
        self.store.again = again
        for name, incarnation, lease_ms in (("a", "a1", 5000), ("b", "b1", 5000), ("c", "c1", 6000), ("a", "a2", 3000)):
            self.agents.append(FakeAgent(self.store, name, {}, incarnation=incarnation, lease_ms=lease_ms))
        self.come_up(self.agents[0], {"cpu": 4, "gpu": 2, "slots": 3})
        self.come_up(self.agents[1], {"cpu": 2, "fpga": [0, 7], "slots": 2})
        self.register_static("d", {"cpu": 2})

    def agent(self, which: int) -> FakeAgent:
        """Mostly one whose node is its own."""
        nodes = self.oracle.nodes
        owning = [a for a in self.agents if a.name in nodes and nodes[a.name].incarnation == a.incarnation]
        return owning[which % len(owning)] if owning and which < 90 else self.agents[which % len(self.agents)]

    @rule(name=NAMES, capabilities=CAPABILITIES)
    def register_static(self, name: str, capabilities: dict[str, Any]) -> None:
        if self.oracle.register_node(name, capabilities):
            self.tracker.register_node(name, capabilities)
        else:
            with pytest.raises(NodeIsLeased):
                self.tracker.register_node(name, capabilities)
        self.settle()

    @rule(which=WHICH, capabilities=CAPABILITIES)
    def register_agent(self, which: int, capabilities: dict[str, Any]) -> None:
        """Sometimes one that knows that the process of the one before it is gone."""
        agent = self.agents[which % 4]
        node = self.oracle.nodes.get(agent.name)
        dead = node.incarnation if which > 49 and node is not None and node.incarnation != agent.incarnation else ""
        self.come_up(agent, {"slots": 2, **capabilities}, dead)

    def come_up(self, agent: FakeAgent, capabilities: dict[str, Any], dead: str = "") -> None:
        agent.capabilities = capabilities
        if self.oracle.register(agent.name, agent.incarnation, capabilities, agent.lease_ms, dead):
            agent.register(dead=dead)
        else:
            with pytest.raises(NameTaken):
                agent.register(dead=dead)
        self.settle()

    @precondition(lambda self: self.oracle.nodes)
    @rule(which=WHICH)
    def deregister(self, which: int) -> None:
        name = "abcd"[which % 4]
        if which > 49:
            agent = self.agent(which)
            assert agent.goodbye() == self.oracle.deregister(agent.name, agent.incarnation)
        elif self.oracle.deregister(name):
            self.tracker.deregister_node(name)
        else:
            with pytest.raises(UnknownNode):
                self.tracker.deregister_node(name)
        self.settle()

    @rule(which=WHICH)
    def beat(self, which: int) -> None:
        """Sometimes the agent has lost a function that it was given."""
        agent = self.agent(which)
        if which > 79 and agent.runs:
            del agent.runs[min(agent.runs)]
        self.let_beat(agent)
        self.settle()

    def let_beat(self, agent: FakeAgent) -> None:
        if self.oracle.owns(agent.name, agent.incarnation):
            stops = self.oracle.beat(agent.name, [self.runs[id] for id in agent.runs])
            assert {self.runs[id] for id in agent.beat()} == stops
        else:
            with pytest.raises(Stale):
                agent.beat()

    @rule(which=WHICH)
    def quiet(self, which: int) -> None:
        agent, on = self.agent(which // 2), which % 2 == 0
        if self.oracle.owns(agent.name, agent.incarnation):
            self.oracle.quiet(agent.name, on)
            agent.quiet(on)
        else:
            with pytest.raises(Stale):
                agent.quiet(on)
        self.settle()

    # Functions.

    def unfinished(self) -> list[Job]:
        states = ("waiting", "delayed", "queued", "started")
        return [job for job in self.oracle.jobs.values() if job.state in states]

    @precondition(lambda self: len(self.unfinished()) < MOST_UNFINISHED)
    @rule(call=CALLS)
    def submit(self, call: dict[str, Any]) -> None:
        """Sometimes under the id of one that rq deleted."""
        queued = [job for node in self.oracle.nodes.values() for job in node.queue]
        gone = [job.id for job in self.oracle.jobs.values() if job.state == "gone" and job not in queued]
        id = gone[0] if gone and call["priority"] == 0 else f"j{self.submitted}"
        self.submitted += 1
        expected = self.oracle.submit(id, **call)
        assert self.ask(id, **call) == expected
        self.settle()

    @precondition(lambda self: self.oracle.jobs)
    @rule(which=WHICH)
    def submit_under_an_id_that_is_taken(self, which: int) -> None:
        job = self.some(self.oracle.jobs, which)
        if job.state != "gone":
            assert self.ask(job.id, {}) == self.oracle.submit(job.id, {}) == "duplicate"

    def ask(
        self, id: str, cost: dict[str, Any], pin: str = "", priority: int = 0, retries: int = 0, preferred: str = ""
    ) -> str:
        fields = JobFields(data=b"", description="", timeout=-1)
        submission = work.Submission(
            job_id=id, function_id=id, cost=parse_cost(cost), pin=pin or None, priority=priority, max_retries=retries,
            preferred=preferred, fields=fields, serializer=Serializer,
        )  # fmt: skip
        try:
            verdict = work.submit(self.store, submission)
        except DuplicateFunction:
            return "duplicate"
        if verdict.state == "placed":
            assert (verdict.node, verdict.devices) == (self.oracle.jobs[id].node, self.oracle.jobs[id].devices)
        return verdict.state

    @rule(which=WHICH, endings=ENDINGS)
    def finish(self, which: int, endings: list[tuple[str, float]]) -> None:
        agent = self.agent(which)
        results = [_result(id, *ending) for id, ending in zip(list(agent.runs), endings, strict=False)]
        self.exchange(agent, results, room=which % 3)
        self.settle()

    @rule(which=WHICH)
    def take(self, which: int) -> None:
        self.exchange(self.agent(which), [], 3)
        self.settle()

    def exchange(self, agent: FakeAgent, results: list[Result], room: int) -> None:
        if self.oracle.owns(agent.name, agent.incarnation):
            jobs = [(self.runs[result.id], result) for result in results]
            outcomes, started = self.oracle.finish(agent.name, jobs, room)
            before = dict(agent.runs)
            assert agent.finish(*results, room=room) == outcomes
            self.note_started([run for id, run in agent.runs.items() if id not in before], started)
        else:
            with pytest.raises(Stale):
                agent.finish(*results, room=room)

    def note_started(self, runs: list[Started], expected: list[Job]) -> None:
        by_id = {job.id: job for job in expected}
        assert {run.job_id for run in runs} == by_id.keys()
        for run in runs:
            assert run.id not in self.runs, f"{run.id} was started twice"
            self.runs[run.id] = by_id[run.job_id]

    @precondition(lambda self: self.oracle.jobs)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        jobs = self.unfinished() if which < 80 else list(self.oracle.jobs.values())
        for job in jobs[which % len(jobs) :][:1] if jobs else ():
            expected = self.oracle.cancel(job.id)
            assert work.cancel(self.store, job.id) == expected
        self.settle()

    # Claims.

    @precondition(lambda self: len(self.oracle.claims) < 5)
    @rule(claim=st.tuples(NAMES | st.just("z"), COSTS, st.sampled_from([None, 0.5, 2, 7])))
    def request(self, claim: tuple[str, dict[str, Any], float | None]) -> None:
        name, cost, ttl = claim
        try:
            reservation = self.tracker.request(name, cost, ttl=ttl)
        except UnknownNode:
            assert self.oracle.request("~", name, cost) is None
        except ResourcesUnavailable as error:
            assert amounts(self.missing(self.oracle.request("~", name, cost))) == error.short
        else:
            made = self.oracle.request(reservation.id, name, cost, math.inf if ttl is None else ttl * 1000)
            assert isinstance(made, Claim)
            assert self.oracle.nodes[name].holds[made] == reservation.devices
            self.claims[reservation.id] = reservation
        self.settle()

    def missing(self, answer: Claim | dict[str, int] | None) -> dict[str, int]:
        assert isinstance(answer, dict)
        return answer

    @precondition(lambda self: self.claims)
    @rule(which=WHICH)
    def release(self, which: int) -> None:
        """Of a claim that was made any time before, also one that is gone."""
        reservation = self.some(self.claims, which)
        expected = self.oracle.release(reservation.id)
        assert self.tracker.release(reservation) == expected
        self.settle()

    @rule(name=NAMES, cost=COSTS)
    def look(self, name: str, cost: dict[str, Any]) -> None:
        expected = self.oracle.fits(name, cost)
        assert self.tracker.resources_available(name, cost) == expected
        self.settle()

    # The clock, the server, and rq's tools.

    @rule(ms=st.sampled_from([1, 400, 1000, 2000, 3000, 5000, 61_000, 3_600_000]))
    def step_the_clock(self, ms: int) -> None:
        """Leases lapse, delays and claims end, and it is for the next operation to notice."""
        self.store.now_ms = self.oracle.now_ms = self.oracle.now_ms + ms
        if self.lapsing() > MOST_LEFT_TO_OTHERS:
            self.settle()

    @rule(seconds=st.integers(1, 5))
    def let_time_pass(self, seconds: int) -> None:
        """While all agents do as they should."""
        for _ in range(seconds):
            self.store.now_ms = self.oracle.now_ms = self.oracle.now_ms + 1000
            for agent in self.agents:
                if self.oracle.owns(agent.name, agent.incarnation):
                    self.let_beat(agent)
            self.settle()

    def lapsing(self) -> int:
        """How many reservations nodes hold whose lease is over."""
        nodes = self.oracle.nodes.values()
        over = [node for node in nodes if node.up and node.kind == "leased" and node.lease_ends_ms <= self.oracle.now_ms]
        return sum(len(node.holds) for node in over)

    @rule(back_ms=st.sampled_from([0, 1, 700, 2500]))
    def flush_the_scripts_and_set_the_clock_back(self, back_ms: int) -> None:
        self.store.client.script_flush()
        self.store.now_ms = self.oracle.now_ms = self.oracle.now_ms - back_ms

    @precondition(lambda self: self.unfinished())
    @rule(which=WHICH, how=st.sampled_from(["cancel", "delete", "hash", "unqueue", "empty"]))
    def rq_takes_jobs_away(self, which: int, how: str) -> None:
        job = self.unfinished()[which % len(self.unfinished())]
        if how == "cancel":
            self.oracle.rq_cancels(job)
            self.fetched(job).cancel()
        elif how == "delete":
            self.oracle.rq_deletes(job)
            self.fetched(job).delete()
        elif how == "hash":
            self.oracle.rq_deletes(job, off_queue=False)
            self.store.client.delete(self.store.keys("rq_job", job.id))
        elif job.state == "queued" and how == "unqueue" and not self.has_unqueued(job.node):
            self.oracle.rq_unqueues(job)
            self.rq_queue(job.node).remove(job.id)
        elif job.state == "queued" and how == "empty":
            self.oracle.rq_empties(job.node)
            self.rq_queue(job.node).empty()
        self.settle()

    def has_unqueued(self, name: str) -> bool:
        """Two such jobs would be found in no known order."""
        node = self.oracle.nodes[name]
        return any(isinstance(owner, Job) and owner.state == "queued" and owner not in node.queue for owner in node.holds)

    def fetched(self, job: Job) -> RqJob:
        return RqJob.fetch(job.id, connection=self.store.client, serializer=Serializer)

    def rq_queue(self, name: str) -> RqQueue:
        return RqQueue(self.store.keys.queue(name), connection=self.store.client, serializer=Serializer)

    # Comparing.

    def some(self, things: dict[str, Any], which: int) -> Any:
        return list(things.values())[which % len(things)]

    def settle(self) -> None:
        """Tick until nothing is left over, and until every queue, node and shape was looked at in turn."""
        self.oracle.tick()
        turns = 2 * (len(self.oracle.nodes) + MOST_UNFINISHED) if self.oracle.touched else 1
        while turns:
            reply = self.store.run("tick", room=64, token=uuid.uuid4().hex, lost_text=LOST_TEXT)
            turns -= not reply[1]

    @invariant()
    def agrees(self) -> None:
        ledger = read_ledger(self.store)
        self.oracle.touched = {job for job in self.oracle.touched if self.is_traced(ledger, job)}
        check_ledger(ledger, read_nodes(self.store), {job.id for job in self.oracle.touched})
        assert picture(ledger) == self.expected()

    def is_traced(self, ledger: Ledger, job: Job) -> bool:
        in_line = any(job.id in line for line in ledger.lines.values()) or job.id in ledger.get("delayed")
        return self.oracle.is_traced(job) or (job.state in ("canceled", "gone") and in_line)

    def expected(self) -> dict[str, Any]:
        """As `picture`."""
        oracle = self.oracle
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
                    "held": sorted((owner.id, devices) for owner, devices in node.holds.items()),
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


def picture(ledger: Ledger) -> dict[str, Any]:
    """What the oracle speaks of, as Redis has it."""
    return {
        "nodes": [
            {
                "name": name,
                "kind": fields["kind"],
                "up": fields["state"] == "up",
                "quiet": "quiet" in fields and fields["state"] == "up",
                "lease": ledger.get("leases").get(name),
                "queue": ledger.queue(name),
                "running": sorted(id.rpartition(":")[0] for id in ledger.get(f"running:{name}")),
                "held": sorted(
                    (id.rpartition(":")[0] or id, record.indices()) for id, record in ledger.held.get(name, {}).items()
                ),
            }
            for name, fields in ledger.nodes.items()
        ],
        "jobs": {
            id: {
                "state": _state(job),
                "attempts": int(job.get("h_attempts", 0)),
                "due": ledger.get("delayed").get(id) if _state(job) == "delayed" else None,
                "at": (job["h_node"], parse_devices(job["h_devices"])) if job["status"] in ("queued", "started") else None,
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


@pytest.fixture(params=["fake", "real"])
def database(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A database that may be emptied."""
    if request.param == "fake":
        yield fakeredis.FakeRedis(server=fakeredis.FakeServer())
        return
    server: RedisServer = request.getfixturevalue("server")
    with redis.Redis.from_url(server.url.removesuffix("/0") + "/9") as connection:
        yield connection


@pytest.mark.timeout(3600 if THOROUGH else 120)
def test_the_ledger_decides_as_the_oracle_says(database: redis.Redis) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(database),
        settings=settings(
            max_examples=2000 if THOROUGH else 30,
            stateful_step_count=60 if THOROUGH else 30,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
