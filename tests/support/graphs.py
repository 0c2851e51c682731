"""A cluster for tests of graphs: its clock stands still, and its agents do what the test says, when it says so.

    site = Site(cluster)
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y", "x"))
    site.take()
    site.finish("x")
    assert site.states(run) == {"x": "finished", "y": "queued"}

Functions are named by the users' ids; where two runs have one of the same id, the first that runs is meant. The books
are checked after every step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.client.run_handle import RunHandle
from handoff.graph.dag import DAG
from handoff.graph.vertex import INLINE
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import SHARED
from handoff.words.argument import Argument
from handoff.words.capabilities import DeviceMemory
from handoff.words.function import Function
from support.agent import FakeAgent, Result, Started, failure, killed, ok
from support.books import check_books
from support.ledger import Ledger, read_ledger
from support.passing import pass_ms

START_MS = 1_900_000_000_000

LEASE_MS = 30_000

BEAT_MS = 20_000

WORD_OF_A_RUN = re.compile("gone:[0-9a-f]{32}")

WORD_MS = 600_000

UNTOLD = frozenset(
    {"epoch", "events", "leases", "node", "order", "overtaking", "plane", "planes", "prune", "sweep", "withheld"}
    | {"clock", "lengths", "died", "died_on", "nearest"}
)

UNTOLD_OF_RQ = frozenset({"queues", "worker"})
"""Keys that tell of nodes, or are permanent, and that change with whatever happens."""

WORK = "graph_tasks:work"


def function(id: str, *args: str | Argument, **options: Any) -> Function:
    """A function of one cpu, unless its options say otherwise, that takes the results of `args`."""
    if options.get("type") != "inline":
        options = {"cost": {"cpu": 1}, **options}
    return Function(id, options.pop("code", WORK), args=args, **options)


def graph(*functions: Function, id: str | None = None) -> DAG:
    """A DAG of these."""
    dag = DAG(id)
    for each in functions:
        dag.add(each)
    return dag


def chain(length: int, **options: Any) -> list[Function]:
    """`f1`, `f2` that takes it, and so on."""
    return [function(f"f{i}", *([f"f{i - 1}"] if i > 1 else []), **options) for i in range(1, length + 1)]


class Site:
    """A cluster with agents that run nothing."""

    def __init__(self, cluster: Cluster) -> None:
        cluster.store.now_ms = START_MS
        self.cluster, self.store = cluster, cluster.store
        self.agents: dict[str, FakeAgent] = {}
        self.touched: set[str] = set()  #: jobs that rq's tools canceled or deleted

    def node(
        self,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        device_memory: DeviceMemory | None = None,
        **capabilities: Any,
    ) -> FakeAgent:
        """Let an agent register a node."""
        agent = FakeAgent(
            self.store, name, capabilities, labels=labels, device_memory=device_memory, lease_ms=LEASE_MS
        ).register()
        self.agents[name] = agent
        return agent

    def submit(self, *functions: Function, id: str | None = None, **options: Any) -> RunHandle:
        """Submit a graph of these. `options` are those of `submit_dag`."""
        run = self.cluster.submit_dag(graph(*functions, id=id), **options)
        self.check()
        return run

    def take(self, *names: str) -> list[str]:
        """Let agents, by default all, start whatever stands on their queues. -> whose turn it was, in order"""
        taken = []
        for name in names or self.agents:
            taken += [_id(started) for started in self.agents[name].take(1000)]
        self.check()
        return taken

    def finish(self, *ids: str, value: Any = None) -> list[str]:
        """End functions that run, in one call of their agent each; nothing is taken. -> what became of the results"""
        return self._end(ids, lambda started: ok(started.id, value))

    def fail(self, *ids: str, retryable: bool = True) -> list[str]:
        """End functions that run with a ValueError, in one call of their agent each."""
        return self._end(ids, lambda started: failure(started.id, f"no {_id(started)}", retryable=retryable))

    def obey(self) -> set[str]:
        """Let agents stop what they are told to stop, and say so. -> what that was"""
        obeyed = set()
        for agent in self.agents.values():
            stops = agent.beat()
            obeyed |= {_id(agent.runs[stop]) for stop in stops}
            agent.finish(*map(killed, stops))
        self.check()
        return obeyed

    def pass_time(self, seconds: float) -> None:
        """The clock moves, agents renew their leases, and the housekeeping is done."""
        left_ms = round(seconds * 1000)
        while left_ms > 0:
            pass_ms(self.store, min(left_ms, BEAT_MS))
            left_ms -= BEAT_MS
            for agent in self.agents.values():
                agent.beat()
            tick(self.store)
        self.check()

    def lose(self, name: str) -> None:
        """An agent dies, and the lease of its node runs out."""
        del self.agents[name]
        self.pass_time(LEASE_MS / 1000)

    def housekeep(self, ticks: int = 16) -> None:
        """Tick so often that each walk of the housekeeping comes by everything."""
        for _ in range(ticks):
            tick(self.store)
        self.check()

    def check(self) -> None:
        """The books must balance."""
        check_books(self.store, touched=self.touched)

    def running(self) -> dict[str, str]:
        """What agents run, and on which node."""
        return {_id(started): agent.name for agent in self.agents.values() for started in agent.runs.values()}

    def reservations(self) -> dict[str, str]:
        """The functions of runs that hold something -> their node."""
        ledger = self.ledger()
        names = {id: job["h_function"] for id, job in ledger.jobs.items() if "h_run" in job}
        held = [(id.rpartition(":")[0], node) for node, records in ledger.held.items() for id in records]
        return {names[job]: node for job, node in held if job in names and node != SHARED}

    def states(self, run: RunHandle) -> dict[str, str]:
        """Where each function of a run stands, in the API's words."""
        return {vertex.id: vertex.state for vertex in run.vertices() if vertex.state != INLINE}

    def finer(self, run: RunHandle, id: str) -> str:
        """The state of a function that the scripts tell apart and the API does not."""
        return self.job(run.handle(id)).get("h_state", "")

    def job(self, handle: Handle) -> dict[str, str]:
        """The hash of a job."""
        return self.ledger().jobs[handle.id]

    def ledger(self) -> Ledger:
        return read_ledger(self.store)

    def traces(self) -> dict[str, Any]:
        """All keys that tell of functions, of runs and of what is held, with what they hold.

        Not the word that is left of a run for as long as somebody may ask again whose reply was lost.
        """
        ledger = self.ledger()
        for key in filter(WORD_OF_A_RUN.fullmatch, list(ledger.own)):
            assert 0 < self.store.client.pttl(self.store.keys("words", key.partition(":")[2])) <= WORD_MS, key
            del ledger.own[key]
        kept = {f"node:{SHARED}"} | {key for key in ledger.own if key.partition(":")[0] not in UNTOLD}
        own = {key: ledger.own[key] for key in kept & ledger.own.keys()}
        return own | {
            f"rq:{key}": value for key, value in ledger.rq.items() if key.partition(":")[0] not in UNTOLD_OF_RQ
        }

    def assert_traces(self, before: Mapping[str, Any]) -> None:
        """What can be told is what could be told before."""
        now = self.traces()
        changed = {key: (before.get(key), now.get(key)) for key in before.keys() | now.keys()}
        assert now == before, {key: values for key, values in changed.items() if values[0] != values[1]}

    def events(self, kind: str | None = None) -> list[dict[str, str]]:
        """What happened, oldest first."""
        found, last = [], b"0-0"
        while entries := self.cluster.events(last):
            found += [event for _, event in entries]
            last = entries[-1][0]
        return [event for event in found if kind in (None, event["event"])]

    def agent_of(self, id: str) -> tuple[FakeAgent, Started]:
        """Who runs a function, and what it was given."""
        for agent in self.agents.values():
            for started in agent.runs.values():
                if _id(started) == id:
                    return agent, started
        raise AssertionError(f"{id} does not run; what runs is {self.running()}")

    def _end(self, ids: tuple[str, ...], result: Any) -> list[str]:
        batches: dict[str, list[Result]] = {}
        for id in ids:
            agent, started = self.agent_of(id)
            batches.setdefault(agent.name, []).append(result(started))
        outcomes = []
        for name, results in batches.items():
            outcomes += self.agents[name].finish(*results)
        self.check()
        return outcomes


def _id(started: Started) -> str:
    return started.job["h_function"].decode()
