"""Who plays: clients, agents and those that disturb them, each a generator of steps without end.

Nobody waits for anybody.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any

from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.doctor.examine import examine
from handoff.errors import Infeasible, NodeIsLeased, ResourcesUnavailable, UnknownNode
from handoff.ledger import functions
from handoff.ledger.housekeeping import tick
from handoff.words.constraints import Not
from handoff.words.function import Collocated, Function
from handoff.words.variants import After
from support.agent import FakeAgent, NameTaken, Result, Stale, failure, killed, ok

LEASE_MS = 1000
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
    if functions.cancel(cluster.store, id):
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


def doctor(cluster: Cluster, chance: random.Random) -> Iterator[None]:
    """Looks at everything, again and again; whatever it finds is wrong, for nobody plays with rq's tools."""
    while True:
        for violation in examine(cluster.store, patience_s=0):
            cluster.connection.sadd("violations", str(violation))
        cluster.connection.incr("examinations")
        yield


PARTS: list[tuple[Any, ...]] = [
    (client,), (client,), (client,), (racer,), (racer,), (asker,), (claimant,), (claimant,), (disturber,), (drainer,),
    (doctor,),
    *((agent, name) for name in [*LEASED, BOTH, BOTH]),
]  # fmt: skip


def run(role: Callable[..., Iterator[None]], url: str, seed: int, is_over: Event, *names: str) -> None:
    """Take one part until it is over."""
    with Cluster(url, namespace=NAMESPACE) as cluster:
        for _ in role(cluster, random.Random(seed), *names):
            if is_over.is_set():
                return
            # The one that reads along has a fair share of the processor too.
            time.sleep(STEP_S)
