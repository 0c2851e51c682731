"""Scheduling cases as pictures: what is done stands on the left, and who then stands where on the right.

    a share takes the fullest device that has room
        node a: gpu 2
        x y: gpu 0.3        -> a [x+y .]
        z: gpu 0.8          -> a [x+y z]
        w: gpu 0.8          -> a [x+y z]  waits w
        finish z            -> a [x+y w]

A case is a line of its own and the indented steps below it. A picture may stand on the next line, and where a step has
none, nothing is compared. In a picture, `a [x x .]` is a node with one place for each unit of its only resource, and
`a cpu[x .] gpu[x+y]` one with two resources, of which gpu has a place for each device. A dot is free, `[x|y]` is over
what the node has by now, and behind the bars stands who holds nothing that is drawn. `x'` is on the node's queue, `x`
runs, and `x!` is to be stopped. `a drained [x]` takes no more; `a [x .] for y(cpu)` is held for y, which lacks cpu
there; `*` is what all nodes share. Then `waits`, best first; `never` = waits, and no live node could hold it even when
idle; `delayed`, best first; `failed x(Error)`; `canceled`; and `refused` = a claim that did not fit, or a function that
was not to wait. What finished is gone.

Steps (agents take at once what stands on their queues, unless they sleep):
    node a b: cpu 4, gpu 2 of 24; zone=x    an agent registers it, or again; gpu {0 3} of 24/40: by index; of: memory
    static a: cpu 4                         a node without an agent: its queue stays
    x y: cpu 1, gpu 1 or after 30s cpu 4    functions; then, behind `;`: priority 5, on a, zone=x|y, tier!=x, retries 2,
                                            delay 5s, wait 10s, infeasible 10s, infeasible raise, spread
    claim c on a: cpu 2, release c          through the tracker
    finish x, fail x, cancel x, delete x    delete: by rq
    sleep a, wake a, obey a                 its agent takes no more; takes again; ends what it was told to stop
    leave a, lose a                         it is deregistered; its agent dies, and the lease runs out
    drain a within 60s, undrain a, share lic 2
    limit 3, limit 60s, limit off           of overtaking
    +30s, +1ms                              the clock moves, agents renew their leases, and the housekeeping is done
    why x                                   the picture is what its explanation has to say
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import Infeasible, ResourcesUnavailable
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import SHARED, Node, read_nodes
from handoff.ledger.texts.cost import read_cost
from handoff.why.explain import explain
from handoff.words.function import Function
from handoff.words.resources import device_of
from handoff.words.variants import After
from support.agent import FakeAgent, failure, killed, ok
from support.books import check_ledger
from support.drawing import draw_node, drawn_name, error_of
from support.ledger import Ledger, read_ledger
from support.passing import pass_ms
from support.steps import add_option, amounts, milliseconds, nodes_of, variant

START_MS = 1_900_000_000_000

LEASE_MS = 30_000
BEAT_MS = 20_000

_STEP = re.compile(r"(.*?)(?:\s+->\s*(.*))?")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a case."""

    action: str
    picture: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, and the steps that show it."""

    title: str
    steps: tuple[Step, ...]


def cases(text: str) -> list[ParameterSet]:
    """Read cases for `parametrize`, each under its title."""
    found: dict[str, list[Step]] = {}
    for line in text.splitlines():
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        if not line.startswith(" "):
            assert said not in found, f"two cases are called {said!r}"
            steps = found[said] = []
        elif said.startswith("->"):
            steps[-1] = Step(steps[-1].action, said[2:])
        else:
            action, picture = _STEP.fullmatch(said).groups()  # type: ignore[union-attr]
            steps.append(Step(action, picture))
    return [pytest.param(Case(title, tuple(steps)), id=title) for title, steps in found.items()]


class Board:
    """A cluster with fake agents, its clock standing still: does steps and draws what came of them."""

    def __init__(self, cluster: Cluster) -> None:
        cluster.store.now_ms = START_MS
        self.cluster, self.store = cluster, cluster.store
        self.handles: dict[str, Handle] = {}
        self.claims: dict[str, Reservation] = {}
        self.agents: dict[str, FakeAgent] = {}
        self._asleep: set[str] = set()
        self._refused: list[str] = []
        self._deleted: set[str] = set()
        self._ranks: dict[str, float] = {}
        self._infeasible: dict[str, bool] = {}
        self._verbs: dict[str, Callable[[str], None]] = {
            "node": self._node, "static": self._static, "claim": self._claim, "drain": self._drain,
            "limit": self._limit, "share": self._share,
        }  # fmt: skip
        self._verbs_of_names: dict[str, Callable[[str], object]] = {
            "finish": self._finish, "fail": self._fail, "cancel": self._cancel, "delete": self._delete,
            "release": self._release, "sleep": self._asleep.add, "wake": self._asleep.discard, "obey": self._obey,
            "leave": self._leave, "lose": self._lose, "undrain": cluster.undrain,
        }  # fmt: skip

    def play(self, case: Case) -> None:
        """Do the steps of a case; each picture must be as expected, and the books balance where one is drawn."""
        for step in case.steps:
            if step.action.startswith("why "):
                said, expected = self.explanation(step.action[4:]), step.picture or ""
                assert expected in said, f"`{step.action}`\n  says      {said}\n  expected  {expected}"
                continue
            self.do(step.action)
            if step.picture is not None:
                drawn, expected = self.draw(), " ".join(step.picture.split())
                assert drawn == expected, f"after `{step.action}`\n  drawn     {drawn}\n  expected  {expected}"
        self.check_promise()

    def do(self, *actions: str) -> None:
        """Do one step after the other, as the module's docstring lists them."""
        for action in actions:
            verb, _, rest = action.partition(" ")
            if verb in self._verbs:
                self._verbs[verb](rest)
            elif verb in self._verbs_of_names:
                for name in rest.split():
                    self._verbs_of_names[verb](name)
            elif verb.startswith("+"):
                self._pass(milliseconds(verb[1:]))
            else:
                self._submit(action)
            self._settle()

    def explanation(self, name: str) -> str:
        """What a function is told about itself."""
        return explain(self.store, self.handles[name].id).text

    # Nodes.

    def _node(self, text: str) -> None:
        for name, capabilities, memory, labels in nodes_of(text):
            agent = self.agents.get(name)
            if agent is None:
                agent = self.agents[name] = FakeAgent(self.store, name, {}, lease_ms=LEASE_MS)
            agent.capabilities, agent.device_memory, agent.labels = capabilities, memory, labels
            agent.register()

    def _static(self, text: str) -> None:
        for name, capabilities, memory, labels in nodes_of(text):
            self.cluster.register_node(name, capabilities, labels=labels, device_memory=memory)

    def _leave(self, name: str) -> None:
        agent = self.agents.pop(name, None)
        if agent is None:
            self.cluster.deregister_node(name)
        else:
            assert agent.goodbye()

    def _lose(self, name: str) -> None:
        del self.agents[name]
        self._pass(LEASE_MS)

    def _obey(self, name: str) -> None:
        agent = self.agents[name]
        agent.finish(*(killed(id) for id in agent.beat()))

    def _drain(self, text: str) -> None:
        name, _, deadline = text.partition(" within ")
        self.cluster.drain(name, milliseconds(deadline) / 1000 if deadline else None)

    def _share(self, text: str) -> None:
        self.cluster.share(amounts(text))

    def _limit(self, text: str) -> None:
        if text == "off":
            self.cluster.limit_overtaking(None, None)
        elif text.isdigit():
            self.cluster.limit_overtaking(int(text), None)
        else:
            self.cluster.limit_overtaking(None, milliseconds(text) / 1000)

    # Functions and claims.

    def _submit(self, text: str) -> None:
        names, _, rest = text.partition(": ")
        wanted, *options = rest.split("; ")
        costs = [variant(each) for each in wanted.split(" or ")]
        fields: dict[str, Any] = {"cost": costs if len(costs) > 1 or isinstance(costs[0], After) else costs[0]}
        for option in options:
            add_option(fields, option)
        for name in names.split():
            try:
                self.handles[name] = self.cluster.submit(Function(name, "tasks:work", **fields))
            except Infeasible:
                self._refused.append(name)

    def _claim(self, text: str) -> None:
        where, _, cost = text.partition(": ")
        name, _, node = where.partition(" on ")
        try:
            self.claims[name] = self.cluster.tracker.request(node, amounts(cost))
        except ResourcesUnavailable:
            self._refused.append(name)

    def _release(self, name: str) -> None:
        assert self.cluster.tracker.release(self.claims.pop(name))

    def _finish(self, name: str) -> None:
        agent, id = self._running(name)
        agent.finish(ok(id))

    def _fail(self, name: str) -> None:
        agent, id = self._running(name)
        agent.finish(failure(id))

    def _cancel(self, name: str) -> None:
        assert self.handles[name].cancel()

    def _delete(self, name: str) -> None:
        self._deleted.add(self.handles[name].id)
        self.handles[name].job.delete()

    def _running(self, name: str) -> tuple[FakeAgent, str]:
        for agent in self.agents.values():
            for id, started in agent.runs.items():
                if started.job_id == self.handles[name].id:
                    return agent, id
        raise AssertionError(f"{name} does not run")

    # Time, and what agents do by themselves.

    def _pass(self, ms: int) -> None:
        while ms > 0:
            pass_ms(self.store, min(ms, BEAT_MS))
            ms -= BEAT_MS
            for agent in self.agents.values():
                agent.beat()
            tick(self.store)

    def _settle(self) -> None:
        """What agents do within half a second: the work that others left over, and all that stands on their queues."""
        keys = self.store.keys
        queues = {keys("rq_queue", keys.queue(name)): name for name in self.agents.keys() - self._asleep}
        left = [keys("dirty"), keys("abandoned")]
        while self.store.read("EXISTS", *left, *queues):
            if self.store.read("EXISTS", *left):
                tick(self.store)
            for queue, name in queues.items():
                if count := self.store.read("LLEN", queue):
                    self.agents[name].take(count)

    # Drawing.

    def draw(self) -> str:
        """Draw all that stands somewhere, and check that the books balance."""
        ledger, nodes = read_ledger(self.store), read_nodes(self.store)
        check_ledger(ledger, self._deleted)
        ids = {handle.id: name for name, handle in self.handles.items()}
        self._ranks |= {ids[id]: float(job["h_rank"]) for id, job in ledger.jobs.items()}
        names = {id: drawn_name(id, ids, ledger) for records in ledger.held.values() for id in records}
        names |= {claim.id: name for name, claim in self.claims.items()}
        parts = [draw_node(node, ledger.held.get(node.name, {}), names, ids) for node in nodes if node.live]
        shared = read_nodes(self.store, SHARED) if ledger.shared.capabilities else []
        parts += [draw_node(node, ledger.held.get(SHARED, {}), names, ids) for node in shared]
        ranks = {id: rank for id, rank in ledger.get("waiting").items() if id not in self._deleted}
        waiting = [ids[id] for id in sorted(ranks, key=ranks.__getitem__)]
        never = [name for name in waiting if self._is_infeasible(name, ledger, nodes)]
        jobs = {name: ledger.jobs.get(handle.id, {}) for name, handle in self.handles.items()}
        groups = {
            "waits": [name for name in waiting if name not in never],
            "never": never,
            "closed": None,
            "delayed": [ids[id] for id in sorted(ledger.get("delayed"), key=lambda id: self._ranks[ids[id]])],
            "failed": [f"{name}({error_of(job)})" for name, job in jobs.items() if job.get("status") == "failed"],
            "canceled": [name for name, job in jobs.items() if job.get("status") == "canceled"],
            "refused": self._refused,
        }
        return " ".join([*parts, *(" ".join([word, *listed]) for word, listed in groups.items() if listed)])

    def _is_infeasible(self, name: str, ledger: Ledger, nodes: list[Node]) -> bool:
        """What it is told itself. Asked again whenever there are other nodes than when one like it asked."""
        demand = ledger.jobs[self.handles[name].id]["h_demand"]
        those = [(node.name, node.live, node.draining is None, node.capabilities, node.labels) for node in nodes]
        key = f"{demand} {those} {ledger.shared.capabilities}"
        if key not in self._infeasible:
            self._infeasible[key] = explain(self.store, self.handles[name].id).state == "infeasible"
        return self._infeasible[key]

    # Whole runs.

    def check_promise(self) -> int:
        """From `held` to `unheld` nothing later that uses what is lacked was reserved there. -> how often one held"""
        held: dict[str, tuple[float, set[str]]] = {}
        shared: set[str] = set()
        count = 0
        for event in self.events():
            match event["event"]:
                case "shared":
                    for name, _, units in (part.partition("=") for part in event["amounts"].split(",")):
                        (shared.discard if units == "0" else shared.add)(name)
                case "held":
                    held[event["node"]] = (self._rank(event["job"]), set(event["lacks"].split(",")))
                    count += 1
                case "unheld":
                    del held[event["node"]]
                case "reserved":
                    cost = read_cost(event["cost"]).keys()
                    for place, uses in ((event["node"], cost - shared), (SHARED, cost & shared)):
                        rank, lacks = held.get(place, (math.inf, set[str]()))
                        is_earlier = self._rank(event["id"].rpartition(":")[0]) <= rank
                        assert is_earlier or lacks.isdisjoint(device_of(name) or name for name in uses), event
        return count

    def events(self) -> Iterator[Mapping[str, str]]:
        """All that happened, oldest first."""
        last = b"0-0"
        while found := self.cluster.events(last):
            yield from (event for _, event in found)
            last = found[-1][0]

    def _rank(self, job_id: str) -> float:
        """Claims are behind all functions."""
        return next((self._ranks[name] for name, handle in self.handles.items() if handle.id == job_id), math.inf)
