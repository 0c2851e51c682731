"""Why no node could hold a function, even an idle one, in words. Pure: reads what the scripts say of the nearest node.

Each thing that is missing there is `<what>~<wanted>~<there>`: a resource in units of 1/10,000, `*<resource>` for one
that the whole cluster shares, `^<resource>` for one of which there must be so much for all that are collocated,
`@<label>` for a label with the values that would do (behind `!`: that would not).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from handoff.words.constraints import NODE, Term
from handoff.words.resources import Amount, amount

CAPACITY = "^"
"""The name of the term `^=cpu:40000|slots:20000`: a node must have, idle, so much for all that are collocated."""


def in_words(cost: Mapping[str, Amount]) -> str:
    """Say a cost: `cpu 2, memory 500`."""
    return ", ".join(f"{name} {value}" for name, value in cost.items()) or "a slot"


def terms_in_words(terms: Iterable[Term]) -> str:
    """Say which nodes will do: `zone a or b, any tier but spot`."""
    return ", ".join(map(_term_in_words, terms))


def _term_in_words(term: Term) -> str:
    if term.name == CAPACITY:
        wanted = {name: amount(int(units)) for name, _, units in (value.partition(":") for value in term.values)}
        return f"all collocated with it fit ({in_words(wanted)})"
    return f"any {term.name} but {_any(term.values)}" if term.negated else f"{term.name} {_any(term.values)}"


def nearest_text(nearest: str, pinned: str | None) -> str:
    """Say what the nearest node lacks: `gpu 4 wanted, big-1 has 2`.

    `nearest` is `<node>|<missing>|...`, or '' where no node is live; of a function that is pinned, where that one is
    not. `|^<node>` at its end names one that could hold it and is being drained.
    """
    node, *items = nearest.split("|")
    is_drained = bool(items) and items[-1].startswith("^") and "~" not in items[-1]
    drained = items.pop()[1:] if is_drained else ""
    if drained and (not node or drained == pinned):
        return f"{drained} could hold it and is drained: `handoff undrain {drained}` opens it"
    if not node:
        return "no node is live" if pinned is None else f"node {pinned} is not live"
    said = "; ".join(missing_texts(node, filter(None, items))) or "no live node has all of it at once"
    return f"{said}; {drained} could hold it and is drained" if drained else said


def missing_texts(node: str, items: Iterable[str]) -> list[str]:
    """Say of each thing that is missing on a node what is wanted, and what is there."""
    return [_missing(item, node) for item in items]


def _missing(item: str, node: str) -> str:
    what, wanted, there = item.split("~")
    if what.startswith("@"):
        return _label(what[1:], wanted, there, node)
    name, units, units_there = what.lstrip("*^"), int(wanted), int(there)
    together = " for all that are collocated" if what.startswith(CAPACITY) else ""
    said = f"{name} {amount(units)} wanted{together}"
    if what.startswith("*"):
        return f"{said}, the cluster has {amount(units_there)}"
    if units_there < units:
        return f"{said}, {node} has {amount(units_there)}"
    # 1.5 where there are two: what consists of devices is given in whole ones, or as a share of one.
    return f"{said}, {node} has {amount(units_there)} as whole devices"


def _label(name: str, wanted: str, there: str, node: str) -> str:
    term = Term(name, tuple(wanted.removeprefix("!").split(",")), negated=wanted.startswith("!"))
    said = f"{terms_in_words([term])} wanted"
    if name == NODE:
        return f"{said}, {node} is {'it' if term.negated else 'another'}"
    return f"{said}, {node} has {there or 'none'}"


def _any(values: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))
