"""The invariants of the ledger, checked against everything that is in Redis.

Reads the keys themselves and none of the scripts' words for them, so that a script that is wrong cannot vouch for
itself. Meant for moments at which nobody writes.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis

from handoff.ledger.keys import prefix
from handoff.ledger.nodes import SHARED, Node, read_nodes
from handoff.ledger.store import Store
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.terms import read_terms
from handoff.words.constraints import Term
from handoff.words.resources import MEMORY_SUFFIX, SLOTS, UNIT, Units, device_of
from support.run_books import check_runs, places_of_runs

_JOB_RESERVATION = re.compile(r"([A-Za-z0-9_-]+):(\d+)")
_VARIANT = re.compile(r"(?:(\d+):)?([^:@]+(?:@.*)?)")

_KINDS_OF_OWN = frozenset(
    {
        "nodes", "node", "leases", "lost", "held", "running", "abandoned", "epoch", "live", "open", "planes", "plane",
        "labels", "label", "classes", "class", "alike", "order", "waiting", "shapes", "shape", "heads", "need",
        "spots", "spot_planes", "spot", "terms", "term", "overtaking", "noted", "fronts", "withheld", "able", "holds",
        "timers", "drained", "delayed", "callbacks", "dirty", "claims", "claim_ends", "released", "gone", "handed",
        "past", "events", "tick", "sweep", "prune", "run", "runs", "run_of", "next", "missing", "active", "groups",
        "parked", "graph", "end", "grouped", "unfolding",
    }
)  # fmt: skip
"""What may be found between two scripts; `scratch` lives within one."""


@dataclass(frozen=True)
class Held:
    """One record of `held`."""

    epoch: str
    since_ms: int
    cost: Units  #: the node's part
    devices: dict[tuple[str, int], int]  #: resource and index -> units; `gpu_memory` has memory of a gpu
    shared: Units  #: the part that all nodes share

    def indices(self) -> dict[str, list[int]]:
        """Which devices: resource -> indices, ascending."""
        found: dict[str, list[int]] = {}
        for name, index in sorted(self.devices):
            found.setdefault(device_of(name) or name, []).append(index)
        return found


@dataclass(frozen=True)
class Shared:
    """What all nodes share."""

    capabilities: Units
    used: Units


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
        return {id: job for id, job in below(self.rq, "job") if not id.startswith(":")}

    @cached_property
    def held(self) -> dict[str, dict[str, Held]]:
        """Node name -> reservation id -> its record."""
        return {name: {id: _record(text) for id, text in records.items()} for name, records in below(self.own, "held")}

    @cached_property
    def shared(self) -> Shared:
        """What is known of the node called `*`."""
        fields = self.get(f"node:{SHARED}")
        return Shared(_amounts(fields, "cap"), _amounts(fields, "used"))

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        """Shape -> the jobs that wait with it, first in front."""
        return {shape: [id for id, _ in _sorted(ranks)] for shape, ranks in below(self.own, "shape")}

    def waits(self, id: str, shape: str) -> bool:
        """Whether a job really waits in a line; entries of jobs that rq's tools took away are dropped later."""
        job = self.jobs.get(id, {})
        is_it = float(job.get("h_rank", -1)) == self.get(f"shape:{shape}")[id]
        return is_it and job["status"] == "deferred" and job.get("h_state") == "waiting"

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
    _check_shared(ledger)
    _check_labels(ledger)
    _check_classes(ledger, nodes)
    _check_node_states(ledger)
    _check_claims(ledger)
    check_runs(ledger.own, ledger.jobs, ledger.rq, touched)
    _check_places(ledger, touched)
    _check_lines(ledger, touched)
    _check_spots(ledger)
    _check_able(ledger, nodes)
    _check_holds(ledger, touched)
    _check_work_conservation(ledger, nodes)
    _check_nothing_is_left(ledger, touched)


def assert_nothing_held(store: Store) -> None:
    """Raise AssertionError unless every node is idle and nothing waits."""
    ledger = read_ledger(store)
    assert ledger.held == {}
    for name, fields in ledger.nodes.items():
        assert not any(int(used) for used in _amounts(fields, "used").values()), (name, fields)
    for key in ("waiting", "delayed", "timers", "claims", "holds"):
        assert ledger.get(key) == {}, key
    assert ledger.lines == {}


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
            # RQ has the dependencies of a job under `job::<id>:dependencies`.
            belongs = rest in ids or rest.strip(":").partition(":")[0] in ids
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


