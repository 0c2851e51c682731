"""What submit decided, with the sentence that says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from handoff.errors import shown
from handoff.ledger.phrases import Other, dependencies_in_words, shortfall_in_words, variants_in_words
from handoff.ledger.texts.shortfall import Shortfall
from handoff.words.checked import Checked
from handoff.words.remembered import Remembered
from handoff.words.times import moment
from handoff.words.variants import Variant

State = Literal["placed", "waiting", "delayed", "deferred", "infeasible"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What submit decided, at that moment."""

    state: State
    node: str | None  #: where it was placed
    devices: dict[str, list[int]]  #: which devices it has there
    reason: str  #: one sentence


@dataclass(frozen=True, slots=True)
class Held(Verdict):
    """Nothing was submitted: it is how another function stands that has the key."""

    job_id: str
    function_id: str


def was_created(verdict: Verdict | None) -> bool:
    """Whether it is that of a function which was submitted then; None: of one that is looked up."""
    return verdict is not None and not isinstance(verdict, Held)


def held(function: Checked, job_id: str, function_id: str, status: str, verdict: Verdict) -> Held:
    """Another function has the key of this one, of which that is said."""
    stands = f"{status} on {verdict.node}" if status in ("started", "finished") else verdict.reason
    reason = f"the key {shown(function.function.unique)} is that of function {shown(function_id)}, {stands}"
    return Held(verdict.state, verdict.node, verdict.devices, reason, job_id, function_id)


def placed(node: str, devices: dict[str, list[int]]) -> Verdict:
    """It is on its way."""
    return Verdict("placed", node, devices, f"placed on {node}{_with_devices(devices)}")


def waiting(function: Checked, nodes: int) -> Verdict:
    """It waits for room on one of so many live nodes."""
    wanted = _wanted(function.variants)
    if function.pin:
        return Verdict("waiting", None, {}, f"waits until node {function.pin} has room for {wanted}")
    could = "1 live node could hold it when idle" if nodes == 1 else f"{nodes} live nodes could hold it when idle"
    return Verdict("waiting", None, {}, f"waits until a node has room for {wanted}: {could}")


_worded: Remembered[int, tuple[tuple[Variant, ...], str]] = Remembered()
"""By the identity of what functions cost: nine of ten submits are told the same."""


def _wanted(variants: tuple[Variant, ...]) -> str:
    known = _worded.get(id(variants))
    return known[1] if known else _worded.keep(id(variants), (variants, variants_in_words(variants)))[1]


def infeasible(function: Checked, shortfall: Shortfall) -> Verdict:
    """It waits for a node that could hold it."""
    return Verdict("infeasible", None, {}, shortfall_in_words(shortfall, function.pin))


def deferred(count: int, some: Sequence[Other]) -> Verdict:
    """It waits for the ends of so many others."""
    return Verdict("deferred", None, {}, dependencies_in_words(count, some))


def delayed(until_ms: int) -> Verdict:
    """It is not ready yet."""
    return Verdict("delayed", None, {}, f"is delayed until {moment(until_ms)}")


def _with_devices(devices: Mapping[str, list[int]]) -> str:
    listed = ", ".join(f"{name} {' '.join(map(str, indices))}" for name, indices in devices.items())
    return f" with {listed}" if listed else ""
