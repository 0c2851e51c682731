"""Which nodes a function may go to, by their labels: the rules for labels and for `where`.

A pin is a constraint too: every node has the label `node`, its own name. Knows nothing of room. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from handoff.errors import InvalidFunction, InvalidNode, shown
from handoff.words.names import check_node_name, is_node_name
from handoff.words.resources import NAME

NODE = "node"
"""The label that every node has by itself: its name."""

MOST_LABELS = 256
"""Of one node, terms of one `where`, and values of one term."""

_VALUE = re.compile(r"(?! )[A-Za-z0-9 _.:/+()-]{1,63}(?<! )")
_NAME_RULE = "a label's name is a letter or _, then up to 63 letters, digits, _, . or -"
_VALUE_RULE = "1 to 63 ASCII letters, digits, spaces inside, _ . : / + ( ) or -"


@dataclass(frozen=True, slots=True)
class Not:
    """None of these values. A node without the label at all satisfies it."""

    values: str | Collection[str]


Where = Mapping[str, str | Collection[str] | Not]
"""Label -> the value it must have, or several of which it must have one, or `Not`. All of it must hold."""


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """One label, and the values of which a node must have one; `negated`: of which it must have none."""

    name: str
    values: tuple[str, ...]  #: sorted, each once
    negated: bool

    def allows(self, node_name: str, labels: Mapping[str, str]) -> bool:
        """Whether the node of that name, which has these labels, satisfies it."""
        value = node_name if self.name == NODE else labels.get(self.name)
        return (value in self.values) != self.negated


def parse_where(where: Where | None, pin: str | None = None, *, function_id: str = "") -> tuple[Term, ...]:
    """Read what must hold of a node, the pin included: each term once, sorted.

    Raises `InvalidFunction` for `where`, and `InvalidNode` for a pin that no node can be named.
    """
    if where is not None and not isinstance(where, Mapping):
        raise InvalidFunction(function_id, f"its where is {shown(where)}", "write where={'zone': 'a'}")
    if where is not None and len(where) > MOST_LABELS:
        raise InvalidFunction(function_id, f"its where names {len(where)} labels", f"name at most {MOST_LABELS}")
    terms = {_term(name, wanted, function_id) for name, wanted in (where or {}).items()}
    if pin is not None:
        terms.add(pin_to(check_node_name(pin)))
    return tuple(sorted(terms))


def pin_to(node_name: str) -> Term:
    """What holds of that node alone."""
    return Term(NODE, (node_name,), negated=False)


def pinned_to(terms: Iterable[Term]) -> str | None:
    """The only node that the terms leave, if one of them names it; of two that do the last by name."""
    named = [term.values[0] for term in terms if term.name == NODE and not term.negated and len(term.values) == 1]
    return max(named, default=None)


def parse_labels(node_name: str, labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return the labels of a node as they are kept, by name. Raises `InvalidNode` for the first that breaks a rule."""
    if labels is not None and not isinstance(labels, Mapping):
        raise InvalidNode(labels, f"give the labels of node {shown(node_name)} as a mapping, such as {{'zone': 'a'}}")
    if labels is not None and len(labels) > MOST_LABELS:
        raise InvalidNode(node_name, f"a node has at most {MOST_LABELS} labels, and it is given {len(labels)}")
    for name, value in (labels or {}).items():
        if not _is_name(name):
            raise InvalidNode(name, _NAME_RULE)
        if name == NODE:
            raise InvalidNode(name, "every node has the label node by itself, its name: call this one otherwise")
        if not _is_value(value):
            raise InvalidNode(value, f"give label {shown(name)} of node {shown(node_name)} {_VALUE_RULE}")
    return dict(sorted((labels or {}).items()))


def _term(name: object, wanted: object, function_id: str) -> Term:
    if not isinstance(name, str) or not _is_name(name):
        raise InvalidFunction(function_id, f"its where names the label {shown(name)}", _NAME_RULE)
    values = wanted.values if isinstance(wanted, Not) else wanted
    if isinstance(values, str):
        values = (values,)
    if not isinstance(values, (list, tuple, set, frozenset)) or not 0 < len(values) <= MOST_LABELS:
        raise InvalidFunction(
            function_id,
            f"its where wants {name} to be {shown(wanted)}",
            f"give one text, or a list of 1 to {MOST_LABELS}, or Not of either",
        )
    for value in values:
        if not (is_node_name(value) if name == NODE else _is_value(value)):
            rule = "name a node" if name == NODE else f"the value of a label is {_VALUE_RULE}"
            raise InvalidFunction(function_id, f"its where wants {name} to be {shown(value)}", rule)
    return Term(name, tuple(sorted(set(values))), negated=isinstance(wanted, Not))


def _is_name(name: object) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _is_value(value: object) -> bool:
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None
