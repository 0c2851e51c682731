"""Which functions stand where, by their ids: the newest first, and no more than asked for.

Read where RQ and the ledger have them, a page at a time. Not one moment: what moves meanwhile may be met twice, or not.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handoff.ledger.asking import Ledger
from handoff.ledger.counts import Counts
from handoff.ledger.ranks import first_of_priority, order_of
from handoff.ledger.replies import scored_of
from handoff.ledger.store import Call
from handoff.ledger.texts.reservation import job_of

PAGE = 500
"""Ids that one command brings: a tenth of a millisecond of the server's time."""

MOST_PRIORITIES = 64
"""Of so many priorities the newest are looked for, from the least on, for which one waits longest."""

MOST_RETURNED = 32
"""So many of a priority are looked at for who waits longest: who came back, from a lost node or to be tried again, has
its old place in the line, and has waited for less than those behind it."""

REGISTRIES = {"finished": "rq_finished", "failed": "rq_failed", "canceled": "rq_canceled"}
"""Where RQ has what has ended."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The newest of one place."""

    ids: list[str]
    more: bool  #: whether there are others


async def read_names(ledger: Ledger) -> list[str]:
    """Of whom functions may be known yet: '' for the lobby, nodes, and nodes that are gone."""
    nodes, past = await ledger.read_each([("ZRANGE", ledger.keys(name), 0, -1) for name in ("nodes", "past")])
    return ["", *(name.decode() for name in dict.fromkeys([*nodes, *past]))]


@Call
async def read_nodes_known(ledger: Ledger) -> list[str]:
    """The names of all nodes."""
    return [name.decode() for name in await ledger.read("ZRANGE", ledger.keys("nodes"), 0, -1)]


async def of_line(ledger: Ledger, key: str, most: int) -> Ids:
    """The newest of a line: of all that wait, or of one shape. Those submitted last come first, whatever their rank."""
    found: list[tuple[int, str]] = []
    below, more = "+inf", False
    for _ in range(MOST_PRIORITIES):
        top = scored_of(await ledger.read("ZREVRANGEBYSCORE", key, below, "-inf", "WITHSCORES", "LIMIT", 0, 1))
        if not top:
            break
        least = first_of_priority(top[0][1])
        band, has_more = await _of_priority(ledger, key, below, least, most)
        found, more = found + band, more or has_more
        below = f"({least}"
    else:
        more = more or bool(await ledger.read("ZCOUNT", key, "-inf", below))
    newest = heapq.nlargest(most, found)
    return Ids([id for _, id in newest], more or len(found) > most)


async def _of_priority(
    ledger: Ledger, key: str, below: str, least: int, most: int
) -> tuple[list[tuple[int, str]], bool]:
    """Those of one priority with their orders, and whether there are others."""
    found: list[tuple[int, str]] = []
    while len(found) < most:
        size = min(PAGE, most - len(found))
        page = scored_of(await ledger.read("ZREVRANGEBYSCORE", key, below, least, "WITHSCORES", "LIMIT", 0, size))
        found += [(order_of(rank), id.decode()) for id, rank in page]
        if len(page) < size:
            return found, False
        below = f"({int(page[-1][1])}"
    return found, bool(await ledger.read("ZCOUNT", key, least, below))


async def first_of_line(ledger: Ledger, key: str) -> list[str]:
    """The first of each priority: of that, those who were submitted first."""
    found: list[str] = []
    below = "+inf"
    for _ in range(MOST_PRIORITIES):
        last = scored_of(await ledger.read("ZREVRANGEBYSCORE", key, below, "-inf", "WITHSCORES", "LIMIT", 0, 1))
        if not last:
            break
        least = first_of_priority(last[0][1])
        found += [
            id.decode() for id in await ledger.read("ZRANGEBYSCORE", key, least, "+inf", "LIMIT", 0, MOST_RETURNED)
        ]
        below = f"({least}"
    return found


async def of_set(ledger: Ledger, key: str, most: int) -> Ids:
    """Those of a set with the largest scores."""
    found: list[str] = []
    while len(found) < most:
        last = min(len(found) + PAGE, most) - 1
        page = await ledger.read("ZREVRANGE", key, len(found), last)
        found += [id.decode() for id in page]
        if len(found) <= last:
            break
    ids = [*dict.fromkeys(found)]
    return Ids(ids, await ledger.read("ZCARD", key) > len(ids))


