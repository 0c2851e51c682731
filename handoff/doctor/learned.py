"""What is learned of functions: no more than so much of each name, all of which can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handoff.doctor.violation import Violation
from handoff.ledger.learned import MOST_IDS, MOST_SAMPLES, is_sample

LEARNED = ("learned", "took", "learners")
"""Each of it is forgotten by itself."""


def check_learned(name: str, key: str, fields: Mapping[str, str]) -> Iterator[Violation]:
    """What is kept of one name, which is the `name` of a row of the schema."""
    most = MOST_SAMPLES if name == "learned" else MOST_IDS
    if len(fields) > most:
        yield Violation("keys", ("key", key), f"`{key}` has {len(fields)} entries, and no more than {most} are kept")
    is_sound = _is_sample_of if name == "learned" else _is_duration_of
    if (bent := next((field for field, value in fields.items() if not is_sound(field, value)), None)) is not None:
        yield Violation("keys", ("key", key), f"`{key}` has an entry {bent!r} that nobody reads")


def _is_sample_of(attempt: str, value: str) -> bool:
    return attempt.isdigit() and is_sample(value.encode("latin-1"))


def _is_duration_of(id: str, us: str) -> bool:
    return id.isdigit() and us.isdigit()
