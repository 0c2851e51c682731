"""The sentence about a function that waits for room. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handoff.ledger.nodes import SHARED
from handoff.ledger.phrases import NEVER, in_words, shortfall_in_words
from handoff.ledger.texts.reservation import EXTERNAL
from handoff.ledger.texts.shortfall import Shortfall
from handoff.why.holders import RUN_LIMIT
from handoff.words.resources import UNIT, Amount, amount, part_rounded_up
from handoff.words.times import span


@dataclass(frozen=True, slots=True)
class WaitingSentence:
    """What the sentence about one that waits is made from."""

    wanted: str
    counts_s: float | None  #: in how many seconds the first of its costs counts; None: one does
    pinned: str | None
    able: int  #: live nodes that could hold it when idle, by a variant that counts
    unfit: Shortfall  #: what the nearest lacks where there are none
    nearest: str | None  #: the open node that lacks least
    missing: Mapping[str, Amount]  #: there
    room: str  #: a node where it fits now, or ''
    before: int  #: of the same shape
    short: list[dict[str, Any]]  #: of the variant that lacks least
    holders: list[dict[str, Any]]
    count: int  #: of all holders
    change: Mapping[str, Any] | None
    holds: list[dict[str, Any]]
    now_ms: int
    start_s: float | None  #: in how many seconds it fails if it has not started; None: never

    def text(self) -> str:
        """Say it."""
        return self._why() + self._end()

    def _end(self) -> str:
        return "" if self.start_s is None else f"; it fails if it has not started in {span(self.start_s)}"

    def own_text(self) -> str:
        """Say it without nodes, and without what others have or are given."""
        if not self.able:
            why = NEVER
        elif self.room:
            why = "there is room, and it starts soon"
        elif self.missing:
            why = f"no node that could hold it has room, the nearest is short of {_counted(self.missing)}"
        else:
            why = "no node that could hold it takes it now"
        return f"waits for {self.wanted}: {why}{self._end()}"

    def _why(self) -> str:
        start = f"waits for {self.wanted}"
        if not self.able:
            why = shortfall_in_words(self.unfit, self.pinned, self.now_ms)
            return f"{start}: {NEVER} ({why}){self._change()}"
        if self.room:
            return f"{start}: there is room on {self.room}, and whoever comes by next starts it"
        before = f", with {self.before} of the same shape before it" if self.before else ""
        lack = ", and ".join([*self._not_yet(), *self._held_back(), *self._lacking()]) or self._closed()
        return f"{start}{before}: {lack}{self._holders()}{self._change()}{self._held_for_it()}"

    def _not_yet(self) -> list[str]:
        return [] if self.counts_s is None else [f"none of it counts for another {span(self.counts_s)}"]

    def _held_back(self) -> list[str]:
        others = [hold for hold in self.holds if not hold["own"]]
        if not others:
            return []
        hold = others[0]
        where = "the cluster has enough" if hold["node"] == SHARED else f"{hold['node']} has room"
        return [f"{where}, held for {hold['function_id']}"]

    def _lacking(self) -> list[str]:
        found = []
        if self.missing:
            found.append(f"{self._nearest()} is short of {_counted(self.missing)}")
        for missing in [entry["missing"] for entry in self.short if entry["node"] == SHARED and entry["missing"]][:1]:
            if tokens := {name: value for name, value in missing.items() if name != RUN_LIMIT}:
                found.append(f"the cluster is short of {_counted(tokens)}")
            if RUN_LIMIT in missing:
                found.append("as many of its run are placed as its max_concurrency allows")
        return found

    def _nearest(self) -> str:
        if self.pinned:
            return f"node {self.nearest}"
        if self.able == 1:
            return f"{self.nearest}, the only live node that could hold it,"
        at_once = " for all of it at once" if any(entry["apart"] for entry in self.short) else ""
        return f"none of the {self.able} live nodes that could hold it has room{at_once}, {self.nearest}, the nearest,"

    def _closed(self) -> str:
        if any(entry["node"] == SHARED and not entry["open"] for entry in self.short):
            return "more is held of what the cluster shares than it has"
        held = [entry for entry in self.short if entry["open"] and entry["node"] != SHARED and not entry["never"]]
        if held:
            lacking = [
                f", {entry['node']} is short of {_counted(entry['missing'])} too" for entry in held if entry["missing"]
            ]
            return "every node that could hold it is held for another" + "".join(lacking[:1])
        for closed in [entry["closed"] for entry in self.short if entry["closed"] and entry["closed"]["how"]][:1]:
            return _how_closed(**closed)
        return "no node that could hold it takes anything now, see `handoff nodes`"

    def _holders(self) -> str:
        external = [holder for holder in self.holders if holder["kind"] == EXTERNAL]
        others = self.holders[len(external) :]
        told = "".join(f"; external {in_words(one['amounts'])} is what other programs use there" for one in external)
        if not others:
            return told
        held = span(others[0]["seconds"])
        if (count := self.count - len(external)) == 1:
            return f"; {_one(others[0])} holds it, for {held} by now{told}"
        kinds = {holder["kind"] for holder in others}
        noun = kinds.pop() if len(kinds) == 1 else "reservation"
        return f"; {count} {noun}s hold it, the oldest for {held}{told}"

    def _change(self) -> str:
        match self.change:
            case {"kind": "variant", "node": node, "cost": cost, "joins_s": seconds}:
                return f"; would start now on {node} with {in_words(cost)}, which counts in {span(seconds)}"
            case {"kind": "lower", "node": node, "resource": resource, "from": wanted, "to": there}:
                return f"; would start now on {node} with {resource} {there}{_rounding(wanted, there)}"
            case {"kind": "lower_capacity", "node": node, "resource": resource, "to": there}:
                return f"; {node} could with {resource} {there}"
            case {"kind": "releases", "functions": [{"kind": "external"}]}:
                return ""
            case {"kind": "releases", "count": 1, "node": node, "functions": [first, *_]}:
                return f"; {node} has room when {first['function_id']} has ended" if self.count > 1 else ""
            case {"kind": "releases", "count": count, "node": node}:
                return f"; {node} has room when {'all' if count == self.count else count} of them have ended"
        return ""

    def _held_for_it(self) -> str:
        own = [hold["node"] for hold in self.holds if hold["own"]]
        nodes = " and ".join("what the cluster shares" if node == SHARED else node for node in own)
        return f"; {nodes} {'is' if len(own) == 1 else 'are'} held for it" if own else ""


def _rounding(wanted: Amount, there: Amount) -> str:
    """Where only the rounding of a part is missing, such as that of a third, say which one does without."""
    units = round(wanted * UNIT)
    found = part_rounded_up(units)
    if found is None or units - round(there * UNIT) > found[0]:
        return ""
    parts, fits = found
    return f" (requests are rounded up to 0.0001, and {parts} x {wanted} is more than 1: ask for {amount(fits)})"


def _how_closed(node: str, how: str, reason: str) -> str:
    match how:
        case "cordoned":
            return f"{node} is cordoned, for {reason}; `handoff undrain {node}` opens it"
        case "over":
            return f"{node} could hold it, and more is held there than it has since that was lowered"
        case _ if reason:
            return f"{node} takes nothing for a while: {reason}"
        case _:
            return f"{node} could hold it and is quiet: its agent was told to take no more"


def _one(holder: Mapping[str, Any]) -> str:
    match holder:
        case {"function_id": str(id)}:
            return f"function {id}"
        case {"owner": str(owner)}:
            return f"a claim of {owner}"
        case _:
            return "a claim"


def _counted(missing: Mapping[str, Amount]) -> str:
    return ", ".join(f"{value} {name}" for name, value in missing.items())
