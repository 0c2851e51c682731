"""Reading what may be large a page at a time, by plain reads: what was so a moment ago, to look at it by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import redis

from handoff.ledger.store import Store

T = TypeVar("T")

PAGE = 256

SCANNED = 512
"""Keys of one SCAN, of all that the server has: some 0.2 ms."""

BITMAP_PAGE = 16384
"""Bytes."""


def plain(store: Store, command: str, *arguments: Any) -> Any:
    """One read; None of a key of another type, which is told by itself."""
    try:
        return store.read(command, *arguments)
    except redis.ResponseError as error:
        if str(error).startswith("WRONGTYPE"):
            return None
        raise


def pairs_of(store: Store, command: str, key: str) -> Iterator[tuple[bytes, bytes]]:
    """The members of a hash (HSCAN) or sorted set (ZSCAN), with their values; some twice."""
    for page in _scan(store, command, key):
        yield from zip(page[::2], page[1::2], strict=True)


def members_of(store: Store, key: str) -> Iterator[bytes]:
    """The members of a set; some twice."""
    for page in _scan(store, "SSCAN", key):
        yield from page


def _scan(store: Store, command: str, key: str) -> Iterator[list[bytes]]:
    cursor: Any = 0
    while True:
        cursor, page = plain(store, command, key, cursor, "COUNT", PAGE) or (0, [])
        yield _flat(page)
        if int(cursor) == 0:
            return


def _flat(page: Any) -> list[bytes]:
    """As Redis answers it: redis-py makes a dict of some."""
    if isinstance(page, dict):
        return [part for pair in page.items() for part in pair]
    if page and isinstance(page[0], tuple):
        return [part for pair in page for part in pair]
    return list(page)


def entries_of(store: Store, key: str) -> Iterator[bytes]:
    """The entries of a list, from its end: what is taken off its front meanwhile moves nothing."""
    length = int(plain(store, "LLEN", key) or 0)
    for first in range(0, length, PAGE):
        yield from plain(store, "LRANGE", key, -first - PAGE, -first - 1) or ()


def keys_like(store: Store, pattern: str) -> Iterator[bytes]:
    """Keys of the server; some twice."""
    cursor: Any = 0
    while True:
        cursor, page = store.read("SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED)
        yield from page
        if int(cursor) == 0:
            return


def positions_in(store: Store, key: str) -> Iterator[int]:
    """The bits that are set in a bitmap."""
    page, first = b"", 0
    while not first or len(page) == BITMAP_PAGE:
        page = plain(store, "GETRANGE", key, first, first + BITMAP_PAGE - 1) or b""
        if page.strip(b"\0"):
            for at, byte in enumerate(page, first):
                if byte:
                    yield from (8 * at + bit for bit in range(8) if byte >> (7 - bit) & 1)
        first += BITMAP_PAGE


def some(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """Items, so many at a time."""
    left = iter(items)
    while page := list(islice(left, count)):
        yield page