async def on_queues(ledger: Ledger, counts: Mapping[str, Counts], most: int) -> Ids:
    """What stands on the queues of these nodes, of each as many."""
    nodes = [node for node, each in counts.items() if each.queued]
    share = _share(most, len(nodes))
    keys = [ledger.keys("rq_queue", ledger.keys.queue(node)) for node in nodes]
    pages = await ledger.read_each([("LRANGE", key, -share, -1) for key in keys])
    count = sum(counts[node].queued for node in nodes)
    return _together([[id.decode() for id in reversed(page)] for page in pages], count, most)


async def running_on(ledger: Ledger, counts: Mapping[str, Counts], most: int) -> Ids:
    """What runs on these nodes, of each as many."""
    nodes = [node for node, each in counts.items() if each.started]
    share = _share(most, len(nodes))
    pages = await ledger.read_each([("ZREVRANGE", ledger.keys("running", node), 0, share - 1) for node in nodes])
    count = sum(counts[node].started for node in nodes)
    return _together([[job_of(id.decode()) for id in page] for page in pages], count, most)


async def longest_on(ledger: Ledger, nodes: Sequence[str], most: int, most_of_all: int) -> list[str]:
    """What has run longest on each of these nodes: of each at least the first, at most `most`."""
    share = max(1, min(most, most_of_all // max(1, len(nodes))))
    pages = await ledger.read_each([("ZRANGE", ledger.keys("running", node), 0, share - 1) for node in nodes])
    return _together([[job_of(id.decode()) for id in page] for page in pages], 0, most_of_all).ids


def _share(most: int, count: int) -> int:
    return math.ceil(most / max(1, count))


def _together(pages: Sequence[Sequence[str]], count: int, most: int) -> Ids:
    """The first of each page, then the second of each, and so on."""
    longest = max(map(len, pages), default=0)
    ids = [page[i] for i in range(longest) for page in pages if i < len(page)][:most]
    return Ids(ids, count > len(ids))


async def in_registries(ledger: Ledger, state: str, counts: Mapping[str, Counts], most: int) -> Ids:
    """What has ended so on these nodes: what RQ keeps longest comes first, of one lifetime that is the newest."""
    nodes = [node for node, each in counts.items() if getattr(each, state)]
    merging = _Merging(ledger, [ledger.keys(REGISTRIES[state], ledger.keys.queue(node)) for node in nodes])
    await merging.begin(_share(most, len(nodes)))
    ids: list[str] = []
    while len(ids) < most and (id := await merging.next()) is not None:
        ids.append(id)
    return Ids(ids, await merging.next() is not None)


class _Merging:
    """Sets that are gone through as one, the largest score first."""

    def __init__(self, ledger: Ledger, keys: Sequence[str]) -> None:
        self._ledger = ledger
        self._keys = keys
        self._read = [0] * len(keys)  #: how many of each have come
        self._has_more = [True] * len(keys)
        #: What has come and is not gone through: the score, which set, the place in it; and the id.
        self._heap: list[tuple[float, int, int, str]] = []
        self._left = [0] * len(keys)  #: of each how many are on the heap

    async def begin(self, share: int) -> None:
        """Read the first page of each at once."""
        size = min(PAGE, max(8, share))
        pages = await self._ledger.read_each([("ZREVRANGE", key, 0, size - 1, "WITHSCORES") for key in self._keys])
        for which, page in enumerate(pages):
            self._put(which, scored_of(page), size)

    async def next(self) -> str | None:
        """The next id; None behind the last."""
        if not self._heap:
            return None
        _, which, _, id = heapq.heappop(self._heap)
        self._left[which] -= 1
        if not self._left[which] and self._has_more[which]:
            first = self._read[which]
            page = await self._ledger.read("ZREVRANGE", self._keys[which], first, first + PAGE - 1, "WITHSCORES")
            self._put(which, scored_of(page), PAGE)
        return id

    def _put(self, which: int, page: Sequence[tuple[bytes, float]], size: int) -> None:
        for i, (id, score) in enumerate(page):
            heapq.heappush(self._heap, (-score, which, self._read[which] + i, id.decode()))
        self._read[which] += len(page)
        self._left[which] += len(page)
        self._has_more[which] = len(page) == size