def below(keys: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    """What stands under `<kind>:<rest>`, by the rest."""
    for key, value in keys.items():
        first, _, rest = key.partition(":")
        if first == kind and rest:
            yield rest, value


def _sorted(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda entry: (entry[1], entry[0]))


def _amounts(fields: Mapping[str, str], kind: str) -> dict[str, int]:
    return {name: int(value) for name, value in below(fields, kind)}


def _record(text: str) -> Held:
    epoch, since, cost, listed, shared = text.split("|")
    devices = {}
    for part in filter(None, listed.split(";")):
        name, _, entries = part.partition(":")
        for entry in entries.split(","):
            index, _, units = entry.partition("=")
            of = name + MEMORY_SUFFIX if units.endswith("m") else name
            devices[of, int(index)] = int(units.removesuffix("m"))
    return Held(epoch, int(since), read_cost(cost), devices, read_cost(shared))


def _bits(ledger: Ledger, key: str) -> set[int]:
    """The positions that are set in a bitmap."""
    bitmap: bytes = ledger.own.get(key, b"")
    return {8 * i + bit for i, byte in enumerate(bitmap) for bit in range(8) if byte >> (7 - bit) & 1}


def _bit(ledger: Ledger, key: str, position: int) -> int:
    bitmap: bytes = ledger.own.get(key, b"")
    byte, bit = divmod(position, 8)
    return bitmap[byte] >> (7 - bit) & 1 if byte < len(bitmap) else 0


def _number(ledger: Ledger, column: str, planes: int, position: int) -> int:
    """What bit planes say at one position."""
    return sum(_bit(ledger, f"{column}:{bit}", position) << bit for bit in range(planes))


# Invariant 1: used is the sum of the reservations, and within the capacity unless that was lowered.


def _check_amounts(ledger: Ledger, node: Node) -> None:
    held = ledger.held.get(node.name, {})
    sums: Counter[str] = Counter()
    devices: Counter[tuple[str, int]] = Counter()
    for record in held.values():
        sums.update(record.cost)
        devices.update(record.devices)
    assert {name: units for name, units in node.used.items() if units} == dict(sums), (node, held)
    has = _devices_of(node)
    on_devices: Counter[str] = Counter()
    for (name, _), units in devices.items():
        on_devices[name] += units
    room = {name: 0 if name in has else units for name, units in node.capabilities.items()}
    fits = all(units - on_devices[name] <= room.get(name, 0) for name, units in sums.items())
    fits = fits and all(units <= has.get(name, {}).get(index, 0) for (name, index), units in devices.items())
    assert (ledger.nodes[node.name].get("over") == "1") == (not fits), (node, held)
    for name, sizes in has.items():
        assert node.capabilities[name] == sum(sizes.values()), node
    for name, free in node.devices.items():
        for index, units in free.items():
            assert units == UNIT - devices[name, index], (node, held)
            assert 0 <= units <= UNIT, (node, held)
            memory = name + MEMORY_SUFFIX
            if name in node.memory:
                size = has[memory][index]
                assert node.memory[name][index] == (size - devices[memory, index], size), (node, held)
            assert not (devices[name, index] and devices[memory, index]), (node, held)


def _devices_of(node: Node) -> dict[str, dict[int, int]]:
    """What each single device has: its share, and its memory."""
    shares = {name: dict.fromkeys(indices, UNIT) for name, indices in node.devices.items()}
    memory = {
        name + MEMORY_SUFFIX: {index: size for index, (_, size) in sizes.items()} for name, sizes in node.memory.items()
    }
    return shares | memory


def _check_bits(ledger: Ledger, node: Node) -> None:
    """The index says of every node what its books say."""
    position = int(ledger.get("nodes")[node.name])
    free, capacities = _indexed(node, is_idle=False), _indexed(node, is_idle=True)
    shares = (math.floor(_unheld(node, name) / units * UNIT) for name, units in node.capabilities.items())
    free["*spare"] = min([UNIT, *shares])
    planes = {name: int(count) for name, count in ledger.get("planes").items()}
    for side, values in {"free": free, "cap": capacities}.items():
        assert values.keys() <= planes.keys(), (node.name, values)
        for index, count in planes.items():
            value = _number(ledger, f"plane:{side}:{index}", count, position)
            assert value == values.get(index, 0), (node.name, side, index, value, values)
    fields = ledger.nodes[node.name]
    is_live = fields["state"] == "up" and "draining" not in fields
    assert _bit(ledger, "live", position) == is_live, node
    assert _bit(ledger, "open", position) == (is_live and not fields.get("over") and not fields.get("quiet")), node


def _indexed(node: Node, *, is_idle: bool) -> dict[str, int]:
    """What the index is to say of a node as it is, or as it would be if it were idle."""
    values: dict[str, int] = {}
    for name, capacity in node.capabilities.items():
        if name in node.devices:
            sizes = node.memory.get(name, {})
            memory = {index: (size if is_idle else free, size) for index, (free, size) in sizes.items()}
            shares = {index: UNIT if is_idle else share for index, share in node.devices[name].items()}
            whole = [share for index, share in shares.items() if len(set(memory.get(index, ()))) < 2]
            values[f"{name}#idle"] = sum(share == UNIT for share in whole)
            values[f"{name}#share"] = max(whole, default=0)
            if memory:
                usable = [free for index, (free, _) in memory.items() if shares[index] == UNIT]
                values[f"{name}#memory"] = max(0, *usable, 0)
        elif device_of(name) not in node.memory:
            values[name] = capacity if is_idle else _unheld(node, name)
    return values


def _unheld(node: Node, name: str) -> int:
    return max(0, node.capabilities[name] - node.used.get(name, 0))


def _check_shared(ledger: Ledger) -> None:
    """What is shared is used by those who hold it, wherever they do."""
    held = ledger.held.get(SHARED, {})
    parts = {
        id: record.shared
        for name, records in ledger.held.items()
        for id, record in records.items()
        if name != SHARED and record.shared
    }
    assert {id: record.cost for id, record in held.items()} == parts
    sums: Counter[str] = Counter()
    for part in parts.values():
        sums.update(part)
    assert {name: units for name, units in ledger.shared.used.items() if units} == dict(sums)
    assert (f"node:{SHARED}" in ledger.own) == bool(ledger.shared.capabilities or held)


def _check_labels(ledger: Ledger) -> None:
    """Every label has a bitmap of the nodes that have it."""
    expected: dict[str, set[int]] = defaultdict(set)
    for name, fields in ledger.nodes.items():
        for label in filter(None, fields.get("labels", "").split(";")):
            expected[label].add(int(ledger.get("nodes")[name]))
    assert ledger.get("labels") == {label: str(len(positions)) for label, positions in expected.items()}
    assert {label for label, _ in below(ledger.own, "label")} == expected.keys()
    assert {label: _bits(ledger, f"label:{label}") for label in expected} == expected


def _check_classes(ledger: Ledger, nodes: list[Node]) -> None:
    """Live nodes with the same capacities and labels are one class."""
    expected: dict[str, dict[str, int]] = defaultdict(dict)
    for node in nodes:
        fields = ledger.nodes[node.name]
        if fields["state"] == "up" and "draining" not in fields:
            capacities = sorted(f"{index}={value}" for index, value in _indexed(node, is_idle=True).items())
            of = f"{','.join(capacities)}@{fields.get('labels', '')}"
            assert fields["class"] == of, (node, fields)
            expected[of][node.name] = int(ledger.get("nodes")[node.name])
        else:
            assert "class" not in fields, node
    assert ledger.get("classes").keys() == expected.keys()
    assert {of: names.keys() for of, names in below(ledger.own, "class")} == {
        of: positions.keys() for of, positions in expected.items()
    }
    assert {of: _bits(ledger, f"alike:{of}") for of, _ in below(ledger.own, "alike")} == {
        of: set(positions.values()) for of, positions in expected.items()
    }


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
    held = {
        id: name
        for name, records in ledger.held.items()
        for id in records
        if name != SHARED and not _JOB_RESERVATION.fullmatch(id)
    }
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
    for id in ledger.get("waiting"):
        places[id].append(("waiting", ""))
    for id in ledger.get("delayed"):
        places[id].append(("delayed", ""))
    for id, state in places_of_runs(ledger.own):
        places[id].append((state, ""))
    for id in ledger.jobs.keys() | places.keys() | reservations.keys():
        job = ledger.jobs.get(id, {})
        if id in touched or (job and "h_demand" not in job):
            continue
        assert job, (id, places[id], reservations[id])
        status = job["status"]
        reservation = f"{id}:{job.get('h_placement', 0)}"
        if status in ("queued", "started"):
            assert reservations[id] == [(job["h_node"], reservation)], (id, job, reservations[id])
            assert places[id] == [(status, job["h_node"])], (id, job, places[id])
        else:
            # A run that reserves whole holds what its functions will need.
            early = [(job["h_node"], reservation)] if "h_reserved" in job else []
            assert reservations[id] in ([], early), (id, job, reservations[id])
            assert places[id] == ([(job["h_state"], "")] if status == "deferred" else []), (id, job, places[id])


def _check_lines(ledger: Ledger, touched: Collection[str]) -> None:
    """Lines are in order of rank, known by their heads and by what they need, and RQ sees who stands in them."""
    heads: dict[str, dict[str, float]] = defaultdict(dict)
    needs: dict[str, dict[str, float]] = defaultdict(dict)
    for text, line in ledger.lines.items():
        shape = _shape(text)
        ranks = ledger.get(f"shape:{text}")
        heads[f"heads:{shape.scope}"][text] = ranks[line[0]]
        for name, units in shape.cost.items():
            needs[f"need:{name}{shape.scope}"][text] = units
        for id in line:
            assert id in touched or ledger.get("waiting")[id] == ranks[id], (id, text, ranks)
        assert ledger.get("noted")[text].startswith(f"{line[0]}|"), (text, line)
    for key in ("shapes", "noted", "fronts"):
        assert ledger.get(key).keys() == ledger.lines.keys(), key
    # Those that no open node could hold stand behind all others.
    fronts = {text: rank % 2**52 for text, rank in ledger.get("fronts").items()}
    assert fronts == {text: rank for ranks in heads.values() for text, rank in ranks.items()}
    assert {key: value for key, value in ledger.own.items() if key.startswith("heads:")} == heads
    assert {key: value for key, value in ledger.own.items() if key.startswith("need:")} == needs
    for id, rank in ledger.get("waiting").items():
        if id not in touched:
            assert float(ledger.jobs[id]["h_rank"]) == rank, (id, rank, ledger.jobs[id])
            assert {shape for shape, line in ledger.lines.items() if id in line} == _joined(ledger, id), id
    deferred = {id for id, job in ledger.jobs.items() if job["status"] == "deferred" and "h_demand" in job}
    in_sight = ledger.rq.get(f"deferred:{ledger.namespace}", {}).keys()
    assert deferred - set(touched) == in_sight - set(touched)


def _joined(ledger: Ledger, id: str) -> set[str]:
    """The lines in which a job is to stand: by variants that need no waiting, or have been waited for."""
    timers, since_ms = ledger.get("timers"), int(ledger.jobs[id]["h_since"])
    joined = set()
    for number, text in enumerate(ledger.jobs[id]["h_demand"].split("&"), 1):
        after, shape = _VARIANT.fullmatch(text).groups("0")  # type: ignore[union-attr]
        timer = timers.get(f"after|{number}|{id}")
        if after == "0" or timer is None:
            joined.add(shape)
        else:
            assert timer == since_ms + int(after), (id, text, timer)
    return joined


def _check_spots(ledger: Ledger) -> None:
    """Where there is an index of shapes it says of each what it needs and how far in front its head is."""
    positions = {text: int(position) for text, position in ledger.get("shapes").items()}
    if "spots" not in ledger.own:
        kinds = {key.partition(":")[0] for key in ledger.own}
        assert not kinds & {"spot_planes", "spot", "spots", "terms", "term"}, kinds
        assert set(positions.values()) <= {-1}
        return
    assert _bits(ledger, "spots") == {0, *positions.values()}
    assert len(set(positions.values())) == len(positions)
    scopes: dict[str, set[int]] = defaultdict(set)
    terms: dict[str, set[int]] = defaultdict(set)
    planes = {name: int(count) for name, count in ledger.get("spot_planes").items()}
    for text, position in positions.items():
        shape = _shape(text)
        scopes[shape.scope].add(position)
        for term in shape.terms:
            if term != f"node={shape.pin}":
                terms[term].add(position)
        rank = ledger.get(f"heads:{shape.scope}")[text]
        assert _number(ledger, "spot:*rank", 52, position) == 2**52 - rank, text
        # What only a sum can meet, for it is more than one device and no whole number, has a column of its own.
        needs = {f"{name}#sum" if units > UNIT and units % UNIT else name: units for name, units in shape.cost.items()}
        assert needs.keys() <= planes.keys(), text
        for name, count in planes.items():
            assert _number(ledger, f"spot:{name}", count, position) == needs.get(name, 0), (text, name)
    assert {scope: _bits(ledger, f"spots:{scope}") for scope in scopes} == scopes
    assert ledger.get("terms") == {term: str(len(shapes)) for term, shapes in terms.items()}
    assert {term: _bits(ledger, f"term:{term}") for term, _ in below(ledger.own, "term")} == terms


def _check_able(ledger: Ledger, nodes: list[Node]) -> None:
    """What is remembered of who could hold a shape is so."""
    for text, count in ledger.get("able").items():
        shape = _shape(text)
        part, cost = _parts(ledger, shape)
        enough = all(units <= ledger.shared.capabilities[name] for name, units in part.items())
        able = [
            node
            for node in nodes
            if enough
            and _bit(ledger, "live", int(ledger.get("nodes")[node.name]))
            and _allows(node, shape)
            and all(units <= _most(_indexed(node, is_idle=True), name, units) for name, units in cost.items())
        ]
        assert text in ledger.lines, text
        assert int(count) == len(able), (text, count, able)


def _parts(ledger: Ledger, shape: Shape) -> tuple[Units, Units]:
    """What of a shape's cost is shared, and what a node itself must have."""
    part = {name: units for name, units in shape.cost.items() if name in ledger.shared.capabilities}
    return part, {name: units for name, units in shape.cost.items() if name not in part}


def _allows(node: Node, shape: Shape) -> bool:
    terms = read_terms(";".join(shape.terms))
    return all(_has_capacity(node, term) if term.name == "^" else term.allows(node.name, node.labels) for term in terms)


def _has_capacity(node: Node, term: Term) -> bool:
    """Whether a whole group could be held when idle: `^=cpu:40000|slots:20000`."""
    capacity = _indexed(node, is_idle=True)
    for value in term.values:
        name, _, units = value.partition(":")
        whole = -(-int(units) // UNIT) * UNIT if int(units) > UNIT else int(units)
        if _most(capacity, name, int(units)) < int(units) and _most(capacity, name, whole) < whole:
            return False
    return True


def _check_holds(ledger: Ledger, touched: Collection[str]) -> None:
    """What is held is held for one that waits, and open to it."""
    fields_of = {**ledger.nodes, SHARED: ledger.get(f"node:{SHARED}")}
    held = {name: _hold(fields) for name, fields in fields_of.items() if "hold" in fields}
    assert ledger.get("holds") == {name: hold.rank for name, hold in held.items()}
    assert _bits(ledger, "withheld") == {int(ledger.get("nodes")[name]) for name in held if name != SHARED}
    for name, hold in held.items():
        assert fields_of[name]["state"] == "up", (name, hold)
        assert not fields_of[name].keys() & {"quiet", "draining"}, (name, hold)
        assert hold.job in touched or ledger.get("waiting")[hold.job] == hold.rank, (name, hold)
        assert hold.lacks <= {_family(part) for text in _joined(ledger, hold.job) for part in _shape(text).cost}


# Invariant 4: no waiting function fits on a live node, unless a hold or a `dirty` or `abandoned` mark says why.


def _check_work_conservation(ledger: Ledger, nodes: list[Node]) -> None:
    dirty = ledger.get("dirty")
    if ledger.get("abandoned"):
        return
    for text, line in ledger.lines.items():
        head = next((id for id in line if ledger.waits(id, text)), None)
        if head is None:
            continue
        # Who comes behind the head is barred wherever the head is.
        shape, rank = _shape(text), ledger.get(f"shape:{text}")[head]
        if SHARED in dirty and shape.cost.keys() & ledger.shared.capabilities.keys():
            continue
        if not _has_tokens(ledger, shape, rank):
            continue
        for node in nodes:
            if node.name not in dirty:
                assert not _has_room(ledger, node, shape, rank), (text, line, node)


def _has_tokens(ledger: Ledger, shape: Shape, rank: float) -> bool:
    shared, (part, _) = ledger.shared, _parts(ledger, shape)
    has = all(units <= shared.capabilities[name] - shared.used.get(name, 0) for name, units in part.items())
    return has and not _bars(ledger.get(f"node:{SHARED}"), part, rank)


def _has_room(ledger: Ledger, node: Node, shape: Shape, rank: float) -> bool:
    fields = ledger.nodes[node.name]
    _, cost = _parts(ledger, shape)
    if not node.live or fields.keys() & {"over", "quiet", "draining"} or _bars(fields, cost, rank):
        return False
    free = _indexed(node, is_idle=False)
    return _allows(node, shape) and all(units <= _most(free, name, units) for name, units in cost.items())


def _most(free: Mapping[str, int], name: str, units: int) -> int:
    """What is free to whoever wants so much."""
    of_devices = 0
    if device_of(name):
        of_devices = free.get(f"{device_of(name)}#memory", 0)
    elif units < UNIT:
        of_devices = free.get(f"{name}#share", 0)
    elif units % UNIT == 0:
        of_devices = free.get(f"{name}#idle", 0) * UNIT
    return max(free.get(name, 0), of_devices)


def _bars(fields: Mapping[str, str], cost: Units, rank: float) -> bool:
    hold = _hold(fields) if "hold" in fields else None
    return hold is not None and rank > hold.rank and not hold.lacks.isdisjoint(map(_family, cost))


@dataclass(frozen=True)
class Shape:
    """A shape, read from its text."""

    cost: Units
    terms: list[str]

    @property
    def pin(self) -> str:
        pins = [term.removeprefix("node=") for term in self.terms if term.startswith("node=") and "|" not in term]
        return pins[-1] if pins else ""

    @property
    def scope(self) -> str:
        return f"@{self.pin}" if self.pin else ""


def _shape(text: str) -> Shape:
    cost, _, terms = text.partition("@")
    return Shape(read_cost(cost), [term for term in terms.split(";") if term])


@dataclass(frozen=True)
class Hold:
    """For whom a node is held, and what of it."""

    rank: float
    job: str
    lacks: set[str]


def _hold(fields: Mapping[str, str]) -> Hold:
    rank, job, lacks = fields["hold"].split("|")
    return Hold(float(rank), job, set(lacks.split(",")))


def _family(name: str) -> str:
    return device_of(name) or name


# Invariant 5: every key belongs to a node, to something that waits, or is permanent or about to expire.


def _check_nothing_is_left(ledger: Ledger, touched: Collection[str]) -> None:
    for key, value in ledger.own.items():
        kind, _, of = key.partition(":")
        assert kind in _KINDS_OF_OWN, f"{key} outlived its script, or is not in the schema"
        if kind in ("node", "held", "running"):
            assert of in ledger.nodes or (of == SHARED and kind != "running"), key
        elif kind in ("plane", "planes", "live", "open"):
            assert ledger.nodes, key
        elif kind == "dirty":
            assert value.keys() <= {*ledger.nodes, SHARED}, value
    drained = {what.partition("|")[2] for what in ledger.get("timers") if what.startswith("drain|")}
    assert drained <= {name for name, fields in ledger.nodes.items() if "draining" in fields}
    known = {f"{ledger.namespace}.{name}" for name in ledger.nodes}
    for name, _ in below(ledger.rq, "worker"):
        queue = name.removesuffix(":executions")
        assert queue in known, name
        assert ledger.nodes[queue.removeprefix(f"{ledger.namespace}.")]["kind"] == "leased", name
    for name in ledger.nodes:
        executions = ledger.rq.get(f"worker:{ledger.namespace}.{name}:executions", set())
        in_doubt = executions ^ ledger.get(f"running:{name}").keys()
        assert {id.rpartition(":")[0] for id in in_doubt} <= set(touched), (name, in_doubt)
    assert all(SLOTS in _shape(text).cost for text in ledger.lines)
