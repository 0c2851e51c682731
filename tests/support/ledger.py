"""All that one namespace keeps at one moment, by its keys alone: none of the scripts' words for them is believed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis

from handoff.ledger.keys import prefix
from handoff.ledger.nodes import SHARED
from handoff.ledger.store import Store
from handoff.ledger.texts.cost import read_cost
from handoff.words.resources import MEMORY_SUFFIX, Units, device_of

JOB_RESERVATION = re.compile(r"([A-Za-z0-9_-]+):(\d+)")
"""What a job holds; other reservations are claims."""


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
        return {name: self.own[f"node:{name}"] for name, _ in by_score(self.get("nodes"))}

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
        return Shared(amounts_in(fields, "cap"), amounts_in(fields, "used"))

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        """Shape -> the jobs that wait with it, first in front."""
        return {shape: [id for id, _ in by_score(ranks)] for shape, ranks in below(self.own, "shape")}

    def waits(self, id: str, shape: str) -> bool:
        """Whether a job really waits in a line; entries of jobs that rq's tools took away are dropped later."""
        job = self.jobs.get(id, {})
        is_it = float(job.get("h_rank", -1)) == self.get(f"shape:{shape}")[id]
        return is_it and job["status"] == "deferred" and job.get("h_state") == "waiting"

    def without(self, *kinds: str) -> Ledger:
        """The same without some of the own keys."""
        kept = {key: value for key, value in self.own.items() if key.partition(":")[0] not in kinds}
        return Ledger(self.namespace, kept, self.rq)

    def without_expired_workers(self, later: Ledger) -> Ledger:
        """The same without RQ's hashes of workers that are gone later: they expire by the server's own clock."""
        rq = {key: value for key, value in self.rq.items() if key in later.rq or not key.startswith("worker:")}
        return Ledger(self.namespace, self.own, rq)


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


def by_score(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda entry: (entry[1], entry[0]))


def amounts_in(fields: Mapping[str, str], kind: str) -> dict[str, int]:
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


def bits(ledger: Ledger, key: str) -> set[int]:
    """The positions that are set in a bitmap."""
    bitmap: bytes = ledger.own.get(key, b"")
    return {8 * i + bit for i, byte in enumerate(bitmap) for bit in range(8) if byte >> (7 - bit) & 1}


def bit_at(ledger: Ledger, key: str, position: int) -> int:
    bitmap: bytes = ledger.own.get(key, b"")
    byte, bit = divmod(position, 8)
    return bitmap[byte] >> (7 - bit) & 1 if byte < len(bitmap) else 0


def number_at(ledger: Ledger, column: str, planes: int, position: int) -> int:
    """What bit planes say at one position."""
    return sum(bit_at(ledger, f"{column}:{bit}", position) << bit for bit in range(planes))
