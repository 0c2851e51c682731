"""The stream of events that the scripts write: what happened, to whom, with which amounts, and who asked for it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from handoff.errors import shown
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.replies import entries_of
from handoff.ledger.store import Call
from handoff.words.ids import new_id
from handoff.words.times import milliseconds
from handoff.words.values import WAITS, is_wait

_ID = re.compile(rb"[0-9]{1,19}-[0-9]{1,19}")

LONGEST_NOTE = 200
"""Characters of each word of what is noted: ids and names are shorter."""

MOST = 1_000
"""How many events one read brings."""

WAIT_SLICE_S = 0.5
"""One read waits no longer on the server: a connection that is silent for much longer counts as dead."""


@Call
async def note_action(ledger: Ledger, who: str, what: str, about: str) -> None:
    """Note in the stream that somebody asks for something, before it is done."""
    words = {name: _sendable(text) for name, text in (("who", who), ("what", what), ("about", about))}
    match await ledger.run("audit", token=new_id(), **words):
        case ["noted"]:
            return
        case reply:
            raise unlisted("audit", reply)


def _sendable(text: str) -> str:
    # In an argument of a command bytes that are no UTF-8 are halves of characters.
    return text[:LONGEST_NOTE].encode("utf-8", "backslashreplace").decode()


@Call
async def read_events(ledger: Ledger, after: bytes, block_s: float | None) -> list[tuple[bytes, dict[str, str]]]:
    """Return what came after the entry `after`, waiting for at most `block_s` seconds where nothing did yet."""
    if block_s is not None and not is_wait(block_s):
        raise ValueError(f"block_s is {shown(block_s)}: give {WAITS}, or None not to wait")
    if not isinstance(after, bytes) or not _ID.fullmatch(after):
        raise ValueError(f"after is {shown(after)}: give the id of an event as `events` gives it, or b'0-0'")
    deadline_s = time.monotonic() + float(block_s or 0)
    waiting = ledger if block_s is None else ledger.until(deadline_s)
    left_s = block_s
    while True:
        block = () if left_s is None else ("BLOCK", milliseconds(min(WAIT_SLICE_S, left_s)))
        found = entries_of(await waiting.read("XREAD", "COUNT", MOST, *block, "STREAMS", ledger.keys("events"), after))
        left_s = deadline_s - time.monotonic()
        if found or left_s <= 0:
            return [(id, _texts(fields)) for id, fields in found]


@Call
async def read_last_events(ledger: Ledger, count: int) -> list[tuple[bytes, dict[str, str]]]:
    """Return the last events, as many as `count`, the oldest of these first."""
    found = await ledger.read("XREVRANGE", ledger.keys("events"), "+", "-", "COUNT", count)
    return [(id, _texts(fields)) for id, fields in reversed(found)]


def _texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in fields.items()}
