"""Sixteen processes on one real server at once, for a minute; in the end every unit is accounted for.

Nobody waits for anybody: clients submit and cancel, others cancel what just starts or ends, claim with and without a
ttl and ask why something waits; agents take, finish, fail, fall silent and come back; and some change capacities,
labels and what is shared, drain nodes, take them away and make the server forget its scripts. What happened is read
from the stream of events meanwhile, and played again.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.errors import Infeasible, NodeIsLeased, ResourcesUnavailable, UnknownNode
from handoff.ledger import functions as work
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import SHARED, read_nodes
from handoff.ledger.result_entry import ENDING_TEXTS
from handoff.ledger.texts.cost import read_cost
from handoff.local.server import RedisServer
from handoff.words.constraints import Not
from handoff.words.function import Collocated, Function
from handoff.words.resources import UNIT, device_of
from handoff.words.variants import After
from support import need_redis_server
from support.agent import FakeAgent, NameTaken, Result, Stale, failure, killed, ok
from support.books import assert_nothing_held, check_books, read_ledger

SECONDS = 60.0
LEASE_MS = 1000
GIVE_UP_AFTER_S = 60.0
STEP_S = 0.005

NAMESPACE = "hammer"
LEASED = ["a", "b", "d", "e"]
STATIC = ["s", "t"]
BOTH = "c"  #: an agent's now and static then
NODES = [*LEASED, BOTH, *STATIC]
TOKENS = ["license", "seat"]

COSTS: list[dict[str, float]] = [
    {"cpu": 1}, {"cpu": 0.5}, {"cpu": 2}, {"cpu": 0.1}, {}, {"gpu": 0.25}, {"gpu": 0.7}, {"gpu": 1},
    {"gpu": 2, "cpu": 1}, {"memory": 100}, {"memory": 700, "cpu": 1}, {"cpu": 8}, {"gpu_memory": 6},
    {"gpu_memory": 15, "cpu": 0.5}, {"gpu_memory": 20}, {"license": 1}, {"license": 2, "cpu": 1},
    {"license": 1, "seat": 0.5, "gpu": 0.5},
]  # fmt: skip
SEVERAL: list[Any] = [
    *COSTS,
    [{"gpu": 1}, {"cpu": 4}],
    [{"gpu": 2}, After(0.2, {"cpu": 1})],
    [{"license": 3}, After(0.5, {"gpu_memory": 10}), After(1, {"cpu": 0.5})],
    [After(0.3, {"cpu": 1})],
]
WHERE: list[Any] = [
    *[None] * 6, {"zone": "north"}, {"zone": ["north", "south"]}, {"tier": Not("spot")}, {"node": Not(["a", "s"])},
]  # fmt: skip
ON_INFEASIBLE: list[Any] = [*["wait"] * 8, "raise", 0.3]
LABELS: list[dict[str, str]] = [{}, {"zone": "north"}, {"zone": "south", "tier": "spot"}, {"tier": "paid"}]


@dataclass(frozen=True)
class Machine:
    """What a node may have."""

    capabilities: dict[str, Any]
    device_memory: dict[str, Any] | None = None


MACHINES = [
    Machine({"cpu": 4, "gpu": 2, "memory": 1000, "slots": 6}, {"gpu": 24}),
    Machine({"cpu": 2, "slots": 3}),
    Machine({"cpu": 1.5, "gpu": [0, 3], "slots": 4}, {"gpu": [16, 32]}),
    Machine({"cpu": 8, "gpu": [1], "memory": 800, "slots": 2}),
    Machine({"cpu": 8, "gpu_memory": 24, "slots": 8}),
]


# The sixteen. Each is a generator of steps without end.


def client(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    """Submits, and cancels much of what it submitted."""
    recent: list[str] = []
    while True:
        # Refused, it was never submitted.
        with suppress(Infeasible):
            handle = cluster.enqueue(
                "module:f",
                cost=chance.choice(SEVERAL),
                node=chance.choice([*[None] * 12, *NODES]),
                where=chance.choice(WHERE),
                priority=chance.randint(-2, 2),
                max_retries=chance.randint(0, 2),
                strategy=chance.choice([None, "load_balanced"]),
                delay=chance.choice([*[None] * 9, 0.05, 0.5]),
                wait_ttl=chance.choice([*[None] * 6, 0.2, 1]),
                on_infeasible=chance.choice(ON_INFEASIBLE),
            )
            cluster.connection.sadd("submitted", handle.id)
            recent.append(handle.id)
        if len(recent) > 20:
            cancel(cluster, recent.pop(chance.randrange(20)))
        yield


def racer(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    """Cancels what was just placed, started or ended."""
    stream = cluster.store.keys("events")
    connection: Any = cluster.connection
    while True:
        for _, event in connection.xrevrange(stream, count=5):
            id = event.get(b"id", b"~").decode()
            if not id.startswith("~") and chance.random() < 0.2:
                cancel(cluster, id.rpartition(":")[0])
        yield


def cancel(cluster: Cluster, id: str) -> None:
    """Whoever is told that it decided, writes so down."""
    if work.cancel(cluster.store, id):
        cluster.connection.hincrby("decided", id, 1)


def asker(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    """Asks of functions why they stand as they do, and ticks as clients do that wait."""
    connection: Any = cluster.connection
    while True:
        id = connection.srandmember("submitted")
        if id is not None:
            json.dumps(cluster.handle(id.decode()).explain().to_dict())
        if chance.random() < 0.1:
            tick(cluster.store)
        yield


def claimant(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    """Claims by name and wherever there is room, lets some end by themselves, and releases some twice."""
    held: list[Reservation] = []
    while True:
        with suppress(ResourcesUnavailable, UnknownNode):
            if chance.random() < 0.5:
                ttl = chance.choice([None, 0.05, 0.3, 1])
                held.append(cluster.tracker.request(chance.choice(NODES), chance.choice(COSTS), ttl=ttl))
            else:
                places = [None, None, "s", Collocated("f0")]
                functions = [Function("f0", "module:f", cost=chance.choice(SEVERAL), where=chance.choice(WHERE))] + [
                    Function(f"f{number}", "module:f", cost=chance.choice(SEVERAL), node=chance.choice(places))
                    for number in range(1, chance.randint(1, 3))
                ]
                held.extend(cluster.tracker.allocate_and_claim(functions).values())
        while held and (len(held) > 6 or chance.random() < 0.4):
            reservation = held.pop(chance.randrange(len(held)))
            cluster.tracker.release(reservation)
            if chance.random() < 0.1:
                assert not cluster.tracker.release(reservation)
        yield


def agent(cluster: Cluster, chance: random.Random, name: str) -> Iterator[None]:
    """Life after life on one node."""
    while True:
        with suppress(NameTaken, Stale):
            me = FakeAgent(cluster.store, name, {}, lease_ms=LEASE_MS)
            become(me, chance)
            yield from serve(cluster, chance, me)
        yield


def become(me: FakeAgent, chance: random.Random) -> None:
    machine = chance.choice(MACHINES)
    me.capabilities, me.device_memory = machine.capabilities, machine.device_memory
    me.labels = chance.choice(LABELS)
    me.register()


def serve(cluster: Cluster, chance: random.Random, me: FakeAgent) -> Iterator[None]:
    beat_at_s = 0.0
    stops: set[str] = set()
    while True:
        if time.monotonic() >= beat_at_s:
            stops.update(me.beat())
            beat_at_s = time.monotonic() + LEASE_MS / 4000
        results = [_result(chance, id, id in stops) for id in me.runs if chance.random() < 0.3]
        slots: Any = me.capabilities["slots"]
        me.finish(*results, room=slots - len(me.runs) + len(results))
        match chance.randrange(1000):
            case 0 | 1:
                # Its children are lost with it, or so it seems: it comes back with an epoch that has passed.
                time.sleep(1.5 * LEASE_MS / 1000)
            case 2 | 3:
                me.goodbye()
                return
            case 4 | 5 | 6:
                return
            case 7 | 8 | 9:
                become(me, chance)
            case 10 | 11:
                me.quiet()
                yield
                me.quiet(False)
            case number if number < 100:
                tick(cluster.store)
        yield


def _result(chance: random.Random, id: str, is_stopped: bool) -> Result:
    if is_stopped and chance.random() < 0.7:
        return killed(id)
    return ok(id, 1) if chance.random() < 0.7 else failure(id, retryable=chance.random() < 0.8)


def disturber(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    while True:
        cluster.connection.script_flush()
        with suppress(NodeIsLeased, UnknownNode):
            if chance.random() < 0.1:
                cluster.deregister_node(chance.choice([BOTH, "t", "t"]))
            else:
                machine = chance.choice(MACHINES)
                name, labels = chance.choice([BOTH, "s", "s", "t"]), chance.choice(LABELS)
                cluster.register_node(name, machine.capabilities, labels, machine.device_memory)
        time.sleep(0.1)
        yield


def drainer(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    """Drains a node for a moment, and changes what all share."""
    while True:
        name = chance.choice(NODES)
        with suppress(UnknownNode):
            cluster.drain(name, chance.choice([None, None, 0.05, 1]))
        time.sleep(chance.choice([0.02, 0.2]))
        with suppress(UnknownNode):
            cluster.undrain(name)
        if chance.random() < 0.3:
            cluster.share({chance.choice(TOKENS): chance.choice([0, 0.5, 1, 3, 5])})
        yield


PARTS: list[tuple[Any, ...]] = [
    (client,), (client,), (client,), (racer,), (racer,), (asker,), (claimant,), (claimant,), (disturber,), (drainer,),
    *((agent, name) for name in [*LEASED, BOTH, BOTH]),
]  # fmt: skip


def run(role: Callable[..., Iterator[None]], url: str, seed: int, *names: str) -> None:
    """Take one part until the time is over."""
    until_s = time.monotonic() + SECONDS
    with Cluster(url, namespace=NAMESPACE) as cluster:
        for _ in role(cluster, random.Random(seed), *names):
            if time.monotonic() > until_s:
                return
            # The one that reads along has a fair share of the processor too.
            time.sleep(STEP_S)


# What is made of the events.


class Follower:
    """Reads the stream from its beginning, at least as fast as the server forgets it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._last = b"0-0"
        self.events: list[dict[str, str]] = []

    def read(self) -> int:
        """-> how many events were new"""
        found = self._cluster.events(self._last, block_s=0.05)
        stream = self._cluster.store.keys("events")
        client: Any = self._cluster.connection
        first = client.xrange(stream, count=1)
        if self._last != b"0-0":
            assert _order(first[0][0]) <= _order(self._last), "the stream was cut before it was read"
        self.events += (event for _, event in found)
        self._last = found[-1][0] if found else self._last
        return len(found)


