"""What the node that comes nearest lacks, even when idle: `<node>|<item>|...`, '' where no node is live.

An item is `<what>~<wanted>~<there>`: a resource with units, `*<resource>` of what all share, `^<resource>` of what
there must be for a whole group, `@<label>` with the values that would do (behind `!`: that would not).
`?<what>~<names>` is of a resource, or of a label, that nothing has: names that there are. `|^<node>` at the end names a
node that could hold it and is drained, `|^<node>^<ms>` one that could and is lost since then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from handoff.ledger.texts.list import read_list
from handoff.words.constraints import Term

_SHARED, _CAPACITY, _LABEL, _NEGATED, _UNKNOWN = "*", "^", "@", "!", "?"


@dataclass(frozen=True, slots=True)
class Amiss:
    """Less of a resource than is wanted; or as much, but not as whole devices."""

    resource: str
    wanted: int
    there: int
    of: Literal["node", "shared", "group"] = "node"  #: who has it; `group`: it is for all that are collocated


@dataclass(frozen=True, slots=True)
class Unlike:
    """A label that is not as wanted."""

    term: Term
    there: str  #: '' = the node has no such label


Item = Amiss | Unlike


@dataclass(frozen=True, slots=True)
class Away:
    """A node that could hold it, and takes nothing."""

    node: str
    lost_ms: int | None  #: since when it is lost; None = it is not, but drained


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Of the node that comes nearest."""

    node: str  #: '' = none is live
    items: tuple[Item, ...]
    away: Away | None  #: who could hold it, if it were there
    resources: Mapping[str, Sequence[str]]  #: of each wanted one that nothing has, names that there are
    labels: Mapping[str, Sequence[str]]  #: the same of labels


def read_shortfall(text: str) -> Shortfall:
    """Read a shortfall."""
    node, *parts = text.split("|")
    away = _away(parts.pop()) if parts and _names_away(parts[-1]) else None
    unknown = [part.removeprefix(_UNKNOWN).split("~") for part in parts if part.startswith(_UNKNOWN)]
    names = {what: tuple(read_list(listed)) for what, listed in unknown}
    return Shortfall(
        node,
        tuple(read_item(part) for part in parts if part and not part.startswith(_UNKNOWN)),
        away,
        {what: near for what, near in names.items() if not what.startswith(_LABEL)},
        {what.removeprefix(_LABEL): near for what, near in names.items() if what.startswith(_LABEL)},
    )


def _names_away(part: str) -> bool:
    return part.startswith(_CAPACITY) and "~" not in part


def _away(part: str) -> Away:
    node, _, since = part.removeprefix(_CAPACITY).partition(_CAPACITY)
    return Away(node, int(since) if since else None)


def read_item(text: str) -> Item:
    """Read what is said of one thing."""
    what, wanted, there = text.split("~")
    if what.startswith(_LABEL):
        values = tuple(read_list(wanted.removeprefix(_NEGATED)))
        return Unlike(Term(what[1:], values, negated=wanted.startswith(_NEGATED)), there)
    match what[:1]:
        case "*":
            return Amiss(what[1:], int(wanted), int(there), "shared")
        case "^":
            return Amiss(what[1:], int(wanted), int(there), "group")
        case _:
            return Amiss(what, int(wanted), int(there))
