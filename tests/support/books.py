"""The invariants of the ledger, checked against everything that is in Redis.

Reads the keys themselves and none of the scripts' words for them, so that a script that is wrong cannot vouch for
itself. Meant for moments at which nobody writes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis

from handoff.keys import prefix
from handoff.nodes import Node, read_nodes
from handoff.resources import SLOTS, UNIT, Units
from handoff.shape import parse_cost_text
from handoff.store import Store

_JOB_RESERVATION = re.compile(r"([A-Za-z0-9_-]+):(\d+)")

_KINDS_OF_OWN = frozenset(
    {
        "nodes", "node", "leases", "lost", "held", "running", "abandoned", "epoch", "live", "open", "planes", "plane",
        "order", "shapes", "shape", "heads", "need", "delayed", "callbacks", "dirty", "claims", "claim_ends",
        "released", "gone", "handed", "past", "events", "tick", "sweep", "prune",
    }
)  # fmt: skip
"""What may be found between two scripts; `scratch` lives within one."""


@dataclass(frozen=True)
class Held:
    """One record of `held`."""

    epoch: str
    cost: Units
    devices: dict[tuple[str, int], int]  #: resource and index -> units

    def indices(self) -> dict[str, list[int]]:
        """Which devices: resource -> indices, ascending."""
        found: dict[str, list[int]] = {}
        for name, index in sorted(self.devices):
            found.setdefault(name, []).append(index)
        return found


@dataclass(frozen=True)
class Ledger:
    """All that one namespace keeps at one moment: its own keys and those of RQ, by what follows the prefix.

    Text is decoded byte by byte; strings stay bytes, for they are bitmaps; of a stream only its length is kept.
    """

    namespace: str
    own: dict[str, Any]
    rq: dict[str, Any]

    def get(self, key: str) -> dict[str, Any]:
        """A hash or sorted set, empty where it is absent."""
        found: dict[str, Any] = self.own.get(key, {})
        return found

    def queue(self, node: str) -> list[str]:
        """The jobs that stand on a node's queue."""
        found: list[str] = self.rq.get(f"queue:{self.namespace}.{node}", [])
        return found

    @cached_property
    def nodes(self) -> dict[str, dict[str, str]]:
        """Node name -> its hash, in order."""
        return {name: self.own[f"node:{name}"] for name, _ in _sorted(self.get("nodes"))}

    @cached_property
    def jobs(self) -> dict[str, dict[str, str]]:
        """Job id -> its hash."""
        return dict(_below(self.rq, "job"))

    @cached_property
    def held(self) -> dict[str, dict[str, Held]]:
        """Node name -> reservation id -> its record."""
        return {name: {id: _record(text) for id, text in records.items()} for name, records in _below(self.own, "held")}

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        """Shape -> the jobs that wait with it, first in front."""
        return {shape: [id for id, _ in _sorted(ranks)] for shape, ranks in _below(self.own, "shape")}

    def waits(self, id: str) -> bool:
        """Whether a job of that id really waits; entries of jobs that rq's tools took away are dropped later."""
        job = self.jobs.get(id, {})
        return job.get("status") == "deferred" and job.get("h_state") == "waiting"

    def without(self, *kinds: str) -> Ledger:
        """The same without some of the own keys."""
        kept = {key: value for key, value in self.own.items() if key.partition(":")[0] not in kinds}
        return Ledger(self.namespace, kept, self.rq)


def read_ledger(store: Store) -> Ledger:
    """Read all keys of the store's namespace, and what RQ's data model holds of it."""
    own = prefix(store.namespace)
    rq = store.keys("rq_job")[: -len("job:")]
    keys = [key.decode() for key in store.client.scan_iter(match=f"{own}*", count=1000)]
    rq_keys = [key.decode() for key in store.client.scan_iter(match=f"{rq}*", count=1000)]
    mine = _mine(store, rq, rq_keys)
    values = _read(store.client, keys + mine)
    ledger = Ledger(
        store.namespace,
        {key.removeprefix(own): value for key, value in values.items() if key.startswith(own)},
        {key.removeprefix(rq): value for key, value in values.items() if key.startswith(rq)},
    )
    for name in ("queues", "workers"):
        members = ledger.rq.get(name, set())
        ledger.rq[name] = {key for key in members if _is_of(store, key.removeprefix(rq).partition(":")[2])}
    return ledger


def check_books(store: Store, *, touched: Collection[str] = ()) -> None:
    """Raise AssertionError where one of the five invariants does not hold.

    `touched` are jobs that rq's tools canceled or deleted and that no script has come across since: of these a
    reservation or a place in a line may be left.
    """
    check_ledger(read_ledger(store), read_nodes(store), touched)


