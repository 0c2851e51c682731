"""How long, and since which moment, as people type it: `90s`, `10m`, `2h`, `3d`, or a date with a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_SPAN = re.compile(r"([0-9]{1,9})([smhd])")


def read_span(text: str) -> timedelta | None:
    """Read `90s`, `10m`, `2h` or `3d`; None of anything else."""
    match = _SPAN.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def read_since(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Read it. A date without a zone is one of this machine's."""
    if value is None:
        return None
    if (ago := read_span(value)) is not None:
        try:
            return datetime.now(UTC) - ago
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{value!r} is no time: write how long ago, as 90s, 10m, 2h or 3d, or a moment, as 2026-11-29T20:15",
            context,
            parameter,
        ) from None