def _order(id: bytes) -> tuple[int, ...]:
    return tuple(map(int, id.split(b"-")))


@dataclass
class Node:
    """One node, or what all share, by what the events say."""

    is_up: bool = False
    is_draining: bool = False
    units: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)  #: device resource -> index -> memory
    used: Counter[str] = field(default_factory=Counter)
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)
    memory: Counter[tuple[str, str]] = field(default_factory=Counter)
    hold: tuple[str, set[str]] | None = None  #: the job that it is held for, and what is left to it

    def change(self, event: dict[str, str]) -> None:
        match event["change"]:
            case "draining" | "undrained" as change:
                self.is_draining = change == "draining"
                return
            case "deregistered":
                # It may be undrained while it is away, and nothing is said of that.
                self.is_draining = False
        self.is_up = event["change"] == "registered"
        if self.is_up:
            self.units = Counter(read_cost(event["units"]))
            parts = (part.partition(":") for part in event["devices"].split(";") if part)
            self.sizes = {name: dict(map(_size, entries.split(","))) for name, _, entries in parts}

    def take(self, cost: dict[str, int], devices: str, sign: int) -> None:
        for name, units in cost.items():
            self.used[name] += sign * units
        for part in filter(None, devices.split(";")):
            name, _, entries = part.partition(":")
            for index, _, text in (entry.partition("=") for entry in entries.split(",")):
                taken = self.memory if text.endswith("m") else self.shares
                taken[name, index] += sign * int(text.removesuffix("m"))

    def check_capacity(self, event: dict[str, str]) -> None:
        assert self.is_up, event
        assert not self.is_draining, event
        for name, units in self.used.items():
            assert 0 <= units <= self.units[name], (event, self)
        for (name, index), units in self.shares.items():
            assert 0 <= units <= (UNIT if index in self.sizes.get(name, ()) else 0), (event, self)
        for (name, index), units in self.memory.items():
            assert 0 <= units <= self.sizes.get(name, {}).get(index, 0), (event, self)
            assert not (units and self.shares[name, index]), (event, self)

    def is_idle(self) -> bool:
        return not any([*self.used.values(), *self.shares.values(), *self.memory.values()])


