"""What befell each function lately, step by step, as the stream of events has told it. Pure, and in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern

from handoff.ledger.texts.reservation import job_of, parts_of

MOST_TRAILS = 10_000
MOST_STEPS = 60
"""Of one function: of more the first and the last are kept."""

MOST_SHUT = 100
"""Nodes of which it is known that they take nothing: those that were told of last."""

_SHUT = ("draining", "cordoned", "quiet", "lost")
"""Changes of a node by which it takes nothing."""

_OPENS = {
    "undrained": ("draining", "cordoned"),
    "uncordoned": ("cordoned",),
    "serving": ("quiet",),
    "registered": ("quiet", "lost"),
    "deregistered": _SHUT,
}
"""And those by which it does again, or is gone, with what has ended by them."""

Shut = Mapping[str, tuple[str, ...]]
"""Node -> why it takes nothing, as changes of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that befell a function."""

    at_ms: int
    event: str  #: as the stream has it
    node: str = ""
    outcome: str = ""  #: of `released`: with what its reservation was given back
    attempt: int = 0
    until_ms: int = 0  #: of `delayed`
    freed_by: str = ""  #: of `reserved`: the job that has just given back room there; '' = none, or not known
    demand: str = ""  #: of `waiting`: texts/demand
    shut: Shut | None = None  #: of `waiting`: the nodes of which it is known that they took nothing then


class Trails:
    """Of each function what befell it. One thread at a time."""

    def __init__(self) -> None:
        self._trails: OrderedDict[str, list[Step]] = OrderedDict()  #: by job, those that were told of last behind
        self._freed: dict[str, tuple[int, str]] = {}  #: node -> when room came free there last, and whose
        self._shut: Shut = {}  #: never changed but replaced: steps have it as it was

    def __len__(self) -> int:
        return len(self._trails)

    def of(self, job_id: str) -> list[Step]:
        """What befell one function, as far as it is known."""
        return list(self._trails.get(job_id, ()))

    def add(self, event: Mapping[str, str], at_ms: int) -> None:
        """Take one event in: what tells of a function belongs to its trail."""
        of = event.get("job") or (job_of(event["id"]) if parts_of(event.get("id", "")) else "")
        kind, node = event.get("event", ""), event.get("node", "")
        if kind == "node":
            self._note_change(node, event.get("change", ""))
        if not of or kind in ("held", "unheld"):
            return
        trail = self._trails.setdefault(of, [])
        self._trails.move_to_end(of)
        if len(self._trails) > MOST_TRAILS:
            self._trails.popitem(last=False)
        if len(trail) >= MOST_STEPS:
            del trail[MOST_STEPS // 2]
        freed_ms, freed_by = self._freed.get(node, (0, "")) if kind == "reserved" else (0, "")
        trail.append(
            Step(
                at_ms,
                kind,
                node,
                event.get("outcome", ""),
                number_in(event.get("attempt")),
                number_in(event.get("until_ms")),
                # What makes room starts in the same script what fits into it: at the same moment.
                freed_by if freed_ms == at_ms and freed_by != of else "",
                # Many ask for the same.
                intern(event.get("demand", "")),
                self._shut if kind == "waiting" else None,
            )
        )
        if kind == "released":
            if len(self._freed) > MOST_TRAILS:
                self._freed.clear()
            self._freed[node] = (at_ms, of)

    def _note_change(self, node: str, change: str) -> None:
        if change not in _OPENS and change not in _SHUT:
            return
        left = [why for why in self._shut.get(node, ()) if why != change and why not in _OPENS.get(change, ())]
        shut = {name: whys for name, whys in self._shut.items() if name != node}
        if change in _SHUT:
            left.append(change)
        if left:
            shut[node] = tuple(left)
        self._shut = dict(list(shut.items())[-MOST_SHUT:])


def number_in(text: str | None) -> int:
    """A number of an event; 0 of what is none."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else 0
