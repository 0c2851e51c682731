"""Which modules are alike: signatures that estimate how much two sets of fingerprints share, and the pairs that do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from itertools import combinations
from operator import eq
from typing import TypedDict

from handoff.demo.fingerprints import unpack

BANDS, ROWS = 40, 3
"""Two modules are compared if a band of 3 hashes is equal: so are 67 % of all pairs of similarity 0.3, 93 % at 0.4."""

PERMUTATIONS = BANDS * ROWS
"""Hashes per signature: an estimated similarity of 0.5 has a standard error of 0.046."""

ALIKE = 0.3
"""The least estimated similarity at which two modules are called alike.

Of random pairs of the standard library's modules 99.9 % are below 0.04."""

HASH_PRIME = 4_294_967_291
"""The largest prime below 2**32, so that a hash fits into 4 bytes."""


class Pair(TypedDict):
    """Two modules that are alike: `similarity` estimates the Jaccard similarity of their fingerprints."""

    similarity: float
    left: str
    right: str


def min_hash(fingerprints: Sequence[int]) -> list[int]:
    """Summarize a set by the least value under each of `PERMUTATIONS` hashes.

    The share of equal places of two signatures estimates the Jaccard similarity of their sets (Broder, On the
    Resemblance and Containment of Documents, 1997). Hashes are `a * x + b` modulo a prime, the same on every node.
    """
    return [min([(a * x + b) % HASH_PRIME for x in fingerprints]) for a, b in _coefficients()]


@cache
def _coefficients() -> list[tuple[int, int]]:
    drawn = [blake2b(str(number).encode(), digest_size=16).digest() for number in range(PERMUTATIONS)]
    return [
        (1 + int.from_bytes(bits[:8], "little") % (HASH_PRIME - 1), int.from_bytes(bits[8:], "little") % HASH_PRIME)
        for bits in drawn
    ]


def alike(signature_sets: list[list[tuple[str, bytes]]]) -> list[Pair]:
    """Find the pairs of modules with an estimated similarity of at least `ALIKE`, most alike first.

    Only modules that share a band of their signatures are compared (locality-sensitive hashing: Indyk and Motwani
    1998; `BANDS` says what it misses). Of modules with one and the same signature all are paired with the first,
    and only the first with others: a thousand copies make a thousand pairs, not half a million.
    """
    same: defaultdict[bytes, list[str]] = defaultdict(list)
    for path, signature in sorted(pair for pairs in signature_sets for pair in pairs):
        same[signature].append(path)
    found = [Pair(similarity=1.0, left=first, right=copy) for first, *copies in same.values() for copy in copies]
    unpacked = {signature: unpack(signature) for signature in same}
    for one, other in _meeting(list(same)):
        similarity = sum(map(eq, unpacked[one], unpacked[other])) / PERMUTATIONS
        if similarity >= ALIKE:
            left, right = sorted((same[one][0], same[other][0]))
            found.append(Pair(similarity=similarity, left=left, right=right))
    return sorted(found, key=lambda pair: (-pair["similarity"], pair["left"], pair["right"]))


def _meeting(signatures: Sequence[bytes]) -> set[tuple[bytes, bytes]]:
    """The pairs that are equal in at least one band."""
    width = 4 * ROWS
    met: set[tuple[bytes, bytes]] = set()
    for start in range(0, BANDS * width, width):
        buckets: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for signature in signatures:
            buckets[signature[start : start + width]].append(signature)
        for bucket in buckets.values():
            met.update(combinations(bucket, 2))
    return met
