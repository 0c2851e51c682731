"""Hashes as scripts reply them."""

from __future__ import annotations

from collections.abc import Sequence


def texts_of(flat: Sequence[bytes]) -> dict[str, str]:
    """Read `name, value, name, value, ...` as texts by name."""
    return {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
