"""The few phrases that errors, verdicts and explanations share: costs, constraints, and what the nearest node lacks.

They stand here, below the explanations, because the ledger's own errors are made of them. Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from handoff.errors import Infeasible, shown
from handoff.ledger.states import state_of
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.loss import AT_ONCE, DEREGISTERED, DRAINED, GRACE, ROLLED_BACK, UNKNOWN, Loss
from handoff.ledger.texts.shortfall import Amiss, Away, Item, Shortfall, Unlike
from handoff.ledger.texts.terms import CAPACITY, capacity_of
from handoff.words.constraints import NODE, Term, pin_to, pinned_to
from handoff.words.resources import Amount, amount, amounts
from handoff.words.times import span
from handoff.words.variants import Variant

NEVER = "no live node could hold it, even when idle"
"""Of what waits and is infeasible."""

NEAR = 0.7
"""How alike two names are of which one may be meant, as difflib counts: `gpus` and `gpu` 0.86, `gpu` and `cpu` 0.67."""


def in_words(cost: Mapping[str, Amount]) -> str:
    """Say a cost: `cpu 2, memory 500`."""
    return ", ".join(f"{name} {value}" for name, value in cost.items()) or "a slot"


def variants_in_words(variants: Iterable[Variant]) -> str:
    """Say all that a function may cost: `gpu 1 or cpu 8 (after 30 s)`."""
    return " or ".join(
        in_words(amounts(asked_for(variant.cost)))
        + (f" (after {variant.after_ms / 1000:g} s)" if variant.after_ms else "")
        for variant in variants
    )


def terms_in_words(terms: Iterable[Term]) -> str:
    """Say which nodes will do: `zone a or b, any tier but spot`."""
    return ", ".join(map(_term_in_words, terms))


def place_in_words(terms: Iterable[Term]) -> tuple[str | None, str]:
    """Say where something may go. -> the only node, if there is one, and what else must hold of it, or ''"""
    terms = tuple(terms)
    pin = pinned_to(terms)
    return pin, terms_in_words(term for term in terms if pin is None or term != pin_to(pin))


def _term_in_words(term: Term) -> str:
    if term.name == CAPACITY:
        return f"all collocated with it fit ({in_words(amounts(capacity_of(term)))})"
    return f"any {term.name} but {_any(term.values)}" if term.negated else f"{term.name} {_any(term.values)}"


@dataclass(frozen=True, slots=True)
class Other:
    """One on which a function depends, and where it stands."""

    id: str
    function_id: str
    status: str  #: API's word, "gone" where there is no such job any more
    node: str | None

    @classmethod
    def read(cls, id: str, function_id: str, rq_status: str, finer: str, node: str) -> Other:
        """Read what its hash says; of what is none of ours RQ's word is told as it is."""
        is_ours = rq_status != "deferred" or finer != ""
        status = (state_of(rq_status, finer) if is_ours else rq_status) if rq_status else "gone"
        return cls(id, function_id or id, status, (node or None) if status not in WITHOUT_NODE else None)


WITHOUT_NODE = ("waiting", "delayed", "deferred", "gone")
"""Where a function stands that is placed nowhere."""


STUCK = ("failed", "canceled", "gone")
"""How one stands that does not go on by itself."""


def dependencies_in_words(count: int, some: Sequence[Other]) -> str:
    """Say for the ends of how many others a function waits, and how some of them stand."""
    named = [f"{shown(each.function_id)} ({each.status}{f' on {each.node}' if each.node else ''})" for each in some]
    if further := count - len(named):
        named.append(f"{further} more")
    text = f"is deferred until {_listed(named)} {'has' if count == 1 else 'have'} finished"
    stuck = [shown(each.function_id) for each in some if each.status in STUCK]
    if not stuck:
        return text
    it = "it" if len(stuck) == 1 else "them"
    advice = f"requeue {it}, submit {it} anew (replace=True), or cancel this one"
    return f"{text}, which {_listed(stuck)} will not by itself: {advice}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


