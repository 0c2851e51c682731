"""What a generator function yields, part by part, while it runs and afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from handoff.errors import HandoffError
from handoff.ledger.asking import Ledger
from handoff.ledger.records import Record, look, outcome, serializer_of
from handoff.ledger.store import Each
from handoff.ledger.told import Thing, follow
from handoff.serializer import SerializerLike

KEY = "parts"


class StreamRestarted(HandoffError):
    """The function is tried again: what it has yielded so far was of an attempt that has failed."""

    def __init__(self, attempt: int) -> None:
        super().__init__(attempt)
        self.attempt = attempt  #: the one that runs now, or ran last

    def __str__(self) -> str:
        return (
            f"attempt {self.attempt} of the function begins its stream anew: "
            "forget the parts so far and read handle.stream() again, or go on with the new ones by stream(restart=True)"
        )


class StreamBehind(HandoffError):
    """Parts of a stream are gone that were to come next: they were not read in time."""

    def __init__(self, missed: int) -> None:
        super().__init__(missed)
        self.missed = missed  #: how many

    def __str__(self) -> str:
        return (
            f"{self.missed} parts of the stream are gone, for the last 1,000 or 8 MB of it are kept: "
            "read faster, have the function yield less often, or read what is kept by handle.stream()"
        )


@Each
async def stream_parts(ledger: Ledger, job_id: str, serializer: SerializerLike, *, restart: bool) -> AsyncIterator[Any]:
    """Give the parts that are kept, and those that come, until the function has ended; then raise as its result does.

    Where it is tried again raises `StreamRestarted`, or with `restart` goes on with the parts of that attempt. Raises
    `StreamBehind` where parts are gone that were to come next, and `UnknownFunction`.
    """
    serializer = serializer_of(await look(ledger, job_id), serializer)
    last: Thing | None = None
    async for thing in follow(ledger, KEY, job_id):
        if last is not None and _is_of_another(thing, last):
            if not restart:
                raise StreamRestarted(thing.attempts if isinstance(thing, Record) else thing.attempt)
            last = None if isinstance(thing, Record) else Thing(thing.placement, 0, thing.attempt, b"")
        if isinstance(thing, Record):
            outcome(thing, serializer)
            return
        if last is not None and thing.number > last.number + 1:
            raise StreamBehind(thing.number - last.number - 1)
        last = thing
        yield serializer.loads(thing.data)


def _is_of_another(thing: Thing | Record, last: Thing) -> bool:
    """Whether another attempt has told it, or has come to it."""
    return thing.attempts != last.attempt if isinstance(thing, Record) else thing.placement != last.placement
