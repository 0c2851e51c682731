"""Eight processes on one real server at once, for twenty seconds; in the end every unit is accounted for.

Nobody waits for anybody: clients submit and cancel, others claim with and without a ttl, agents take, finish, fail,
fall silent and come back, and one changes capacities, takes nodes away and makes the server forget its scripts. What
happened is read from the stream of events meanwhile, and played again.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from handoff import work
from handoff.cluster import Cluster
from handoff.embedded import RedisServer
from handoff.errors import NodeIsLeased, ResourcesUnavailable, UnknownNode
from handoff.function import Collocated, Function
from handoff.nodes import read_nodes
from handoff.reservation import Reservation
from handoff.resources import UNIT
from handoff.shape import parse_cost_text
from support import need_redis_server
from support.agent import FakeAgent, NameTaken, Result, Stale, failure, killed, ok
from support.books import assert_nothing_held, check_books, read_ledger

SECONDS = 20.0
LEASE_MS = 1000
GIVE_UP_AFTER_S = 60.0

NAMESPACE = "hammer"
NODES = ["a", "b", "c", "s", "t"]
COSTS: list[dict[str, float]] = [
    {"cpu": 1}, {"cpu": 0.5}, {"cpu": 2}, {"cpu": 0.1}, {}, {"gpu": 0.25}, {"gpu": 0.7}, {"gpu": 1},
    {"gpu": 2, "cpu": 1}, {"memory": 100}, {"memory": 700, "cpu": 1},
]  # fmt: skip
CAPABILITIES: list[dict[str, Any]] = [
    {"cpu": 4, "gpu": 2, "memory": 1000, "slots": 6}, {"cpu": 2, "slots": 3}, {"cpu": 1.5, "gpu": [0, 3], "slots": 4},
    {"cpu": 8, "gpu": [1], "memory": 800, "slots": 2},
]  # fmt: skip


# The eight. Each is a generator of steps without end.


def client(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    """Submits, and cancels much of what it submitted."""
    recent: list[str] = []
    while True:
        handle = cluster.enqueue(
            "module:f",
            cost=chance.choice(COSTS),
            node=chance.choice([*[None] * 12, *NODES]),
            priority=chance.randint(-2, 2),
            max_retries=chance.randint(0, 2),
        )
        recent.append(handle.id)
        if len(recent) > 20:
            work.cancel(cluster.store, recent.pop(chance.randrange(20)))
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
                functions = [Function("f0", "module:f", cost=chance.choice(COSTS))] + [
                    Function(f"f{number}", "module:f", cost=chance.choice(COSTS), node=chance.choice(places))
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
            me = FakeAgent(cluster.store, name, chance.choice(CAPABILITIES), lease_ms=LEASE_MS).register()
            yield from serve(cluster, chance, me)
        yield


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
                me.capabilities = chance.choice(CAPABILITIES)
                me.register()
            case 10 | 11:
                me.quiet()
                yield
                me.quiet(False)
            case number if number < 100:
                work.tick(cluster.store)
        yield


def _result(chance: random.Random, id: str, is_stopped: bool) -> Result:
    if is_stopped:
        return killed(id)
    return ok(id, 1) if chance.random() < 0.7 else failure(id, retryable=chance.random() < 0.8)


def disturber(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    while True:
        cluster.connection.script_flush()
        with suppress(NodeIsLeased, UnknownNode):
            if chance.random() < 0.1:
                cluster.deregister_node(chance.choice(["c", "t", "t"]))
            else:
                cluster.register_node(chance.choice(["c", "s", "s", "t"]), chance.choice(CAPABILITIES))
        time.sleep(0.02)
        yield


def run(role: Callable[..., Iterator[None]], url: str, seed: int, *names: str) -> None:
    """Take one part until the time is over."""
    until_s = time.monotonic() + SECONDS
    with Cluster(url, namespace=NAMESPACE) as cluster:
        for _ in role(cluster, random.Random(seed), *names):
            if time.monotonic() > until_s:
                return
            # The one that reads along has a fair share of the processor too.
            time.sleep(0.001)


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
    """One node, by what the events say."""

    is_up: bool = False
    units: Counter[str] = field(default_factory=Counter)
    indices: dict[str, set[str]] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)

    def hold(self, event: dict[str, str], sign: int) -> None:
        for name, units in parse_cost_text(event["cost"]).items():
            self.used[name] += sign * units
        for part in filter(None, event["devices"].split(";")):
            name, _, entries = part.partition(":")
            for index, _, units_text in (entry.partition("=") for entry in entries.split(",")):
                self.shares[name, index] += sign * int(units_text)

    def check_capacity(self, event: dict[str, str]) -> None:
        assert self.is_up, event
        for name, units in self.used.items():
            assert 0 <= units <= self.units[name], (event, self)
        for (name, index), units in self.shares.items():
            assert 0 <= units <= (UNIT if index in self.indices.get(name, ()) else 0), (event, self)


class Replay:
    """Plays the events again. What holds at every one of them is checked there."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.held: dict[str, dict[str, str]] = {}  #: reservation -> the event that made it
        self.starts: Counter[str] = Counter()  #: by job
        self.outcomes: Counter[str] = Counter()
        self._reserved: set[str] = set()

    def play(self, events: list[dict[str, str]]) -> None:
        for event in events:
            match event["event"]:
                case "node":
                    self._change(event)
                case "reserved":
                    self._reserve(event)
                case "released":
                    self._release(event)
                case "started":
                    assert self.held[event["id"]]["node"] == event["node"], event
                    self.starts[event["id"].rpartition(":")[0]] += 1

    def _change(self, event: dict[str, str]) -> None:
        node = self.nodes.setdefault(event["node"], Node())
        node.is_up = event["change"] == "registered"
        if node.is_up:
            node.units = Counter(parse_cost_text(event["units"]))
            parts = (part.partition(":") for part in event["devices"].split(";") if part)
            node.indices = {name: set(indices.split(",")) for name, _, indices in parts}

    def _reserve(self, event: dict[str, str]) -> None:
        id = event["id"]
        assert id not in self.held, event
        # A claim may be tried on one node and made on another, under one id; a function never is.
        assert id.startswith("~") or id not in self._reserved, event
        self._reserved.add(id)
        self.held[id] = event
        node = self.nodes[event["node"]]
        node.hold(event, 1)
        node.check_capacity(event)

    def _release(self, event: dict[str, str]) -> None:
        reserved = self.held.pop(event["id"])
        for name in ("node", "cost", "devices"):
            assert event[name] == reserved[name], (event, reserved)
        self.nodes[event["node"]].hold(event, -1)
        self.outcomes[event["outcome"]] += 1