_LOSSES = {
    GRACE: "the agent on node {node} was told to stop and its grace of {seconds} s ended",
    AT_ONCE: "the agent on node {node} was told to stop at once",
    DRAINED: "node {node} is drained and the deadline of that ended",
    DEREGISTERED: "node {node} was deregistered",
    UNKNOWN: "the agent on node {node} does not run it",
    ROLLED_BACK: "Redis was rolled back to before it was started on node {node}",
}


def loss_in_words(loss: Loss) -> str:
    """Say what took a function from its node."""
    return _LOSSES.get(loss.cause, "node {node} was lost").format(node=loss.node, seconds=loss.seconds)


def shortfall_in_words(found: Shortfall, pinned: str | None, now_ms: int | None = None) -> str:
    """Say what the nearest node lacks: `gpu 4 wanted, big-1 has 2`; of a function that is pinned, that one.

    With `now_ms` also for how long a node is lost that could hold it.
    """
    node, away = found.node, found.away
    if away and (not node or away.node == pinned):
        return f"{_away(away, now_ms)}: {_back(away)}"
    if not node:
        return "no node is live: `handoff node` starts one" if pinned is None else f"node {pinned} is not live"
    said = "; ".join(_item(item, node) + _meant(item, found) for item in found.items)
    said = said or "no live node has all of it at once"
    return f"{said}; {_away(away, now_ms)}" if away else said


def infeasible(function_id: str, found: Shortfall, pinned: str | None) -> Infeasible:
    """The error of a function that no live node could hold."""
    for_now = found.away is not None or not found.node
    reason = shortfall_in_words(found, pinned)
    if for_now:
        advice = 'submit it again when a node that has it is live, or with on_infeasible="wait"'
        return Infeasible(function_id, reason, advice, for_now=True)
    if found.items and all(isinstance(item, Unlike) for item in found.items):
        return Infeasible(function_id, reason, "ask for other labels, or start a node that has these")
    return Infeasible(function_id, reason)


def _away(away: Away, now_ms: int | None) -> str:
    if away.lost_ms is None:
        return f"{away.node} could hold it and is drained"
    lost = "which is lost" if now_ms is None else f"lost {span(max(0, now_ms - away.lost_ms) / 1000)} ago"
    return f"{away.node}, {lost}, could hold it"


def _back(away: Away) -> str:
    if away.lost_ms is None:
        return f"`handoff undrain {away.node}` opens it"
    return "`handoff node` on its host brings it back"


def items_in_words(node: str, items: Iterable[Item]) -> list[str]:
    """Say of each thing that is missing on a node what is wanted, and what is there."""
    return [_item(item, node) for item in items]


def _item(item: Item, node: str) -> str:
    return _amiss(item, node) if isinstance(item, Amiss) else _unlike(item.term, item.there, node)


def _meant(item: Item, found: Shortfall) -> str:
    """What there is that is spelled nearly like something that nothing has."""
    if isinstance(item, Amiss):
        name, names = item.resource, found.resources.get(item.resource, ())
    else:
        name, names = item.term.name, found.labels.get(item.term.name, ())
    spelled = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=NEAR)
    return f" (did you mean {spelled[near[0]]}?)" if near else ""


def _amiss(item: Amiss, node: str) -> str:
    together = " for all that are collocated" if item.of == "group" else ""
    said = f"{item.resource} {amount(item.wanted)} wanted{together}"
    if item.of == "shared":
        return f"{said}, the cluster has {amount(item.there)}"
    if item.there < item.wanted:
        return f"{said}, {node} has {amount(item.there)}"
    # 1.5 where there are two: what consists of devices is given in whole ones, or as a share of one.
    return f"{said}, {node} has {amount(item.there)} as whole devices"


def _unlike(term: Term, there: str, node: str) -> str:
    said = f"{terms_in_words([term])} wanted"
    if term.name == NODE:
        return f"{said}, {node} is {'it' if term.negated else 'another'}"
    return f"{said}, {node} has {there or 'none'}"


def _any(values: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))
