"""Times as Redis has them, in ms, and as people say them."""

from __future__ import annotations

from datetime import UTC, datetime


def milliseconds(seconds: float) -> int:
    """Seconds above 0 as whole ms, at least 1."""
    return max(1, round(seconds * 1000))


def utc(ms: int) -> datetime:
    """The moment that a time of Redis is."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def iso(moment: datetime) -> str:
    """Write a moment for people and programs."""
    return moment.isoformat(timespec="milliseconds")


def moment(ms: int) -> str:
    """Write a time of Redis for people and programs: ISO, in UTC."""
    return iso(utc(ms))


def span(seconds: float) -> str:
    """Say how long: `0.2 s`, `40 s`, `5 min`, `3 h`, `4 days`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    for name, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < most * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds / 86400:.0f} days"
