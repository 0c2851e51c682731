"""How amounts, moments and states are written on pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from handoff.ledger.phrases import NEVER
from handoff.view.wording import number, plural, rate, seconds, short_id, short_name
from handoff.words.resources import Amount
from handoff.words.times import span, utc

STATES = {
    "infeasible": NEVER,
    "failed": "failed for good",
    "waiting": "ready, and nothing has room for it now",
    "delayed": "not before its time",
    "deferred": "waits for others to end",
    "queued": "placed on a node, about to start",
    "started": "runs",
    "finished": "ended with a result",
    "canceled": "was canceled",
    "stopped": "was stopped",
    "inline": "evaluated within those that take it",
    "gone": "nothing is kept of it",
    "up": "takes functions",
    "quiet": "takes no more for now",
    "over": "more is held there than it has",
    "draining": "is being emptied",
    "cordoned": "too many died there",
    "lost": "its agent has gone silent",
    "running": "goes on",
    "paused": "rests until it is resumed",
}
"""Each state that is shown by a mark, with what it means."""


def percent(part: float, whole: float) -> int:
    """How much of the whole, 0 to 100; all of nothing is nothing."""
    return 0 if whole <= 0 else max(0, min(100, round(100 * part / whole)))


def ago(since_ms: float, now_ms: float) -> str:
    """How long by now."""
    return span(max(0.0, (now_ms - since_ms) / 1000))


def clock(ms: float) -> str:
    """The time of day of a moment, in UTC."""
    return f"{utc(int(ms)):%H:%M:%S}"


def milliseconds_of(text: str | None) -> float | None:
    """A moment that is written as RQ or Handoff writes it, as ms; None of what is none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def cost_words(cost: Mapping[str, Amount]) -> list[str]:
    """A cost as single words: `cpu 2`, `memory 4,000`."""
    return [f"{name} {number(value)}" for name, value in cost.items()]


_ID = re.compile(r"(?<![\w-])[0-9a-f-]{21,}(?![\w-])")


def with_short_ids(text: str, links: Mapping[str, str] | None = None) -> Markup:
    """A sentence with ids as short as elsewhere: each has all of it as its title, and leads to the page `links` has."""
    parts, end = [], 0
    for found in _ID.finditer(text):
        id = found[0]
        link = (links or {}).get(id)
        shown = Markup('<a href="{}" title="{}">{}</a>') if link else Markup('<span{} title="{}">{}</span>')
        parts += [escape(text[end : found.start()]), shown.format(link or "", id, short_id(id))]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


FILTERS: dict[str, Any] = {
    "number": number,
    "rate": rate,
    "percent": percent,
    "seconds": seconds,
    "clock": clock,
    "plural": plural,
    "cost_words": cost_words,
    "span": span,
    "short_name": short_name,
    "short_id": short_id,
    "with_short_ids": with_short_ids,
}
