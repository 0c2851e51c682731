"""The books themselves: at any moment while all goes on, when all has ended, and when all has expired."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Collection
from typing import Any

import redis

from campaign.servers import Never, wait_until
from campaign.world import NAMESPACE, TOKENS, World
from handoff.doctor.examine import PATIENCE_S, examine
from handoff.ledger.keys import SCHEMA, prefix
from handoff.ledger.store import Store
from support.books import assert_nothing_held, check_books

KEPT_WITH_NOTHING = ("rq_queues", "rq_workers", "past")
"""What RQ never takes away, or what is kept while it may bring back what ended on a node; besides what is permanent."""

LONG_S = 2 * 366 * 86_400
"""After so long everything has expired."""


def check_meanwhile(world: World) -> list[str]:
    """All invariants at this moment, on a copy. -> what is wrong"""
    with world.pair.copy() as client:
        seconds, micros = client.time()
        return _found(lambda: check_books(_store(client, seconds * 1000 + micros // 1000), touched=[*world.touched]))


def examine_live(world: World) -> list[str]:
    """As `handoff doctor` does it, beside all that goes on. -> what is wrong"""
    store = world.cluster.store
    patience_s = max(PATIENCE_S, 2 * world.lease_s)
    return [f"doctor: {violation}" for violation in examine(store, patience_s=patience_s)]


def check_at_rest(world: World) -> list[str]:
    """The same when every function has ended: then nothing is held, and nothing waits. -> what is wrong"""
    store = _store(world.direct(), 0)
    tick_until_quiet(store)
    return _found(lambda: check_books(store, touched=[*world.touched])) + _found(lambda: assert_nothing_held(store))


def check_expired(world: World) -> list[str]:
    """The keys that are left when all agents have gone and all has expired. -> those that should not be"""
    client: Any = world.direct()
    store = _store(client, 0)
    world.cluster.share(dict.fromkeys(TOKENS, 0))
    tick_until_quiet(store)
    for key in client.scan_iter(count=1000):
        if client.pttl(key) > 0:
            client.pexpire(key, 1)
    store.now_ms = round((time.time() + LONG_S) * 1000)
    tick_until_quiet(store)
    kept = _permanent() + _kept_by_rq(world)
    left = {key.decode() for key in client.scan_iter(count=1000)}
    return [f"{key} is left when all has expired" for key in sorted(left) if not key.startswith(kept)]


def tick_until_quiet(store: Store) -> None:
    """Do the housekeeping until nothing is left over."""

    def is_quiet() -> bool:
        store.client.delete(store.keys("tick"))
        store.run("tick", room=0, token="campaign")
        return not store.client.exists(store.keys("abandoned"), store.keys("dirty"), store.keys("leftovers"))

    wait_until(is_quiet, "nothing is left over")
    for _ in range(20):
        is_quiet()


def _permanent() -> tuple[str, ...]:
    own, rq = prefix(NAMESPACE), _store(redis.Redis(), 0).keys("rq_queues").removesuffix("queues")
    rows = [key for name, key in SCHEMA.items() if key.lifetime.startswith("permanent") or name in KEPT_WITH_NOTHING]
    return tuple((rq if key.rq else own) + key.path for key in rows)


def _kept_by_rq(world: World) -> tuple[str, ...]:
    """What its own tools canceled RQ keeps for ever, as on its own queues."""
    ids = [id for id, verbs in world.touched.items() if "cancel" in verbs]
    keys = world.cluster.store.keys
    return tuple(keys("rq_job", id) for id in ids) + ((keys("rq_canceled"),) if ids else ())


def _store(client: redis.Redis, now_ms: int) -> Store:
    return Store(client, NAMESPACE, now_ms=now_ms)


def _found(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except (AssertionError, KeyError, Never) as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{at.name} ({at.line}): {type(error).__name__} {error}"[:2000]]
    return []


def unended(store: Store, singles: Collection[str], runs: Collection[str]) -> list[str]:
    """Of these functions and graphs, those that are there and have not ended; and claims that have not lapsed."""
    client: Any = store.client
    found = [id.decode() for id in client.hkeys(store.keys("claims"))]
    pipeline: Any = client.pipeline(transaction=False)
    for id in singles:
        pipeline.hget(store.keys("rq_job", id), "status")
    for id, status in zip(singles, pipeline.execute(), strict=True):
        if status is not None and status.decode() not in ("finished", "failed", "stopped", "canceled"):
            found.append(id)
    for id in runs:
        name = store.client.get(store.keys("run_of", id))
        if isinstance(name, bytes):
            state: Any = store.client.hget(store.keys("run", name.decode()), "state")
            if state is not None and state.decode() not in ("finished", "failed", "canceled"):
                found.append(id)
    return found
