"""How often, and for how long, the first of a kind that waits may be overtaken before a node is held for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from handoff.errors import shown
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.store import Call
from handoff.words.times import milliseconds
from handoff.words.values import WAITS, is_count, is_wait

AsItIs = Literal["as it is"]

AS_IT_IS: Final[AsItIs] = "as it is"
"""Known by its identity: what else a caller gives is not compared, for it may refuse."""

_AS_IT_IS = -1


@dataclass(frozen=True, slots=True)
class Limits:
    """None = without a limit."""

    count: int | None  #: placements
    seconds: float | None


@Call
async def limit_overtaking(ledger: Ledger, count: int | AsItIs | None, seconds: float | AsItIs | None) -> None:
    """Say after how many placements, or how long, a node is held for who is overtaken; None = never for that."""
    if count is not None and count is not AS_IT_IS and not is_count(count, 1, 2**31):
        raise ValueError(f"count is {shown(count)}: give an int from 1 to 2**31, or None for no limit")
    if seconds is not None and seconds is not AS_IT_IS and not is_wait(seconds):
        raise ValueError(f"seconds is {shown(seconds)}: give {WAITS}, or None for no limit")
    ms = _AS_IT_IS if seconds is AS_IT_IS else 0 if seconds is None else milliseconds(float(seconds))
    await ledger.run("limit", count=_AS_IT_IS if count is AS_IT_IS else count or 0, ms=ms)


@Call
async def read_limits(ledger: Ledger) -> Limits:
    """Read them."""
    match await ledger.run("limits"):
        case ["limits", int(count), int(ms)]:
            return Limits(count or None, ms / 1000 or None)
        case reply:
            raise unlisted("limits", reply)
