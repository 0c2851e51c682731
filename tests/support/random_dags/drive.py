"""Agents run one graph to its end, in an order that nobody planned."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from handoff.client.run_handle import RunHandle
from handoff.errors import UnknownRun
from handoff.ledger import runs
from handoff.ledger.housekeeping import tick
from handoff_worker.agent.delivery import result
from handoff_worker.children.outcome import Died
from support.agent import FakeAgent, Result, Stale, Started, killed
from support.graphs import Site
from support.in_process_child import Child
from support.passing import pass_ms
from support.random_dags.cases import NODES, Case

MOST_STEPS = 5000
"""Of one run: with so many nothing is left that could still happen."""


class Drive:
    """Lets agents run one graph to its end, in an order that nobody planned."""

    def __init__(self, site: Site, child: Child, case: Case, run: RunHandle) -> None:
        self.site, self.child, self.case, self.run = site, child, case, run
        self.random = random.Random(case.seed)
        self.numbers = dict(enumerate(case.regular, 1))
        self.attempts: Counter[str] = Counter()
        self.failed: list[str] = []  #: for good, in order
        self.nodes: dict[str, str] = {}  #: where each that finished did so
        self.is_stopped = False  #: by the first failure
        self.drained: set[str] = set()
        self.lives = 3  #: nodes that may yet be lost
        self.deaths = len(case.functions) // 6  #: children that may yet die

    def to_the_end(self) -> None:
        for step in range(MOST_STEPS):
            if self.has_ended():
                return
            self.step()
            if step % 40 == 0:
                self.site.check()
        raise AssertionError(f"after {MOST_STEPS} steps {self.site.states(self.run)}")

    def has_ended(self) -> bool:
        try:
            return runs.look_run(self.site.store, self.run.id, self.run.calls.instance).ended
        except UnknownRun:
            return True

    def step(self) -> None:
        choose = self.random
        agents = list(self.site.agents.values())
        busy = [agent for agent in agents if agent.runs]
        away = NODES.keys() - self.site.agents.keys()
        does = choose.random()
        if not busy and does > 0.7:
            # Most likely all that could start waits for its next attempt.
            pass_ms(self.site.store, 20_000)
            self.renew()
            tick(self.site.store)
        elif away and does < 0.1:
            self.register(choose.choice(sorted(away)))
        elif self.lives and len(agents) > 1 and does < 0.02:
            self.lose(choose.choice(agents))
        elif does < 0.03 or (self.drained and does < 0.08):
            self.drain(choose.choice(sorted(self.drained or self.site.agents)))
        elif does < 0.15:
            pass_ms(self.site.store, choose.choice([1, 300, 1000, 5000]))
            self.renew()
        elif does < 0.25:
            tick(self.site.store)
        elif busy and does < 0.7:
            self.deliver(choose.choice(busy))
        elif agents:
            self.take(choose.choice(agents))

    def register(self, name: str) -> None:
        self.site.node(name, **NODES[name])

    def renew(self) -> None:
        for agent in self.site.agents.values():
            stops = agent.beat()
            if stops:
                assert self.is_stopped, stops
                self.exchange(agent, [killed(id) for id in stops])

    def lose(self, agent: FakeAgent) -> None:
        """Its lease runs out, and it does not know."""
        self.lives -= 1
        lost = list(agent.runs.values())
        result = [self.child.run(agent, started) for started in lost[:1]]
        self.renew()
        del self.site.agents[agent.name]
        for _ in range(2):
            pass_ms(self.site.store, agent.lease_ms // 2)
            self.renew()
        tick(self.site.store)
        if not self.is_stopped:
            for started in sorted(lost, key=lambda each: each.id):
                self.count_failure(self.id_of(started))
        with pytest.raises(Stale):
            agent.finish(*result)

    def drain(self, name: str) -> None:
        """Or undrain, also a node whose agent is away."""
        if name in self.drained:
            self.site.cluster.undrain(name)
        else:
            self.site.cluster.drain(name)
        self.drained ^= {name}

    def deliver(self, agent: FakeAgent) -> None:
        choose = self.random
        ended = choose.sample(list(agent.runs.values()), choose.randint(1, len(agent.runs)))
        results = [self.end(agent, started) for started in ended]
        self.exchange(agent, results, choose.choice([0, 0, 1, 3]))

    def take(self, agent: FakeAgent) -> None:
        self.exchange(agent, [], self.random.choice([1, 2, 9]))

    def end(self, agent: FakeAgent, started: Started) -> Result:
        if self.deaths and self.random.random() < 0.1:
            self.deaths -= 1
            died = result(Died(started.id, -9, "killed by signal 9 (SIGKILL)"))
            return Result(died.id, died.kind, died.body, died.error, died.message, died.retryable)
        return self.child.run(agent, started)

    def exchange(self, agent: FakeAgent, results: list[Result], room: int = 0) -> None:
        """Sometimes the reply is lost, and the agent asks again."""
        ids = {each.id: self.id_of(agent.runs[each.id]) for each in results}
        before = set(agent.runs)
        outcomes = agent.finish(*results, room=room)
        if self.random.random() < 0.1:
            agent.op -= 1
            assert agent.finish(*results, room=room) == outcomes
        self.attempts.update(self.id_of(started) for id, started in agent.runs.items() if id not in before)
        for each, outcome in zip(results, outcomes, strict=True):
            id = ids[each.id]
            if outcome == "canceled" and self.is_stopped:
                continue
            if each.kind == "finished":
                # What comes in the call that stops the run, or before all of it is told to stop, counts.
                assert outcome == "stored", (id, outcome)
                assert id not in self.nodes, f"{id} ended twice"
                self.nodes[id] = agent.name
            else:
                assert outcome == ("failed" if self.count_failure(id) else "retrying"), (id, outcome)

    def count_failure(self, id: str) -> bool:
        """-> whether it has failed for good"""
        if self.attempts[id] <= self.case.retries(id):
            return False
        self.failed.append(id)
        self.is_stopped = bool(self.case.options["fail_fast"])
        return True

    def id_of(self, started: Started) -> str:
        return self.numbers[int(started.job_id.rpartition("-")[2])]
