"""Hashes as scripts reply them."""

from __future__ import annotations

from collections.abc import Sequence


def texts_of(flat: Sequence[bytes]) -> dict[str, str]:
    """Read `name, value, name, value, ...` as texts by name. What is no text, somebody else has written."""
    texts = [each.decode(errors="replace") for each in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))
