"""One function that is called with the values of iterables: read, checked and serialized a batch at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from handoff.errors import HandoffError, StoreUnavailable, shown
from handoff.ledger.asking import ScriptBug
from handoff.ledger.many import Told
from handoff.ledger.verdict import Verdict
from handoff.words.code import Code
from handoff.words.declared import Options
from handoff.words.function import Function
from handoff.words.ids import new_id

H = TypeVar("H")
T = TypeVar("T")

BATCH = 256
"""So many are in memory at a time, of however many there are. To make them takes a few milliseconds, in which an event
loop does nothing else."""


def read_calls(
    fn: Code, iterables: Sequence[Iterable[Any]], kwargs: Mapping[str, Any] | None, options: Options
) -> Iterator[Function]:
    """The calls, made while they are read: as many as the shortest of the iterables gives. Raises `TypeError`."""
    if not iterables:
        raise TypeError("there is nothing to map: give at least one iterable, whose values the function is called with")
    for each in iterables:
        if not isinstance(each, Iterable):
            raise TypeError(f"what is mapped is no iterable, but a {type(each).__name__}: write [value] for one value")
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        raise TypeError(
            f"map has no {', '.join(map(shown, unknown))}: give options of `Function`, and as kwargs={{...}} what all"
            " calls have by name"
        )
    given = {} if kwargs is None else kwargs
    return (Function(new_id(), fn, extra_args=args, kwargs=given, **options) for args in zip(*iterables, strict=False))


async def submit_calls(
    calls: Iterator[Function],
    making: Callable[[], Callable[[Function], T]],
    submit: Callable[[Sequence[T]], Awaitable[tuple[list[H | None], list[Told]]]],
) -> tuple[list[H | None], list[Verdict | Exception]]:
    """Make calls of one batch after the other, and submit each. -> the handles, None where there is none, and why

    Raises what keeps all of them out.
    """
    handles: list[H | None] = []
    told: list[Verdict | Exception] = []
    trouble: Exception | None = None
    is_last = False
    while not is_last:
        made, trouble = _read_batch(calls, making())
        is_last = len(made) < BATCH
        if made and (trouble is None or told):
            some, said = await _submit_batch(made, submit, is_first=not told)
            handles += some
            told += said
            # Where Redis has gone the rest is not even read.
            is_last = is_last or any(isinstance(one, StoreUnavailable | ScriptBug) for one in said)
    if trouble is not None:
        if not told:
            raise trouble
        handles.append(None)
        told.append(trouble)
    return handles, told


async def _submit_batch(
    made: Sequence[T], submit: Callable[[Sequence[T]], Awaitable[tuple[list[H | None], list[Told]]]], *, is_first: bool
) -> tuple[list[H | None], list[Told]]:
    try:
        return await submit(made)
    except (HandoffError, ScriptBug) as error:
        if is_first:
            raise
        return [None] * len(made), [error] * len(made)


def _read_batch(calls: Iterator[Function], make: Callable[[Function], T]) -> tuple[list[T], Exception | None]:
    """Make the next ones. -> what was made of them, and why there are no more of them, if for more than their end"""
    made: list[T] = []
    try:
        for call in islice(calls, BATCH):
            made.append(make(call))
    # The iterables are the user's, and raise what they like; it is told with the handles of those before.
    except Exception as error:
        return made, error
    return made, None
