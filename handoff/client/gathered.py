"""What comes of many functions, whoever has submitted them: their results, or they themselves as they end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from handoff.errors import HandoffError, UnknownFunction
from handoff.ledger.asking import Ledger
from handoff.ledger.ends import End, Ends
from handoff.ledger.records import Record, outcome
from handoff.ledger.results import each_record
from handoff.ledger.states import ENDED, STATES
from handoff.serializer import SerializerLike

AHEAD_BYTES = 64_000_000
"""Of what one look finds as many bytes of results are read at once, however long somebody takes over each handle."""

FIRST_AHEAD, MOST_AHEAD = 8, 256
"""Results that are read in one round trip: as many as there is memory for if they are as large as those before."""


class OfFunction(Protocol):
    """A handle of one function."""

    id: str
    function_id: str
    ended: Record | None  #: what it has ended with, for the next who asks for its result


H = TypeVar("H", bound=OfFunction)


def read_handles(handles: Iterable[H]) -> list[H]:
    """Read all of them. Raises `TypeError` for what is no handle of a function."""
    if not isinstance(handles, Iterable):
        kind = type(handles).__name__
        raise TypeError(f"what is waited for is no list of handles, but a {kind}: write [handle] for one of them")
    given = list(handles)
    for each in given:
        if not isinstance(getattr(each, "function_id", None), str):
            raise TypeError(f"among the handles is a {type(each).__name__}: give handles of functions")
    return given


def read_ids(ids: Iterable[str]) -> list[str]:
    """Read all of them. Raises `TypeError` for what is no list of ids."""
    if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
        raise TypeError(f"ids is a {type(ids).__name__}: give a list of ids, also of a single one")
    return list(ids)


def read_handles_or_ids(functions: Iterable[OfFunction | str]) -> list[str]:
    """Read all of them. -> their ids. Raises `TypeError` for what is neither, or no list."""
    if isinstance(functions, str | bytes) or not isinstance(functions, Iterable):
        kind = type(functions).__name__
        raise TypeError(
            f"what is canceled is no list of handles or ids, but a {kind}: give a list, also of a single one"
        )
    given = list(functions)
    for each in given:
        if not (isinstance(each, str) or isinstance(getattr(each, "function_id", None), str)):
            raise TypeError(
                f"among what is canceled is a {type(each).__name__}: give handles of functions, or their ids"
            )
    return [each if isinstance(each, str) else each.id for each in given]


async def each_ended(ledger: Ledger, ends: Ends, handles: Sequence[H]) -> AsyncIterator[H]:
    """Give the handles as they end, with what they have ended with."""
    by_id: dict[str, list[H]] = {}
    for handle in handles:
        by_id.setdefault(handle.id, []).append(handle)
    while some := await ends.more():
        ahead = await _read_ahead(ledger, [end.job_id for end in some])
        for end in some:
            record = ahead.pop(end.job_id, None)
            for handle in by_id.pop(end.job_id):
                handle.ended = record
                yield handle


async def _read_ahead(ledger: Ledger, ids: Sequence[str]) -> dict[str, Record]:
    """Read what the first of them have ended with, as far as it is kept and memory is set aside for it."""
    ahead: dict[str, Record] = {}
    first, count, left = 0, FIRST_AHEAD, AHEAD_BYTES
    while count > 0 and (some := ids[first : first + count]):
        size = 0
        async for record in each_record(ledger, some):
            if isinstance(record, Record) and record.status in ENDED:
                ahead[record.job_id] = record
                size += record.size
        first, left = first + len(some), left - size
        count = min(MOST_AHEAD, 2 * len(some), left * len(some) // max(1, size))
    return ahead


async def gather_values(
    ledger: Ledger, serializer: SerializerLike, ends: Ends, ids: Sequence[str], *, keep_errors: bool, progress: bool
) -> list[Any]:
    """Wait for all of them. -> their results, in this order; with `keep_errors` in place of one its error"""
    found: dict[str, Any] = {}
    with _shown(ends) if progress else _unshown() as show:
        while some := await ends.more():
            show(some)
            # Too late there are no results, but perhaps the error of the first that has failed.
            read = [end.job_id for end in some if not ends.are_late or (end.status != "finished" and not keep_errors)]
            found |= await _outcomes(ledger, serializer, read, keep_errors=keep_errors)
    return [found[id] for id in ids]


async def _outcomes(
    ledger: Ledger, serializer: SerializerLike, ids: Sequence[str], *, keep_errors: bool
) -> dict[str, Any]:
    """Read what has come of them while it is kept, which may be for less than the last of all takes."""
    found: dict[str, Any] = {}
    records = each_record(ledger, ids)
    for id in ids:
        record = await anext(records)
        try:
            if isinstance(record, UnknownFunction):
                raise record
            found[id] = outcome(record, serializer)
        except HandoffError as error:
            if not keep_errors:
                raise
            found[id] = error
    return found


Tell = Callable[[Iterable[End]], None]


@contextmanager
def _unshown() -> Iterator[Tell]:
    yield lambda some: None


@contextmanager
def _shown(ends: Ends) -> Iterator[Tell]:
    from handoff.client.bar import bar

    with bar(ends.total) as show:
        ended = dict.fromkeys(("finished", "failed", "canceled", "gone"), 0)

        def told(some: Iterable[End]) -> None:
            for end in some:
                ended[end.status or "gone"] += 1
            show_now()

        def show_now() -> None:
            show(sum(ended.values()), {**_in_order(ends.standing), **ended})

        ends.on_look = show_now
        yield told


def _in_order(standing: Mapping[str, int]) -> dict[str, int]:
    return {state: standing[state] for state in STATES if state in standing}
