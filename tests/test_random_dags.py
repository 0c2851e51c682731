"""Random graphs, whose functions fail, die and lose their nodes, come out as if they had run one after the other.

What the functions return is computed by the code of a child. What is said of the way there is read from the stream of
events: nothing starts before all that it takes has ended, and no node ever holds more than it has.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import graph_tasks
from handoff.client.cluster import Cluster
from handoff.client.run_handle import RunHandle
from handoff.errors import FunctionCanceled, ResourcesUnavailable, UnknownRun
from handoff.ledger import runs
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import SHARED
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.run_id import run_job_id
from handoff.words.argument import Argument
from handoff.words.capabilities import parse_capabilities
from handoff.words.function import Collocated, Function
from handoff.words.resources import UNIT
from handoff_worker.agent.delivery import result
from handoff_worker.children.outcome import Died
from support.agent import FakeAgent, Result, Stale, Started, killed
from support.books import assert_nothing_held
from support.database import database
from support.graphs import Child, Site, function

__all__ = ["database"]

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

MOST = 60
"""Functions of one graph."""

MOST_STEPS = 5000
"""Of one run: with so many nothing is left that could still happen."""

NODES: dict[str, dict[str, Any]] = {
    "a": {"cpu": 3, "slots": 4},
    "b": {"cpu": 3.5, "slots": 5, "labels": {"zone": "x"}},
    "c": {"cpu": 4, "gpu": 2, "device_memory": {"gpu": 8000}},
}
ROOM_OF_A_GROUP = {"cpu": 3, "slots": 4}
"""What every node has."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One function of a random graph; what it takes is said by how far back it was made."""

    is_inline: bool
    back: list[int]
    transforms: list[int]
    fails: int
    retries: int | None
    cost: Any
    place: str | None
    group: int | None
    as_list: bool
    is_async: bool
    priority: int
    delay: float | None
    duration: float | None
    extra: list[Any]


SPECS = st.builds(
    Spec,
    is_inline=st.sampled_from([False] * 6 + [True]),
    back=st.lists(st.integers(1, 12), max_size=4),
    transforms=st.lists(st.integers(0, 7), min_size=4, max_size=4),
    fails=st.sampled_from([0] * 30 + [1, 1, 1, 2, 2, 3, 99]),
    retries=st.sampled_from([None] * 8 + [0, 1, 5, 5]),
    cost=st.sampled_from(
        [{"cpu": 1}] * 8
        + [{}, {"cpu": 0.5}, {"cpu": 2}, {"cpu": 3}, {"gpu": 1}, {"gpu": 0.5}, {"gpu_memory": 5000}]
        + [{"cpu": 1, "gpu": 2}, [{"gpu": 1}, {"cpu": 2}]]
    ),
    place=st.sampled_from([None] * 12 + ["a", "b", "c", "zone"]),
    group=st.sampled_from([None] * 5 + [0, 1, 2]),
    as_list=st.sampled_from([False] * 5 + [True]),
    is_async=st.sampled_from([False] * 7 + [True]),
    priority=st.sampled_from([0] * 8 + [1, -1]),
    delay=st.sampled_from([None] * 15 + [0.5, 25]),
    duration=st.sampled_from([None] * 3 + [1, 5.5]),
    extra=st.sampled_from([[], [], [1], ["x", None]]),
)

OPTIONS = st.fixed_dictionaries(
    {
        "fail_fast": st.booleans(),
        "max_retries": st.sampled_from([3, 3, 3, 5, 1]),
        "max_concurrency": st.sampled_from([None, None, 1, 2, 5]),
        "result_ttl": st.sampled_from([0, 500]),
    }
)

