"""One function that is called with the values of iterables: read, checked and serialized a batch at a time."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from handoff.errors import HandoffError, Infeasible, PartlySubmitted, StoreUnavailable, shown
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
            kind = type(each).__name__
            collect = "read it first: [value async for value in it]"
            advice = collect if isinstance(each, AsyncIterable) else "write [value] for one value"
            raise TypeError(f"what is mapped is no iterable, but a {kind}: {advice}")
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        raise TypeError(
            f"map has no {', '.join(map(shown, unknown))}: give options of `Function`, and as kwargs={{...}} what all"
            " calls have by name"
        )
    given = {} if kwargs is None else kwargs
    return (Function(new_id(), fn, extra_args=args, kwargs=given, **options) for args in zip(*iterables, strict=False))


@dataclass(slots=True)
class Mapped(Generic[H]):
    """What was submitted of the calls, in their order."""

    handles: list[H | None] = field(default_factory=list)  #: None where one does not stand
    told: list[Verdict | Exception] = field(default_factory=list)  #: what was decided, or why it does not stand
    read: int | None = None  #: how many values were read, where that was stopped
    trouble: Exception | None = None  #: what stopped it, if it came of the iterables


async def submit_calls(
    calls: Iterator[Function],
    making: Callable[[], Callable[[Function], T]],
    submit: Callable[[Sequence[T]], Awaitable[tuple[list[H | None], list[Told]]]],
    undecided: Callable[[T], H],
) -> Mapped[H]:
    """Make calls of one batch after the other, and submit each. Raises what keeps all of them out.

    `undecided` makes the handle of one of which nobody knows whether it stands.
    """
    mapped: Mapped[H] = Mapped()
    under_way: Sequence[T] = []
    try:
        while True:
            made, trouble = _read_batch(calls, making())
            if trouble is not None and not mapped.told:
                raise trouble
            if made:
                under_way = made
                some, said = await _submit_batch(made, submit, is_first=not mapped.told)
                under_way = []
                mapped.handles += some
                mapped.told += said
                if _is_vain(said):
                    mapped.read = len(mapped.told)
                    return mapped
            if trouble is not None:
                mapped.read, mapped.trouble = len(mapped.told), trouble
                mapped.handles.append(None)
                mapped.told.append(trouble)
            if len(made) < BATCH:
                return mapped
    except BaseException as stop:
        # Ctrl-C, or a task that is canceled: whoever did it would not know what stands.
        sent = [handle for handle in mapped.handles if handle is not None] + list(map(undecided, under_way))
        if isinstance(stop, Exception) or not sent:
            raise
        raise stop from PartlySubmitted(sent, {}, len(mapped.told) + len(under_way))


def _is_vain(said: Sequence[Told]) -> bool:
    """Whether it is of no use to read on: Redis has gone, or of calls that all ask for the same none fits anywhere."""
    return any(isinstance(one, StoreUnavailable | ScriptBug) for one in said) or all(
        isinstance(one, Infeasible) for one in said
    )


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
