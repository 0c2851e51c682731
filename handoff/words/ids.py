"""New ids, of what nobody else has named: 32 hex digits, as of a UUID, which takes five times as long to make."""

from __future__ import annotations

from os import urandom

_BYTES = 16


def new_id() -> str:
    """Make an id that nobody has had."""
    return urandom(_BYTES).hex()


def new_ids(count: int) -> list[str]:
    """Make so many."""
    digits = urandom(_BYTES * count).hex()
    return [digits[at : at + 2 * _BYTES] for at in range(0, len(digits), 2 * _BYTES)]