def check_ledger(ledger: Ledger, nodes: list[Node], touched: Collection[str] = ()) -> None:
    """As `check_books`, of what was read already. The nodes only tell which of them are live."""
    assert [node.name for node in nodes] == list(ledger.nodes)
    for node in nodes:
        _check_amounts(ledger, node)
        _check_bits(ledger, node)
    _check_node_states(ledger)
    _check_claims(ledger)
    _check_places(ledger, touched)
    _check_lines(ledger, touched)
    _check_work_conservation(ledger, nodes)
    _check_nothing_is_left(ledger, touched)


def assert_nothing_held(store: Store) -> None:
    """Raise AssertionError unless every node is idle and nothing waits."""
    ledger = read_ledger(store)
    assert ledger.held == {}
    for name, fields in ledger.nodes.items():
        assert not any(int(used) for used in _amounts(fields, "used").values()), (name, fields)
    assert ledger.lines == {}
    assert ledger.get("delayed") == {}
    assert ledger.get("claims") == {}


# Reading.


def _is_of(store: Store, name: str) -> bool:
    return name == store.namespace or name.startswith(f"{store.namespace}.")


def _mine(store: Store, rq: str, keys: list[str]) -> list[str]:
    """Of all keys of RQ on this server those of one namespace: by a job's origin, or by the queue in the key."""
    jobs = [key for key in keys if key.startswith(f"{rq}job:") and key.count(":") == 2]
    pipeline = store.client.pipeline(transaction=False)
    for key in jobs:
        pipeline.hget(key, "origin")
    origins = dict(zip(jobs, pipeline.execute(), strict=True))
    ids = {key.removeprefix(f"{rq}job:") for key, origin in origins.items() if _is_of(store, (origin or b"").decode())}
    found = []
    for key in keys:
        kind, _, rest = key.removeprefix(rq).partition(":")
        if kind in ("job", "results", "executions"):
            belongs = rest in ids
        elif kind == "execution":
            belongs = rest.partition(":")[0] in ids
        else:
            belongs = (kind in ("queues", "workers") and not rest) or _is_of(store, rest)
        if belongs:
            found.append(key)
    return found


def _read(client: redis.Redis, keys: list[str]) -> dict[str, Any]:
    # MGET answers None where a key is no string; most are, for every bit of an amount is one.
    values = client.mget(keys) if keys else []
    strings = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
    others = [key for key in keys if key not in strings]
    pipeline = client.pipeline(transaction=False)
    for key in others:
        pipeline.type(key)
    types = [kind.decode() for kind in pipeline.execute()]
    for key, kind in zip(others, types, strict=True):
        match kind:
            case "hash":
                pipeline.hgetall(key)
            case "zset":
                pipeline.zrange(key, 0, -1, withscores=True)
            case "set":
                pipeline.smembers(key)
            case "list":
                pipeline.lrange(key, 0, -1)
            case "stream":
                pipeline.xlen(key)
            case _:
                pipeline.exists(key)
    plain = {key: _plain(kind, value) for key, kind, value in zip(others, types, pipeline.execute(), strict=True)}
    return strings | {key: value for key, value in plain.items() if value}