def _size(entry: str) -> tuple[str, int]:
    index, _, size = entry.partition("/")
    return index, int(size or 0)


@dataclass(frozen=True)
class Held:
    """The event that made a reservation, and what of its cost was shared then."""

    event: dict[str, str]
    shared: dict[str, int]
    rest: dict[str, int]


class Replay:
    """Plays the events again. What holds at every one of them is checked there."""

    def __init__(self, ranks: dict[str, int]) -> None:
        self.nodes: dict[str, Node] = {}
        self.tokens = Node()
        self.held: dict[str, Held] = {}  #: by reservation
        self.starts: Counter[str] = Counter()  #: by job
        self.ends: dict[str, list[str]] = defaultdict(list)  #: job -> the outcomes of its reservations, in order
        self.outcomes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self._ranks = ranks
        self._reserved: set[str] = set()

    def play(self, events: list[dict[str, str]]) -> None:
        for event in events:
            self.kinds[event["event"]] += 1
            match event["event"]:
                case "node":
                    self.nodes.setdefault(event["node"], Node()).change(event)
                case "shared":
                    self.tokens.units = Counter({**self.tokens.units, **read_cost(event["amounts"])})
                case "held":
                    self._of(event["node"]).hold = event["job"], set(event["lacks"].split(","))
                case "unheld":
                    self._of(event["node"]).hold = None
                case "reserved":
                    self._reserve(event)
                case "released":
                    self._release(event)
                case "started":
                    assert self.held[event["id"]].event["node"] == event["node"], event
                    self.starts[event["id"].rpartition(":")[0]] += 1

    def _of(self, name: str) -> Node:
        return self.tokens if name == SHARED else self.nodes[name]

    def _reserve(self, event: dict[str, str]) -> None:
        id = event["id"]
        assert id not in self.held, event
        # A claim may be tried on one node and made on another, under one id; a function never is.
        assert id.startswith("~") or id not in self._reserved, event
        self._reserved.add(id)
        cost = read_cost(event["cost"])
        shared = {name: units for name, units in cost.items() if self.tokens.units[name]}
        rest = {name: units for name, units in cost.items() if name not in shared}
        self.held[id] = Held(event, shared, rest)
        node = self.nodes[event["node"]]
        node.take(rest, event["devices"], 1)
        node.check_capacity(event)
        self.tokens.take(shared, "", 1)
        for name in shared:
            assert 0 <= self.tokens.used[name] <= self.tokens.units[name], (event, self.tokens)
        self._check_promise(event, node, rest)
        self._check_promise(event, self.tokens, shared)

    def _check_promise(self, event: dict[str, str], node: Node, cost: dict[str, int]) -> None:
        """What is held for a function is not given to who comes after it."""
        if node.hold is None:
            return
        holder, lacks = node.hold
        if not lacks.isdisjoint(device_of(name) or name for name in cost):
            rank = self._ranks.get(event["id"].rpartition(":")[0])
            assert rank is not None, (event, node)
            assert rank <= self._ranks[holder], (event, node)

    def _release(self, event: dict[str, str]) -> None:
        held = self.held.pop(event["id"])
        for name in ("node", "devices"):
            assert event[name] == held.event[name], (event, held)
        assert read_cost(event["cost"]) == held.shared | held.rest, (event, held)
        self.nodes[event["node"]].take(held.rest, event["devices"], -1)
        self.tokens.take(held.shared, "", -1)
        self.outcomes[event["outcome"]] += 1
        if not event["id"].startswith("~"):
            self.ends[event["id"].rpartition(":")[0]].append(event["outcome"])


