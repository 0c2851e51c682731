"""One public call with arbitrary values: what came out of it, and whether a refused one has changed anything."""

from __future__ import annotations

import random
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import redis

import handoff
from handoff import Cluster, Handle, Reservation, RunHandle
from support.bent import CALLS
from support.books import check_books
from support.fuzz import serialized, values
from support.fuzz.judge import LOOKING, fault_of

HANGS_AFTER_S = 60
"""No call here waits for anything."""

MOST_BENT = 3
"""Arguments of one call that are not good ones."""

_WAITING = {"Cluster.events": {"after": "block_s"}, "Cluster.execute": {"dag": "timeout"}}
"""Of two arguments that are both good in part a call waits."""

_NAMES = list(CALLS)

_OF_SERIALIZER = (("Serializer.dumps", serialized.try_value), ("Serializer.loads", serialized.try_bytes))

Picture = dict[bytes, bytes | None]


class Hangs(BaseException):
    """A call waits for something."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A call, and what is wrong with what came of it; '' = nothing."""

    what: str
    fault: str
    is_refused: bool


class Place:
    """A cluster with one node, in which calls are made; what they leave is thrown away now and then."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection: Any = connection
        self._asked: list[str] = []
        self.cluster = self._anew()

    def clear(self) -> None:
        """See whether the books balance, and begin anew."""
        check_books(self.cluster.store)
        self.cluster.close()
        self._connection.flushdb()
        self.cluster = self._anew()

    def try_one(self, chance: random.Random) -> Tried:
        """Make one call."""
        with _limited():
            try:
                if (kind := chance.randrange(20)) < 2:
                    what, try_it = _OF_SERIALIZER[kind]
                    return Tried(what, try_it(chance), is_refused=False)
                return self._try_call(chance)
            except Hangs:
                return Tried("a call", "it hangs", is_refused=False)

    def _try_call(self, chance: random.Random) -> Tried:
        call = CALLS[name := chance.choice(_NAMES)]
        bent = chance.sample(list(call.good), min(len(call.good), 1 + int(chance.random() ** 3 * MOST_BENT)))
        for one, other in _WAITING.get(name, {}).items():
            if one in bent and other in bent:
                bent.remove(one)
        good = {each: make(self.cluster) for each, make in call.good.items()}
        changed = {each: _bent(chance, good[each]) for each in bent}
        what = f"{name} with {', '.join(f'{each} = {_shown(value)}' for each, value in changed.items())}"
        call_it = call.function(self.cluster)
        return self._judge(what, lambda: call_it(**{**good, **changed}), chance)

    def _judge(self, what: str, call_it: Callable[[], Any], chance: random.Random) -> Tried:
        self._asked.clear()
        writes = self._writes()
        try:
            made = call_it()
        except Exception as error:
            fault = fault_of(error)
            if not fault and self._asked and not _may_be_found_out(error):
                fault = f"{type(error).__name__} after {self._asked}"
            if isinstance(error, handoff.UnknownFunction) and what.startswith("Cluster.execute"):
                # It was run, and nothing is kept of it.
                return Tried(what, fault, is_refused=False)
            if not fault and (writes is None or writes != self._writes()):
                fault = self._difference(call_it)
            return Tried(what, fault, is_refused=True)
        if chance.random() < 0.7:
            _undo(self.cluster, made)
        return Tried(what, "", is_refused=False)

    def _writes(self) -> int | None:
        """How often this server was written to; None where it does not count."""
        if not self._asked and type(self._connection).__module__.startswith("fakeredis"):
            return 0
        try:
            return int(self._connection.info("persistence")["rdb_changes_since_last_save"])
        except (redis.ResponseError, KeyError):
            return None

    def _difference(self, call_it: Callable[[], Any]) -> str:
        """Make a refused call again, and name the keys that it changes each time.

        Once it may be what was due: whoever comes by gives back what a claim has held.
        """
        changed: list[bytes] = []
        for _ in range(3):
            before = self._picture()
            try:
                call_it()
            except Exception:
                after = self._picture()
                changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
                if not changed:
                    return ""
            else:
                return "it was refused, and is not when it is made again"
        return f"it was refused, and has changed {changed}"

    def _picture(self) -> Picture:
        """All that is stored, but for the clock."""
        clock = self.cluster.store.keys("clock").encode()
        return {key: self._connection.dump(key) for key in self._connection.scan_iter(count=1000) if key != clock}

    def _anew(self) -> Cluster:
        cluster = Cluster(connection=self._connection, namespace=f"t{uuid.uuid4().hex[:12]}")
        cluster.register_node("a", {"cpu": 1000, "gpu": 2}, labels={"zone": "a"})
        run = cluster.store.run_noting

        def run_noting(script: str, *rest: Any, **arguments: Any) -> Any:
            self._asked.append(script)
            return run(script, *rest, **arguments)

        cluster.store.run_noting = run_noting  # type: ignore[method-assign]
        return cluster


def _may_be_found_out(error: Exception) -> bool:
    """Whether only the ledger can know it."""
    is_shared = isinstance(error, handoff.InvalidResources) and "has it for itself" in error.rule
    return is_shared or isinstance(error, LOOKING)


def _bent(chance: random.Random, good: Any) -> Any:
    return values.near(chance, good) if chance.random() < 0.7 else values.value(chance)


def _shown(value: Any) -> str:
    try:
        return ascii(value)[:300]
    except Exception:
        return f"<{type(value).__name__}>"


def _undo(cluster: Cluster, made: object) -> None:
    for each in made if isinstance(made, list) else ():
        _undo(cluster, each)
    if isinstance(made, (Handle, RunHandle)):
        made.cancel()
    if isinstance(made, Reservation):
        cluster.tracker.release(made)
    if isinstance(made, Cluster) and made is not cluster:
        made.close()


@contextmanager
def _limited() -> Iterator[None]:
    def strike(number: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, strike)
    signal.alarm(HANGS_AFTER_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
