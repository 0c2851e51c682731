"""Functions that are submitted together, as few values as they can be: what many have in common stands there once.

How many kinds of them there are, and each kind: how many values follow, then demand, options, priority, preferred,
refuse (0, 1), delay_ms, due_ms, how many fields of its hash each function has for itself, the names of these, and what
all have there: name, value, ... Then the functions in their order: number of the kind, id of the job, a value for each
field of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handoff.ledger.texts.entries import Value

Kind = tuple[Value, ...]
"""What functions have in common; the first of them has number 1."""


def write_kind(
    demand: str,
    options: str,
    priority: int,
    preferred: str,
    refuse: bool,
    delay_ms: int,
    due_ms: int,
    own: Iterable[str],
    fields: Sequence[Value],
) -> Kind:
    """Write a kind. `own` are names of fields that each has for itself; `fields`, of all: name, value, ..."""
    names = tuple(own)
    return (demand, options, priority, preferred, int(refuse), delay_ms, due_ms, len(names), *names, *fields)


def write_submissions(kinds: Sequence[Kind], functions: Iterable[tuple[int, str, Iterable[Value]]]) -> list[Value]:
    """Write functions, each with the number of its kind, the id of its job, and the values of its own fields."""
    written: list[Value] = [len(kinds)]
    for kind in kinds:
        written += (len(kind), *kind)
    for number, job_id, values in functions:
        written += (number, job_id, *values)
    return written
