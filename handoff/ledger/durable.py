"""What is promised of a submit beyond that Redis has it in memory: it is waited for in the round trip of its script.

Whether the server can keep such a promise is asked before anything is written, once for a cluster, and again after it
was not kept.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import redis

from handoff.errors import InvalidFunction, NotDurable, StoreUnavailable
from handoff.ledger.asking import Ledger
from handoff.ledger.server_version import read_version, write_version
from handoff.ledger.unavailable import is_forbidden
from handoff.words.durability import Durability

OLDEST_WITH_WAITAOF = (7, 2)

_UNTOLD = "give this user the right +info, or choose another durability"


class Promises:
    """What one server can promise, as far as it was asked."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._able: set[Durability] = set()
        self._nothing = Promise(ledger, self, "memory")

    async def make(self, id: str, durability: Durability) -> Promise:
        """Promise that of what is submitted under this id. Raises `InvalidFunction` where the server cannot keep it."""
        if durability == "memory":
            return self._nothing
        if durability not in self._able:
            if lack := _lack(durability, await self._facts(), self._ledger.address):
                raise InvalidFunction(id, *lack)
            self._able.add(durability)
        return Promise(self._ledger, self, durability)

    def forget(self, durability: Durability) -> None:
        """It was not kept: the server may have become another one."""
        self._able.discard(durability)

    async def _facts(self) -> Mapping[str, Any]:
        try:
            return dict(await self._ledger.read("INFO"))
        except StoreUnavailable as error:
            if not is_forbidden(error.__cause__):
                raise
        except redis.ResponseError:
            # Not all that passes for Redis knows it.
            return {}
        return {}


class Promise:
    """One submit: its script, and what is waited for behind it."""

    def __init__(self, ledger: Ledger, promises: Promises, durability: Durability) -> None:
        self._ledger, self._promises, self._durability = ledger, promises, durability
        self._broken = ""  #: why it was not kept
        #: Runs an operation as `Ledger.run`, and waits for what it has written.
        self.run: Callable[..., Awaitable[list[Any]]] = ledger.run if durability == "memory" else self._run_and_wait

    async def _run_and_wait(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        reply, waited = await self._ledger.run_and_wait(self._wait, script, *rest, **arguments)
        self._broken = self._judge(waited)
        if self._broken:
            self._promises.forget(self._durability)
        return reply

    async def wait(self) -> None:
        """Wait for all that was written before, through whatever connection."""
        if self._durability != "memory":
            await self.run("mark")

    def give_up(self) -> None:
        """Nothing was waited for."""
        if self._durability != "memory":
            self._broken = f"nothing is known of {self._where()}"

    @property
    def broken(self) -> str:
        """Why it was not kept; '' = it was."""
        return self._broken

    def check(self, handle: object) -> None:
        """Raise `NotDurable` where it was not kept."""
        if self._broken:
            raise NotDurable(handle, self._broken)

    def _wait(self, seconds: float) -> tuple[Any, ...]:
        # 0 would be for ever.
        limit_ms = max(1, math.ceil(seconds * 1000))
        return ("WAITAOF", 1, 0, limit_ms) if self._durability == "disk" else ("WAIT", 1, limit_ms)

    def _judge(self, waited: Any) -> str:
        where = self._where()
        if isinstance(waited, Exception):
            return f"nothing is known of {where} ({waited})"
        count = waited[0] if isinstance(waited, list) else waited
        return "" if count else f"{where} did not have it within {self._ledger.timeout_s:g} s"

    def _where(self) -> str:
        what = "the disk of Redis" if self._durability == "disk" else "a replica of Redis"
        return f"{what} at {self._ledger.address}"


def _lack(durability: Durability, facts: Mapping[str, Any], address: str) -> tuple[str, str] | None:
    """What the server lacks to keep it, and what to do."""
    what = f"its durability is {durability!r}, and Redis at {address}"
    found = read_version(str(facts.get("redis_version", "")))
    if durability == "replica":
        if "connected_slaves" not in facts:
            return f"{what} does not say whether it has a replica", _UNTOLD
        if not facts["connected_slaves"]:
            return f"{what} has no replica that is connected", "give it one, or choose another durability"
        return None
    if found is None:
        return f"{what} does not say of which version it is", _UNTOLD
    if found < OLDEST_WITH_WAITAOF:
        oldest = write_version(OLDEST_WITH_WAITAOF)
        return (
            f"{what} is of version {facts['redis_version']}",
            f"use Redis or Valkey {oldest} or later, or choose another durability",
        )
    if not facts.get("aof_enabled"):
        return f"{what} keeps no append-only file", "set appendonly to yes, or choose another durability"
    return None
