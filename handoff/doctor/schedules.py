"""What recurs: it is due where ticks look for it, and can be read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from handoff.doctor.picture import Picture
from handoff.doctor.violation import Violation
from handoff.ledger.recurring import BENT, read_stored

RULE = "schedules"


def check_schedule(picture: Picture, name: str) -> Iterator[Violation]:
    """All of what recurs under one name."""
    subject = ("schedule", name)
    fields, found = picture.get(f"schedule:{name}"), picture.get("schedules").get(name)
    if not fields:
        if found is not None:
            yield Violation(RULE, subject, f"`schedules` names {name}, of which nothing is kept")
        return
    if not _is_readable(name, fields):
        yield Violation(RULE, subject, f"what recurs as {name} cannot be read: say it anew")
    if found is None or found != _moment(fields):
        yield Violation(
            RULE, subject, f"`schedules` does not say when {name} is due next: it would be late, or never come"
        )


def _is_readable(name: str, fields: Mapping[str, str]) -> bool:
    try:
        read_stored(name, {field.encode("latin-1"): value.encode("latin-1") for field, value in fields.items()})
    except BENT:
        return False
    return True


def _moment(fields: Mapping[str, str]) -> float | None:
    """At which it is looked for; None where that cannot be read."""
    if "paused" in fields:
        return math.inf
    try:
        return float(int(fields["due"]))
    except BENT:
        return None
