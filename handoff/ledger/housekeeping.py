"""Housekeeping by clients, above all by those that wait: nothing depends on agents alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from handoff.errors import StoreUnavailable
from handoff.ledger.asking import Command, Ledger
from handoff.ledger.recurring import fire_due
from handoff.ledger.result_entry import Entry
from handoff.ledger.store import Call
from handoff.ledger.turns import EVERY_MS
from handoff.words.ids import new_id

Ask = Callable[[Sequence[Command]], Awaitable[list[Any]]]

WAIT_SLICE_S = 0.5
"""Waiters look again this often: a result whose key was deleted never wakes anybody. Each look also ticks, so that what
becomes due while only clients are alive is noticed within a second."""


@Call
async def tick(ledger: Ledger) -> None:
    """Do one slice of what is due by the clock or was left over, and more while there is more."""
    await _tick(ledger, ledger.read_each, ledger.run)


@Call
async def takes_turn(ledger: Ledger, ask: Ask | None = None) -> bool:
    """Whether the caller is the one that ticks now: by a plain command, for most that ask are not.

    `ask` sends plain commands, by default once. Tests, which give their own time, take no turns.
    """
    if ledger.now_ms:
        return True
    ask, key = ask or ledger.once, ledger.keys("tick")
    took, left_ms = await ask([("SET", key, "0", "NX", "PX", EVERY_MS), ("PTTL", key)])
    # It expires by the server's clock, and stays for as long as that is set back.
    if took or 0 <= left_ms <= EVERY_MS:
        return bool(took)
    await ask([("SET", key, "0", "PX", EVERY_MS)])
    return True


@Call
async def has_ticked(ledger: Ledger) -> bool:
    """Tick if it is time, for whoever has only looked. -> whether it did: what was seen may have changed by that.

    Where nobody waits and no agent is left, a function would else run on a lost node for ever. What may not be written,
    or not by this reader, may be looked at all the same. Tests, which give their own time, tick themselves.
    """
    with contextlib.suppress(StoreUnavailable):
        return not ledger.now_ms and await _tick_for_all(ledger)
    return False


async def _tick(ledger: Ledger, ask: Ask, run: Callable[..., Awaitable[list[Any]]]) -> bool:
    has_ticked = False
    while await takes_turn(ledger, ask):
        has_ticked = True
        _, more, _, _, due = await run("tick", room=0, token=new_id())
        await fire_due(ledger, due, run)
        if not more:
            break
    return has_ticked


async def _tick_for_all(ledger: Ledger) -> bool:
    """Tick, once for all of this process that wait on the namespace. Raises `StoreUnavailable`, of whoever did."""
    if not ledger.turn.is_ours():
        return False
    try:
        has_ticked = await _tick(ledger, ledger.once, ledger.attempt)
    except StoreUnavailable as error:
        ledger.turn.ended(error)
        raise
    ledger.turn.ended(None)
    return has_ticked


@Call
async def await_entry(ledger: Ledger, stream: str, after: bytes = b"0-0", seconds: float = math.inf) -> Entry | None:
    """Wait on the server until a stream has an entry after that one, for so long or until it is time to look again.

    -> the newest entry, None where there is none yet
    """
    entry = await read_entry(ledger, stream, after, min(ledger.spaced(WAIT_SLICE_S), seconds))
    if entry is None:
        await ledger.aside(lambda: _tick_for_all(ledger))
    return entry


@Call
async def await_any(ledger: Ledger, after: Mapping[str, bytes], seconds: float = math.inf) -> bool:
    """Wait on the server until one of these streams has an entry after that one, for so long or until a look is due.

    -> whether one has
    """
    if await ledger.has_any(after, min(ledger.spaced(WAIT_SLICE_S), seconds)):
        return True
    await ledger.aside(lambda: _tick_for_all(ledger))
    return False


@Call
async def read_entry(ledger: Ledger, stream: str, after: bytes, seconds: float) -> Entry | None:
    """Wait on the server until a stream has an entry after that one, for at most so long. -> the newest, if any"""
    found = await ledger.entries(stream, after, seconds)
    return found[-1] if found else None
