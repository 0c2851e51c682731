"""What is replied: hashes by scripts, and entries of a stream by XREAD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def texts_of(flat: Sequence[bytes]) -> dict[str, str]:
    """Read `name, value, name, value, ...` as texts by name. What is no text, somebody else has written."""
    texts = [each.decode(errors="replace") for each in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def entries_of(found: Any) -> Sequence[tuple[bytes, Mapping[bytes, bytes]]]:
    """Read what XREAD gives of one stream; nothing where that has no new entries."""
    if not found:
        return ()
    # RESP3 gives a mapping of streams, RESP2 a list of pairs.
    entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]]
    entries = next(iter(found.values()))[0] if isinstance(found, dict) else found[0][1]
    return entries


def scored_of(found: Sequence[Any]) -> list[tuple[bytes, float]]:
    """Read members of a sorted set with their scores: RESP3 gives pairs, RESP2 one after the other."""
    if found and not isinstance(found[0], bytes):
        return [(member, float(score)) for member, score in found]
    return [(member, float(score)) for member, score in zip(found[::2], found[1::2], strict=True)]
