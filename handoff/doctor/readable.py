"""What cannot be read is a violation like any other, and ends no examination."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handoff.doctor.picture import UNREADABLE
from handoff.doctor.violation import Subject, Violation


def readable(found: Iterable[Violation], subject: Subject, *, job: str = "", node: str = "") -> Iterator[Violation]:
    """What a check finds, or that what it is about cannot be read."""
    try:
        yield from found
    except UNREADABLE as error:
        text = f"what is stored of it cannot be read ({type(error).__name__}: {error})"
        yield Violation("keys", subject, text, job=job, node=node)