def empty(cluster: Cluster) -> None:
    """End all that is left: nodes, tokens, and the functions that wait."""
    give_up_at_s = time.monotonic() + GIVE_UP_AFTER_S
    while any(node.live and node.kind == "leased" for node in read_nodes(cluster.store)):
        assert time.monotonic() < give_up_at_s
        time.sleep(LEASE_MS / 10_000)
    tick_until_quiet(cluster)
    check_books(cluster.store)
    for node in read_nodes(cluster.store):
        cluster.deregister_node(node.name)
    tick_until_quiet(cluster)
    check_books(cluster.store)
    for id, job in read_ledger(cluster.store).jobs.items():
        if job["status"] == "deferred":
            cancel(cluster, id)
    cluster.share(dict.fromkeys(TOKENS, 0))
    tick_until_quiet(cluster)


def tick_until_quiet(cluster: Cluster) -> None:
    while cluster.store.run("tick", room=0, token="quiet", **ENDING_TEXTS) == ["busy"] or _is_left(cluster):
        continue


def _is_left(cluster: Cluster) -> bool:
    keys = cluster.store.keys
    return bool(cluster.connection.exists(keys("abandoned"), keys("dirty")))


def check_outcomes(cluster: Cluster, replay: Replay) -> None:
    """Every function that was submitted ended once, in one way, and whoever was told to have canceled it did."""
    connection: Any = cluster.connection
    ledger = read_ledger(cluster.store)
    assert ledger.jobs.keys() == {id.decode() for id in connection.smembers("submitted")}
    for id, job in ledger.jobs.items():
        ends = replay.ends[id]
        # One entry for each end.
        assert ledger.rq[f"results:{id}"] == 1, (id, job, ends)
        assert job["status"] in ("finished", "failed", "canceled"), (id, job, ends)
        assert (job["status"] == "finished") <= (ends[-1:] == ["finished"]), (id, job, ends)
        # The result of what was canceled while it ran is dropped.
        assert ends.count("finished") <= (job["status"] != "failed"), (id, job, ends)
    decided = {id.decode(): int(count) for id, count in connection.hgetall("decided").items()}
    assert decided == {id: 1 for id, job in ledger.jobs.items() if job["status"] == "canceled"}
    attempts = {id: int(job["h_attempts"]) for id, job in ledger.jobs.items() if "h_attempts" in job}
    assert attempts == dict(replay.starts)


