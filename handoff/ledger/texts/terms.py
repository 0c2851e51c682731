"""Constraints, `node=a;tier!=spot|test`: each term a label, and the values of which a node must have one, or none.

The term `^=cpu:40000|slots:20000` asks for a node that has so much when idle: room for all of a collocated group.
"""

from __future__ import annotations

from collections.abc import Iterable

from handoff.words.constraints import Term
from handoff.words.resources import Units

CAPACITY = "^"


def write_terms(terms: Iterable[Term]) -> str:
    """Write terms, what a group needs behind all others. Equal constraints give equal texts."""
    return ";".join(text for _, text in sorted((term.name == CAPACITY, write_term(term)) for term in terms))


def write_term(term: Term) -> str:
    """Write one: `zone=a|b`, or `zone!=a|b`."""
    return f"{term.name}{'!=' if term.negated else '='}{'|'.join(term.values)}"


def read_terms(text: str) -> tuple[Term, ...]:
    """Read terms."""
    return tuple(map(_read_term, text.split(";"))) if text else ()


def _read_term(text: str) -> Term:
    name, negation, values = text.partition("!=") if "!=" in text else text.partition("=")
    return Term(name, tuple(values.split("|")), negated=negation == "!=")


def capacity_term(units: Units) -> Term:
    """The term for a node that has so much when idle."""
    return Term(CAPACITY, tuple(f"{name}:{units[name]}" for name in sorted(units)), negated=False)


def capacity_of(term: Term) -> Units:
    """How much such a term asks for."""
    return {name: int(units) for name, _, units in (value.partition(":") for value in term.values)}


def each_term(text: str) -> list[str]:
    """Terms as texts, each as it stands."""
    return [part for part in text.split(";") if part]


def labels_of(term: Term) -> list[str]:
    """What the bitmaps of the labels are called of which a term speaks."""
    return [f"{term.name}={value}" for value in term.values]