TRANSFORMS = [
    (None, None), (None, None), (None, None), (None, None), (graph_tasks.pack, None), ((graph_tasks.pack, 1), None),
    (None, (graph_tasks.unpack, "x")), ((graph_tasks.pack, 1), graph_tasks.unpack),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A graph, how it is to run, and what decides about the way."""

    functions: Sequence[Function]
    options: Mapping[str, Any]
    seed: int

    @property
    def regular(self) -> dict[str, Function]:
        return {each.id: each for each in self.functions if each.type != "inline"}

    def takes(self, id: str) -> set[str]:
        """The regular functions whose results one takes, by inline ones too."""
        by_id = {each.id: each for each in self.functions}
        found, left = set(), [_id_of(argument) for argument in by_id[id].args]
        while left:
            source = by_id[left.pop()]
            if source.type == "inline":
                left += map(_id_of, source.args)
            else:
                found.add(source.id)
        return found

    def retries(self, id: str) -> int:
        own = self.regular[id].max_retries
        return int(self.options["max_retries"] if own is None else own)

    def groups(self) -> list[set[str]]:
        """Those that must share a node."""
        found: dict[str, set[str]] = {}
        for each in self.functions:
            if isinstance(each.node, Collocated):
                joined = found.get(each.id, {each.id}) | found.get(each.node.id, {each.node.id})
                found |= dict.fromkeys(joined, joined)
        return [set(group) for group in {frozenset(group) for group in found.values()}]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 90))
    if count > MOST:
        # Every third is small: only these can reserve all that they need at once.
        count = 1 + (count - MOST) // 3
    specs = draw(st.lists(SPECS, min_size=count, max_size=count))
    seed = draw(st.integers(0, 2**32))
    options: dict[str, Any] = dict(draw(OPTIONS))
    options["failure_ttl"] = options["result_ttl"]
    if count <= 10 and options["max_concurrency"] is None and draw(st.booleans()):
        options["reserve"] = "whole"
    functions = _functions(specs)
    if draw(st.booleans()):
        random.Random(seed).shuffle(functions)
    return Case(functions, options, seed)


def _functions(specs: Sequence[Spec]) -> list[Function]:
    functions: list[Function] = []
    groups: dict[int, list[Function]] = {}
    for i, spec in enumerate(specs):
        args = [
            _argument(functions[i - back].id, number)
            for back, number in zip(spec.back, spec.transforms, strict=False)
            if i >= back
        ]
        options: dict[str, Any] = {
            "code": graph_tasks.tell_later if spec.is_async else graph_tasks.tell,
            "extra_args": spec.extra,
            "kwargs": {"fails": spec.fails} if spec.fails else {},
            "argument_inclusion": "as_list" if spec.as_list else "variadic",
            "duration": spec.duration,
        }
        if spec.is_inline:
            functions.append(function(f"i{i}", *args, type="inline", **options))
            continue
        each = function(
            f"f{i}", *args, **options, **_place(spec), max_retries=spec.retries, priority=spec.priority,
            delay=spec.delay, cost=spec.cost,
        )  # fmt: skip
        members = groups.setdefault(spec.group, []) if spec.group is not None else []
        if spec.group is not None and _may_join(each, members):
            if members:
                each = replace(each, node=Collocated(members[-1].id))
            members.append(each)
        functions.append(each)
    return functions


def _place(spec: Spec) -> dict[str, Any]:
    if spec.place is None or not isinstance(spec.cost, dict) or any("gpu" in name for name in spec.cost):
        return {}
    return {"where": {"zone": "x"}} if spec.place == "zone" else {"node": spec.place}


def _may_join(each: Function, members: Sequence[Function]) -> bool:
    """Groups are such that any node could hold them; the first may be pinned."""
    costs = [other.cost for other in (*members, each)]
    if (
        each.where
        or (members and each.node)
        or not all(isinstance(cost, dict) and cost.keys() <= {"cpu"} for cost in costs)
    ):
        return False
    total = sum(cost.get("cpu", 0) for cost in costs if isinstance(cost, dict))
    return total <= ROOM_OF_A_GROUP["cpu"] and len(costs) <= ROOM_OF_A_GROUP["slots"]


def _argument(id: str, number: int) -> str | Argument:
    serialize, deserialize = TRANSFORMS[number]
    return Argument(id, serialize, deserialize) if serialize or deserialize else id


def _id_of(argument: str | Argument) -> str:
    return argument if isinstance(argument, str) else argument.id


# One after the other.


def evaluate(case: Case, nodes: Mapping[str, str]) -> dict[str, Any]:
    """What the functions in `nodes` return when they run there, each after those that it takes."""
    by_id = {each.id: each for each in case.functions}
    values: dict[str, Any] = {}

    def call(each: Function, node: str) -> Any:
        taken = []
        for argument in each.args:
            argument = Argument(argument) if isinstance(argument, str) else argument
            source = by_id[argument.id]
            at = node if source.type == "inline" else nodes[source.id]
            value = call(source, node) if source.type == "inline" else returned(source.id)
            value = _transformed(argument.serialize, value, at)
            taken.append(_transformed(argument.deserialize, value, at, node))
        first = [taken] if each.argument_inclusion == "as_list" else taken
        return graph_tasks.told(*first, *each.extra_args)

    def returned(id: str) -> Any:
        if id not in values:
            values[id] = call(by_id[id], nodes[id])
        return values[id]

    return {id: returned(id) for id in nodes}


def _transformed(transform: Any, value: Any, *nodes: str) -> Any:
    if transform is None:
        return value
    code, *static = transform if isinstance(transform, tuple) else (transform,)
    return code(value, *nodes, *static)


# On a cluster.


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
            return runs.look_run(self.site.store, self.run.id, self.run._instance).ended
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
            self.site.store.now_ms += 20_000
            self.renew()
            tick(self.site.store)
        elif away and does < 0.1:
            self.register(choose.choice(sorted(away)))
        elif self.lives and len(agents) > 1 and does < 0.02:
            self.lose(choose.choice(agents))
        elif does < 0.03 or (self.drained and does < 0.08):
            self.drain(choose.choice(sorted(self.drained or self.site.agents)))
        elif does < 0.15:
            self.site.store.now_ms += choose.choice([1, 300, 1000, 5000])
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
            self.site.store.now_ms += agent.lease_ms // 2
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


def expected_states(case: Case, drive: Drive) -> dict[str, str]:
    """Of a run that goes on after failures."""
    states: dict[str, str] = {}

    def state(id: str) -> str:
        if id not in states:
            if id in drive.failed:
                states[id] = "failed"
            elif any(state(source) != "finished" for source in case.takes(id)):
                states[id] = "canceled"
            else:
                states[id] = "finished"
        return states[id]

    return {id: state(id) for id in case.regular}


def check_outcome(case: Case, drive: Drive) -> None:
    """As if all had run one after the other."""
    run, failed = drive.run, drive.failed
    values = evaluate(case, drive.nodes)
    if not case.options["fail_fast"]:
        expected = expected_states(case, drive)
        assert {id for id, state in expected.items() if state == "finished"} == drive.nodes.keys()
    elif not failed:
        assert drive.nodes.keys() == case.regular.keys()
    if case.options["result_ttl"] == 0:
        with pytest.raises(UnknownRun):
            _ = run.status
        return
    states = drive.site.states(run)
    assert run.status == ("failed" if failed else "finished")
    assert {id for id, state in states.items() if state == "finished"} == drive.nodes.keys()
    assert set(states.values()) <= {"finished", "failed", "canceled"}
    if not case.options["fail_fast"]:
        assert states == expected
    partial = run.result(1, partial=True)
    assert partial.results == values
    assert {id: partial.allocations[id] for id in drive.nodes} == drive.nodes
    assert partial.errors.keys() == case.regular.keys() - drive.nodes.keys()
    for id, error in partial.errors.items():
        assert isinstance(error, FunctionCanceled) == (states[id] == "canceled"), (id, error)
    if not failed:
        assert run.result(1).results == values
    else:
        with pytest.raises(type(partial.errors[failed[0]])) as raised:
            run.result(1)
        assert str(raised.value) == str(partial.errors[failed[0]])


# The way there.


@dataclass
class Replay:
    """Goes through what happened, and never finds more held than there is."""

    case: Case
    ids: Mapping[str, str]  #: of jobs -> of functions
    limit: int | None
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    devices: Counter[tuple[str, str]] = field(default_factory=Counter)
    finished: set[str] = field(default_factory=set)
    chosen: dict[frozenset[str], str] = field(default_factory=dict)

    def all(self, events: Iterable[Mapping[str, str]]) -> None:
        groups = {id: frozenset(group) for group in self.case.groups() for id in group}
        takes = {id: self.case.takes(id) for id in self.case.regular}
        for event in events:
            id = self.ids.get(event.get("id", "").rpartition(":")[0], "")
            match event["event"]:
                case "reserved":
                    self.hold(event, 1)
                    self.check_place(id, event["node"], groups.get(id))
                case "released":
                    self.hold(event, -1)
                    if event["outcome"] == "finished":
                        self.finished.add(id)
                    elif event["outcome"] == "undone" and id in groups:
                        # It fitted there, and another of its group did not.
                        self.chosen.pop(groups[id], None)
                case "started":
                    assert takes[id] <= self.finished, (id, takes[id] - self.finished)
                case "node" if event["change"] in ("lost", "draining"):
                    self.chosen = {group: node for group, node in self.chosen.items() if node != event["node"]}
        assert not +self.used
        assert not +self.devices

    def hold(self, event: Mapping[str, str], sign: int) -> None:
        node = event["node"]
        for name, units in read_cost(event["cost"]).items():
            place = SHARED if name.startswith("run.") else node
            self.used[place, name] += sign * units
            has = self.limit * UNIT if self.limit and place == SHARED else _CAPACITIES.get((place, name))
            assert self.used[place, name] >= 0, event
            assert has is None or self.used[place, name] <= has, event
        for part in filter(None, event["devices"].split(";")):
            name, _, entries = part.partition(":")
            for index, _, amount in (entry.partition("=") for entry in entries.split(",")):
                is_memory = amount.endswith("m")
                device = (node, f"{name}{index}{'m' if is_memory else ''}")
                self.devices[device] += sign * int(amount.removesuffix("m"))
                assert 0 <= self.devices[device] <= (8000 * UNIT if is_memory else UNIT), event

    def check_place(self, id: str, node: str, group: frozenset[str] | None) -> None:
        each = self.case.regular[id]
        if isinstance(each.node, str):
            assert node == each.node, (id, node)
        if each.where:
            assert node == "b", (id, node)
        if group is not None:
            assert self.chosen.setdefault(group, node) == node, (id, node, group)


_CAPACITIES = {
    (name, resource): units
    for name, has in NODES.items()
    for resource, units in parse_capabilities(
        {key: value for key, value in has.items() if key not in ("labels", "device_memory")}, has.get("device_memory")
    ).units.items()
}


def check(connection: redis.Redis, case: Case) -> None:
    connection.flushdb()
    with Cluster(connection=connection, namespace=f"r{uuid.uuid4().hex[:8]}") as cluster, Child(connection) as child:
        site = Site(cluster)
        for name, has in NODES.items():
            site.node(name, **has)
        before = site.traces()
        try:
            run = site.submit(*case.functions, **case.options)
        except ResourcesUnavailable:
            assert case.options["reserve"] == "whole"
            site.housekeep()
            site.assert_traces(before)
            return
        drive = Drive(site, child, case, run)
        ids = {run_job_id(run._instance, number): id for number, id in drive.numbers.items()}
        drive.to_the_end()
        site.housekeep()
        check_outcome(case, drive)
        Replay(case, ids, case.options["max_concurrency"]).all(site.events())
        assert_nothing_held(site.store)
        if case.options["result_ttl"] == 0:
            for name in sorted(NODES.keys() - site.agents.keys()):
                drive.register(name)
            for name in sorted(drive.drained):
                drive.drain(name)
            site.assert_traces(before)


@pytest.mark.timeout(7200 if THOROUGH else 120)
def test_a_random_graph_comes_out_as_if_its_functions_had_run_one_after_the_other(database: redis.Redis) -> None:
    @settings(
        # The same graphs every time, but where one asks for a search.
        derandomize=not THOROUGH,
        max_examples=2000 if THOROUGH else 12 if isinstance(database, fakeredis.FakeRedis) else 60,
        # To shrink takes minutes, and hardly makes it simpler: every step of the way there becomes another.
        phases=list(Phase) if THOROUGH else [Phase.explicit, Phase.generate],
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def prove(case: Case) -> None:
        check(database, case)

    prove()
