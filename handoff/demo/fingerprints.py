"""Fingerprints of a sequence of tokens: equal runs of tokens share some, wherever they stand."""

from __future__ import annotations

import struct
from collections.abc import Sequence

GRAM = 8
"""Tokens per hashed k-gram: no shorter match is found."""

WINDOW = 8
"""K-grams per winnowing window: every match of `GRAM + WINDOW - 1` tokens or more is found."""

HASH_BASE, HASH_MODULUS = 1_000_003, 2**61 - 1


def winnow(tokens: Sequence[int]) -> list[int]:
    """Choose fingerprints of a token sequence: distinct 32-bit integers, ascending.

    Of every window of `WINDOW` hashed k-grams the least is kept, the last of equals, so that equal runs of
    `GRAM + WINDOW - 1` tokens share one wherever they stand (Schleimer, Wilkerson and Aiken, Winnowing: Local
    Algorithms for Document Fingerprinting, SIGMOD 2003). Sequences with no full window give at most one.
    """
    hashes = _gram_hashes(tokens)
    if len(hashes) < WINDOW:
        return [min(hashes)] if hashes else []
    chosen: set[int] = set()
    least, least_at = 0, -1
    for end, value in enumerate(hashes[WINDOW - 1 :], WINDOW):
        if least_at < end - WINDOW:
            window = hashes[end - WINDOW : end]
            least = min(window)
            least_at = end - 1 - window[::-1].index(least)
        elif value <= least:
            least, least_at = value, end - 1
        else:
            continue
        chosen.add(least)
    return sorted(chosen)


def _gram_hashes(tokens: Sequence[int]) -> list[int]:
    """The rolling hash of every k-gram (Karp and Rabin 1987), its lowest 32 bits."""
    leaving = pow(HASH_BASE, GRAM, HASH_MODULUS)
    rolled = 0
    hashes = []
    for at, token in enumerate(tokens):
        rolled = rolled * HASH_BASE + token
        if at >= GRAM:
            rolled -= tokens[at - GRAM] * leaving
        rolled %= HASH_MODULUS
        if at >= GRAM - 1:
            hashes.append(rolled & 0xFFFFFFFF)
    return hashes


def pack(values: Sequence[int]) -> bytes:
    """Put 32-bit integers into bytes, little-endian: a quarter of what a list of them takes on the wire."""
    return struct.pack(f"<{len(values)}I", *values)


def unpack(packed: bytes) -> tuple[int, ...]:
    """Undo `pack`."""
    return struct.unpack(f"<{len(packed) // 4}I", packed)