def drain(cluster: Cluster) -> None:
    """End all that is left: nodes, and the functions that wait."""
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
            assert work.cancel(cluster.store, id)
    tick_until_quiet(cluster)


def tick_until_quiet(cluster: Cluster) -> None:
    while cluster.store.run("tick", room=0, token="quiet", lost_text="") == ["busy"] or _is_left(cluster):
        continue


def _is_left(cluster: Cluster) -> bool:
    keys = cluster.store.keys
    return bool(cluster.connection.exists(keys("abandoned"), keys("dirty")))


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_after_twenty_seconds_of_eight_processes_every_unit_is_accounted_for() -> None:
    need_redis_server()
    spawn = multiprocessing.get_context("spawn")
    parts: list[tuple[Any, ...]] = [
        (client,), (client,), (claimant,), (claimant,), (agent, "a"), (agent, "b"), (agent, "c"), (disturber,)
    ]  # fmt: skip
    with RedisServer() as server, Cluster(server.url, namespace=NAMESPACE) as cluster:
        processes: list[BaseProcess] = [
            spawn.Process(target=run, args=(role, server.url, seed, *names), daemon=True)
            for seed, (role, *names) in enumerate(parts)
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
        assert [process.exitcode for process in processes] == [0] * 8
        while follower.read():
            continue

        drain(cluster)

        check_books(cluster.store)
        assert_nothing_held(cluster.store)
        while follower.read():
            continue
        replay = Replay()
        replay.play(follower.events)
        assert replay.held == {}
        assert all(not any(node.used.values()) and not any(node.shares.values()) for node in replay.nodes.values())
        jobs = read_ledger(cluster.store).jobs
        assert {id: int(job["h_attempts"]) for id, job in jobs.items() if "h_attempts" in job} == dict(replay.starts)
        assert {job["status"] for job in jobs.values()} == {"finished", "failed", "canceled"}
        # Else it was no hammer.
        assert {
            "finished",
            "failed",
            "stopped",
            "lost",
            "canceled",
            "expired",
            "released",
            "undone",
        } <= replay.outcomes.keys()
        print(len(follower.events), replay.outcomes, len(jobs))
        assert len(follower.events) > 5000
