"""What comes of many functions, whoever has submitted them: their results, or they themselves as they end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from handoff.errors import HandoffError, UnknownFunction
from handoff.ledger.asking import Ledger
from handoff.ledger.ends import End, Ends
from handoff.ledger.records import look, outcome
from handoff.ledger.results import each_record
from handoff.ledger.states import STATES
from handoff.serializer import SerializerLike


class OfFunction(Protocol):
    """A handle of one function."""

    id: str
    function_id: str


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


async def each_ended(ends: Ends, handles: Sequence[H]) -> AsyncIterator[H]:
    """Give the handles as they end."""
    by_id: dict[str, list[H]] = {}
    for handle in handles:
        by_id.setdefault(handle.id, []).append(handle)
    while some := await ends.more():
        for end in some:
            for handle in by_id[end.job_id]:
                yield handle


async def gather_values(
    ledger: Ledger, serializer: SerializerLike, ends: Ends, ids: Sequence[str], *, keep_errors: bool, progress: bool
) -> list[Any]:
    """Wait for all of them. -> their results, in this order; with `keep_errors` in place of one its error"""
    with _shown(ends) if progress else _unshown() as show:
        while some := await ends.more():
            show(some)
            if not keep_errors:
                await _raise_first(ledger, serializer, some)
    found: dict[str, Any] = {}
    async for id, record in _each(ledger, list(dict.fromkeys(ids))):
        try:
            if isinstance(record, UnknownFunction):
                raise record
            found[id] = outcome(record, serializer)
        except HandoffError as error:
            if not keep_errors:
                raise
            found[id] = error
    return [found[id] for id in ids]


async def _raise_first(ledger: Ledger, serializer: SerializerLike, some: Iterable[End]) -> None:
    for end in some:
        if end.status != "finished":
            outcome(await look(ledger, end.job_id), serializer)


async def _each(ledger: Ledger, ids: Sequence[str]) -> AsyncIterator[tuple[str, Any]]:
    records = each_record(ledger, ids)
    for id in ids:
        yield id, await anext(records)


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
