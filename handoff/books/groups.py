"""Which functions must share a node, and what such a group may cost there.

Pure: from functions to groups, and from labels to the nodes that they may go to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from handoff.errors import DuplicateFunction, shown
from handoff.words.constraints import Term, parse_where, pinned_to
from handoff.words.function import Collocated, Function, Strategy
from handoff.words.resources import Units
from handoff.words.rules import check_collocated, check_fields
from handoff.words.variants import costs_at_once, parse_variants

Labels = Mapping[str, Mapping[str, str]]
"""Node -> label -> value. Every node has the label `node` besides."""

MOST_OPTIONS = 256
"""How many ways to choose among the variants of collocated functions are tried."""


@dataclass(frozen=True, slots=True)
class Group:
    """Functions that must share one node, decided together where the first of them stands.

    `lost` groups are collocated with a function that is not there, and fit nowhere.
    """

    members: tuple[Function, ...]
    options: tuple[tuple[Units, ...], ...]  #: what they may cost, best first; in each one for each member, no slots
    terms: tuple[Term, ...]  #: what must hold of the node, for any of them
    pin: str | None  #: the only node that `terms` leave, if they name one
    strategy: Strategy | None  #: of the one that the others are collocated with
    lost: bool

    @property
    def costs(self) -> tuple[Units, ...]:
        """What the members cost by the best of the options."""
        return self.options[0]


def groups(functions: Iterable[Function]) -> list[Group]:
    """Gather collocated functions, in the order of deciding: the pinned groups first. Inline ones have no node."""
    known: dict[str, Function] = {}
    for function in _functions(functions):
        if function.id in known:
            raise DuplicateFunction(function.id, "list")
        known[function.id] = function
    scheduled = {id: function for id, function in known.items() if function.type != "inline"}
    targets = _targets(scheduled)
    together: dict[str, list[Function]] = {}
    for function in scheduled.values():
        target = targets[function.id]
        together.setdefault(function.id if target is None else target.id, []).append(function)
    gathered = [_group(members, targets[members[0].id]) for members in together.values()]
    return sorted(gathered, key=lambda group: group.pin is None)


def candidates(group: Group, nodes: Iterable[str], labels: Labels | None = None) -> list[str]:
    """The nodes that `group` may go to, room or not, in the order of `nodes`."""
    if group.lost:
        return []
    known = labels or {}
    return [name for name in nodes if all(term.allows(name, known.get(name, {})) for term in group.terms)]


def _functions(given: object) -> Iterable[Function]:
    """Raise for what is no list of functions, or breaks a rule that holds of every function."""
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes)):
        raise TypeError(f"{shown(given)} is given as functions: give a list of them")
    for function in given:
        if not isinstance(function, Function):
            raise TypeError(f"{shown(function)} is among the functions: give a Function")
        check_fields(function)
        check_collocated(function)
        yield function


def _group(members: Sequence[Function], target: Function | None) -> Group:
    terms: set[Term] = set()
    for member in members:
        pin = member.node if isinstance(member.node, str) else None
        terms.update(parse_where(member.where, pin, function_id=member.id))
    choices = [costs_at_once(parse_variants(member.cost)) for member in members]
    return Group(
        members=tuple(members),
        options=tuple(islice(product(*choices), MOST_OPTIONS)),
        terms=tuple(sorted(terms)),
        pin=pinned_to(terms),
        strategy=None if target is None else target.strategy,
        lost=target is None,
    )


def _targets(functions: Mapping[str, Function]) -> dict[str, Function | None]:
    """The function at the end of each one's chain of `Collocated`; None where that is missing or the chain a ring."""
    ends: dict[str, Function | None] = {}
    for function in functions.values():
        chain = [function.id]
        at: Function | None = function
        while at is not None and at.id not in ends and isinstance(at.node, Collocated):
            ends[at.id] = None  # Until the end is found; coming by here again means that there is none.
            chain.append(at.id)
            at = functions.get(at.node.id)
        end = None if at is None else ends.get(at.id, at)
        ends.update(dict.fromkeys(chain, end))
    return ends