def _plain(kind: str, value: Any) -> Any:
    match kind:
        case "hash":
            return {_text(name): _text(field) for name, field in value.items()}
        case "zset":
            return {_text(member): float(score) for member, score in value}
        case "set":
            return {_text(member) for member in value}
        case "list":
            return [_text(entry) for entry in value]
        case _:
            return value


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _below(keys: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    for key, value in keys.items():
        first, _, rest = key.partition(":")
        if first == kind and rest:
            yield rest, value


def _sorted(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda entry: (entry[1], entry[0]))


def _amounts(fields: Mapping[str, str], kind: str) -> dict[str, int]:
    return {name: int(value) for name, value in _below(fields, kind)}


def _record(text: str) -> Held:
    epoch, cost, listed = text.split("|")
    devices = {}
    for part in filter(None, listed.split(";")):
        name, _, entries = part.partition(":")
        for entry in entries.split(","):
            index, _, units = entry.partition("=")
            devices[name, int(index)] = int(units)
    return Held(epoch, parse_cost_text(cost), devices)


# Invariant 1: used is the sum of the reservations, and within the capacity unless that was lowered.


def _check_amounts(ledger: Ledger, node: Node) -> None:
    held = ledger.held.get(node.name, {})
    sums: Counter[str] = Counter()
    devices: Counter[tuple[str, int]] = Counter()
    for record in held.values():
        sums.update(record.cost)
        devices.update(record.devices)
    assert {name: units for name, units in node.used.items() if units} == dict(sums), (node, held)
    on_devices: Counter[str] = Counter()
    for (name, _), units in devices.items():
        on_devices[name] += units
    room = {name: 0 if name in node.devices else units for name, units in node.capabilities.items()}
    fits = all(units - on_devices[name] <= room.get(name, 0) for name, units in sums.items())
    fits = fits and all(index in node.devices.get(name, {}) for name, index in devices)
    assert (ledger.nodes[node.name].get("over") == "1") == (not fits), (node, held)
    for name, free in node.devices.items():
        assert node.capabilities[name] == UNIT * len(free), node
        for index, units in free.items():
            assert units == UNIT - devices[name, index], (node, held)
            assert 0 <= units <= UNIT, (node, held)


def _check_bits(ledger: Ledger, node: Node) -> None:
    """The index says of every node what its books say."""
    position = int(ledger.get("nodes")[node.name])
    expected: dict[str, dict[str, int]] = {"free": {}, "cap": {}}
    for name, capacity in node.capabilities.items():
        if name in node.devices:
            free = node.devices[name].values()
            expected["free"][f"{name}#idle"] = sum(units == UNIT for units in free)
            expected["free"][f"{name}#share"] = max(free, default=0)
            expected["cap"][f"{name}#idle"] = len(free)
            expected["cap"][f"{name}#share"] = UNIT if free else 0
        else:
            expected["free"][name] = max(0, capacity - node.used.get(name, 0))
            expected["cap"][name] = capacity
    planes = {name: int(count) for name, count in ledger.get("planes").items()}
    for side, values in expected.items():
        assert values.keys() <= planes.keys(), (node.name, values)
        for index, count in planes.items():
            value = sum(_bit(ledger, f"plane:{side}:{index}:{bit}", position) << bit for bit in range(count))
            assert value == values.get(index, 0), (node.name, side, index, value, values)
    fields = ledger.nodes[node.name]
    is_up = fields["state"] == "up"
    assert _bit(ledger, "live", position) == is_up, node
    assert _bit(ledger, "open", position) == (is_up and not fields.get("over") and not fields.get("quiet")), node


def _bit(ledger: Ledger, key: str, position: int) -> int:
    bitmap: bytes = ledger.own.get(key, b"")
    byte, bit = divmod(position, 8)
    return bitmap[byte] >> (7 - bit) & 1 if byte < len(bitmap) else 0


def _check_node_states(ledger: Ledger) -> None:
    """A node is up, with a lease if an agent has it, or lost; what a lost one held is given back, or about to be."""
    up = {name: fields for name, fields in ledger.nodes.items() if fields["state"] == "up"}
    assert ledger.get("leases").keys() == {name for name, fields in up.items() if fields["kind"] == "leased"}
    assert ledger.get("lost").keys() == ledger.nodes.keys() - up.keys()
    assert ledger.get("abandoned").keys() <= ledger.get("lost").keys()
    for name, fields in ledger.nodes.items():
        records = ledger.held.get(name, {})
        if name in up:
            # An older epoch's reservations are given back before the node is up again.
            assert {record.epoch for record in records.values()} <= {fields["epoch"]}, (name, fields, records)
        elif name not in ledger.get("abandoned"):
            assert not records, (name, records)


def _check_claims(ledger: Ledger) -> None:
    """Every claim is held by the node that it names, and every reservation is a claim's or a job's."""
    held = {id: name for name, records in ledger.held.items() for id in records if not _JOB_RESERVATION.fullmatch(id)}
    assert ledger.get("claims") == held
    assert ledger.get("claim_ends").keys() <= held.keys()


# Invariants 2 and 3: one reservation for what is queued or runs, and exactly one place for what has not ended.


def _check_places(ledger: Ledger, touched: Collection[str]) -> None:
    reservations: dict[str, list[tuple[str, str]]] = defaultdict(list)
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in ledger.nodes:
        for id in ledger.held.get(name, {}):
            if match := _JOB_RESERVATION.fullmatch(id):
                reservations[match.group(1)].append((name, id))
        for id in ledger.queue(name):
            places[id].append(("queued", name))
        running = ledger.own.get(f"running:{name}", {})
        assert ledger.rq.get(f"wip:{ledger.namespace}.{name}", {}).keys() <= running.keys(), name
        for id in running:
            job_id, _, number = id.rpartition(":")
            if job_id in touched or ledger.jobs[job_id]["h_placement"] == number:
                places[job_id].append(("started", name))
            else:
                raise AssertionError(f"{id} runs on {name} and is not what its job says: {ledger.jobs[job_id]}")
    for line in ledger.lines.values():
        for id in line:
            places[id].append(("waiting", ""))
    for id in ledger.get("delayed"):
        places[id].append(("delayed", ""))
    for id in ledger.jobs.keys() | places.keys() | reservations.keys():
        job = ledger.jobs.get(id, {})
        if id in touched or (job and "h_shape" not in job):
            continue
        assert job, (id, places[id], reservations[id])
        status = job["status"]
        reservation = f"{id}:{job.get('h_placement', 0)}"
        if status in ("queued", "started"):
            assert reservations[id] == [(job["h_node"], reservation)], (id, job, reservations[id])
            assert places[id] == [(status, job["h_node"])], (id, job, places[id])
        else:
            assert not reservations[id], (id, job, reservations[id])
            assert places[id] == ([(job["h_state"], "")] if status == "deferred" else []), (id, job, places[id])


def _check_lines(ledger: Ledger, touched: Collection[str]) -> None:
    """Lines are in order of rank, known by their heads and by what they need, and RQ sees who stands in them."""
    assert ledger.get("shapes").keys() == ledger.lines.keys()
    heads: dict[str, dict[str, float]] = defaultdict(dict)
    needs: dict[str, dict[str, float]] = defaultdict(dict)
    for shape, line in ledger.lines.items():
        cost, _, pin = shape.partition("@")
        scope = f"@{pin}" if pin else ""
        ranks = ledger.get(f"shape:{shape}")
        heads[f"heads:{scope}"][shape] = ranks[line[0]]
        for name, units in parse_cost_text(cost).items():
            needs[f"need:{name}{scope}"][shape] = units
        for id in line:
            if id not in touched:
                job = ledger.jobs[id]
                assert (job["h_shape"], float(job["h_rank"])) == (shape, ranks[id]), (id, job, shape, ranks[id])
    assert {key: value for key, value in ledger.own.items() if key.startswith("heads:")} == heads
    assert {key: value for key, value in ledger.own.items() if key.startswith("need:")} == needs
    deferred = {id for id, job in ledger.jobs.items() if job["status"] == "deferred" and "h_shape" in job}
    in_sight = ledger.rq.get(f"deferred:{ledger.namespace}", {}).keys()
    assert deferred - set(touched) == in_sight - set(touched)


# Invariant 4: no waiting function fits on a live node, unless a `dirty` mark says why.


def _check_work_conservation(ledger: Ledger, nodes: list[Node]) -> None:
    for shape, line in ledger.lines.items():
        if not any(ledger.waits(id) for id in line):
            continue
        cost, _, pin = shape.partition("@")
        for node in nodes:
            if node.name in ledger.get("dirty") or ledger.get("abandoned") or (pin and pin != node.name):
                continue
            assert not _has_room(ledger, node, parse_cost_text(cost)), (shape, line, node)


def _has_room(ledger: Ledger, node: Node, cost: Units) -> bool:
    fields = ledger.nodes[node.name]
    if not node.live or fields.get("over") or fields.get("quiet"):
        return False
    for name, units in cost.items():
        shares = node.devices.get(name)
        if shares is None:
            has = node.capabilities.get(name, 0) - node.used.get(name, 0)
        elif units < UNIT:
            has = max(shares.values(), default=0)
        elif units % UNIT:
            return False
        else:
            has = UNIT * sum(share == UNIT for share in shares.values())
        if has < units:
            return False
    return True


# Invariant 5: every key belongs to a node, to something that waits, or is permanent or about to expire.


def _check_nothing_is_left(ledger: Ledger, touched: Collection[str]) -> None:
    for key, value in ledger.own.items():
        kind, _, of = key.partition(":")
        assert kind in _KINDS_OF_OWN, f"{key} outlived its script, or is not in the schema"
        if kind in ("node", "held", "running"):
            assert of in ledger.nodes, key
        elif kind in ("plane", "planes", "live", "open"):
            assert ledger.nodes, key
        elif kind == "dirty":
            assert value.keys() <= ledger.nodes.keys(), value
    known = {f"{ledger.namespace}.{name}" for name in ledger.nodes}
    for name, _ in _below(ledger.rq, "worker"):
        queue = name.removesuffix(":executions")
        assert queue in known, name
        assert ledger.nodes[queue.removeprefix(f"{ledger.namespace}.")]["kind"] == "leased", name
    for name in ledger.nodes:
        executions = ledger.rq.get(f"worker:{ledger.namespace}.{name}:executions", set())
        in_doubt = executions ^ ledger.get(f"running:{name}").keys()
        assert {id.rpartition(":")[0] for id in in_doubt} <= set(touched), (name, in_doubt)
    assert all(SLOTS in parse_cost_text(shape.partition("@")[0]) for shape in ledger.lines)
