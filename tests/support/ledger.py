"""All that one namespace keeps at one moment, read while nobody writes: a picture of everything."""

from __future__ import annotations

from typing import Any

import redis

from handoff.doctor.keys import has_to_expire
from handoff.doctor.picture import Picture, amounts_in, below, by_score, uptime_ms
from handoff.doctor.slices import UNLIMITED
from handoff.ledger.keys import SCHEMA, prefix
from handoff.ledger.store import Store
from handoff.ledger.texts.reservation import Held

__all__ = ["Held", "Ledger", "amounts_in", "below", "by_score", "read_ledger"]


OF_RUNS = tuple(SCHEMA[name].path for name in ("run_graph", "run_of"))


class Ledger(Picture):
    """With what tests ask of it besides."""

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
        uptime_ms=_uptime_ms(store, values.get(store.keys("clock"), {})),
        lasting={
            key
            for key in (each.removeprefix(own) for each in keys)
            if has_to_expire(key) and store.read("PTTL", own + key) == UNLIMITED
        },
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
    # What a run has left expires at one moment, which may be between two reads: its hash was read after its strings.
    of_runs = [key for key in strings if key.split(":", 2)[-1].startswith(OF_RUNS)]
    for key, value in zip(of_runs, client.mget(of_runs) if of_runs else (), strict=True):
        if value is None:
            del strings[key]
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


def _uptime_ms(store: Store, clock: dict[str, str]) -> float:
    seconds, micros = store.read("TIME")
    wall = store.now_ms or int(seconds) * 1000 + int(micros) // 1000
    return uptime_ms(wall, clock)
