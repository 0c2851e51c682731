"""Why what waits for room waits: of each shape the first that stands in its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handoff.errors import UnknownFunction, UnreadableField
from handoff.ledger.asking import Ledger
from handoff.ledger.fields import names_of
from handoff.ledger.phrases import in_words
from handoff.ledger.store import Call
from handoff.ledger.stored_job import StoredJob
from handoff.view.overview import Waiting
from handoff.why.explain import explain
from handoff.why.explanation import Explanation

_CHANGES = ("would start now on ", " could with ", " has room when ")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the first of a shape waits."""

    name: str  #: of what it calls
    why: Explanation

    def beside(self, shape: Waiting) -> tuple[str, str]:
        """The sentence without what is wanted, which stands beside it. -> it, and what would let it start"""
        text = self.why.text.removeprefix(f"waits for {in_words(shape.cost)}").removeprefix(": ").removeprefix(", ")
        parts = text.split("; ")
        changes = [part for part in parts[1:] if any(mark in f" {part}" for mark in _CHANGES)]
        return "; ".join(part for part in parts if part not in changes), "; ".join(changes)


@Call
async def read_reasons(ledger: Ledger, shapes: Sequence[Waiting]) -> dict[str, Reason]:
    """Explain the first of each of these shapes: by shape. What has all gone meanwhile, or cannot be read, is left out.

    One script each, of some tenths of a millisecond: give those that are shown.
    """
    found = {}
    for shape in shapes:
        why = await _explain_first(ledger, shape)
        if why is not None:
            found[shape.shape] = why
    jobs = await ledger.read_each(
        [("HMGET", ledger.keys("rq_job", why.id), *names_of(("code",))) for why in found.values()]
    )
    return {
        shape: Reason(StoredJob.of(("code",), values).bytes("code").decode(errors="replace"), why)
        for (shape, why), values in zip(found.items(), jobs, strict=True)
    }


async def _explain_first(ledger: Ledger, shape: Waiting) -> Explanation | None:
    """Where the one that was read as the first has gone meanwhile, of the one that is first now."""
    why = None if shape.first is None else await _explain(ledger, shape.first)
    if why is None:
        now_first = await ledger.read("ZRANGE", ledger.keys("shape", shape.shape), 0, 0)
        why = await _explain(ledger, now_first[0].decode()) if now_first else None
    return why


async def _explain(ledger: Ledger, id: str) -> Explanation | None:
    try:
        why = await explain(ledger, id)
    except (UnknownFunction, UnreadableField):
        return None
    return why if why.state in ("waiting", "infeasible") else None