def check_that_it_was_a_hammer(cluster: Cluster, replay: Replay) -> None:
    jobs = read_ledger(cluster.store).jobs
    assert {
        "finished", "failed", "stopped", "lost", "canceled", "expired", "released", "undone", "handed back",
    } <= replay.outcomes.keys()  # fmt: skip
    assert {"delayed", "held", "infeasible", "shared", "unheld", "waiting"} <= replay.kinds.keys()
    errors = {job.get("h_error", "").rpartition(".")[2] for job in jobs.values()}
    assert {"Infeasible", "ValueError", "WaitExpired"} <= errors
    assert {"0", "1"} <= {job.get("h_variant", "") for job in jobs.values()}
    assert any(job["status"] == "canceled" and replay.ends[id][-1:] == ["finished"] for id, job in jobs.items())
    assert sum(replay.kinds.values()) > 10_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_a_minute_of_sixteen_processes_every_unit_is_accounted_for() -> None:
    need_redis_server()
    spawn = multiprocessing.get_context("spawn")
    with RedisServer() as server, Cluster(server.url, namespace=NAMESPACE) as cluster:
        cluster.share(dict.fromkeys(TOKENS, 3))
        cluster.limit_overtaking(count=20, seconds=1)
        processes: list[BaseProcess] = [
            spawn.Process(target=run, args=(role, server.url, seed, *names), daemon=True)
            for seed, (role, *names) in enumerate(PARTS)
        ]
        follower = Follower(cluster)
        try:
            for process in processes:
                process.start()
            while any(process.is_alive() for process in processes):
                follower.read()
        finally:
            for process in processes:
                process.kill()
                process.join()
        assert [process.exitcode for process in processes] == [0] * 16
        while follower.read():
            continue

        empty(cluster)

        check_books(cluster.store)
        assert_nothing_held(cluster.store)
        assert not any(read_ledger(cluster.store).shared.used.values())
        while follower.read():
            continue
        replay = Replay({id: int(job["h_rank"]) for id, job in read_ledger(cluster.store).jobs.items()})
        replay.play(follower.events)
        assert replay.held == {}
        assert all(node.is_idle() for node in [*replay.nodes.values(), replay.tokens])
        check_outcomes(cluster, replay)
        check_that_it_was_a_hammer(cluster, replay)
