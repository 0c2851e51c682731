"""The sentences of an explanation: where a function stands, what it waits for, what would help. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from handoff.errors import HandoffError, Infeasible, NodeLost, WaitExpired
from handoff.ledger.nodes import SHARED
from handoff.ledger.reason import in_words, nearest_text, terms_in_words
from handoff.ledger.texts.shape import asked_for, parse_demand, parse_devices
from handoff.words.constraints import parse_terms, pinned_to
from handoff.words.resources import Amount, amounts

Fields = Mapping[str, str]
"""What is known of a job, by the names of its hash; what is not is absent."""

RUN_LIMIT = "max_concurrency of its run"
"""The name that the token of a run has for people; no resource can be called so."""

MOST_NAMED = 3
"""Dependencies that a sentence names."""


def standing_text(state: str, fields: Fields, kind: str, suspended: bool, due_ms: int, now_ms: int) -> str:
    """Say where one stands that does not wait for room. `kind` is that of its node: static, leased, lost."""
    match state:
        case "queued":
            return f"placed{_at(fields)}, and not yet started{_why_not_started(fields, kind, suspended)}"
        case "started":
            return f"runs{_at(fields)}{_why_stopped(fields)}"
        case "delayed":
            return _delayed(fields, due_ms, now_ms)
        case "finished":
            return f"finished{_at(fields)}"
        case "failed":
            return _failed(fields)
        case "canceled":
            where = _at(fields) if fields.get("h_attempts") else " before it started"
            return f"canceled{where}{_why_canceled(fields)}"
        case _:
            return f"stands in RQ as {fields['status']}, where nothing of Handoff starts it"


def _at(fields: Fields) -> str:
    devices = parse_devices(fields.get("h_devices", ""))
    with_devices = "".join(f", {name} {' '.join(map(str, held))}" for name, held in devices.items())
    return f" on {fields['h_node']}{with_devices}" if "h_node" in fields else ""


def _why_not_started(fields: Fields, kind: str, suspended: bool) -> str:
    node = fields.get("h_node", "its node")
    if suspended:
        return ": `rq suspend` keeps all agents from starting anything until `rq resume`"
    if kind == "static":
        return f": no agent runs node {node}, it was registered by hand"
    return f": node {node} is lost, and what stood there is about to be placed again" if kind == "lost" else ""


def _why_stopped(fields: Fields) -> str:
    if "h_cancel" in fields:
        return ", and is being canceled"
    if fields.get("h_evicted", "") == fields.get("h_placement"):
        return ", and is being stopped, for the node is drained"
    return ""


def _why_canceled(fields: Fields) -> str:
    # The message of an error is that of a failure before rq requeued it.
    return f", for {fields['h_message']}" if "h_message" in fields and "h_error" not in fields else ""


def _delayed(fields: Fields, due_ms: int, now_ms: int) -> str:
    tried, seconds = int(fields.get("h_attempts", 0)), max(0, due_ms - now_ms) / 1000
    if tried:
        return f"attempt {tried} failed: the next one is due in {span(seconds)}"
    return f"is delayed until {moment(due_ms)}, which is in {span(seconds)}"


def _failed(fields: Fields) -> str:
    error, message, tried = fields.get("h_error", "unknown"), fields.get("h_message", ""), fields.get("h_attempts", "0")
    if error == _name(Infeasible):
        return f"failed, for no live node could hold it: {nearest_text(message, pinned_of(fields))}"
    if error == _name(WaitExpired):
        return f"failed, for it had not started after {span(int(message) / 1000)} of waiting"
    text = f"failed{_at(fields)} after {tried} attempt{'' if tried == '1' else 's'}"
    if error == _name(NodeLost):
        return f"{text}, when node {message} was lost"
    return f"{text} with {error}: {message}".removesuffix(": ")


def asks_for(demand: str) -> str:
    """Say all that a demand asks for: `cpu 2 or gpu 1 (after 30 s) on a where zone b`."""
    variants = parse_demand(demand)
    costs = [
        in_words(amounts(asked_for(cost))) + (f" (after {after_ms / 1000:g} s)" if after_ms else "")
        for after_ms, cost, _ in variants
    ]
    terms = parse_terms(variants[0][2])
    pin = pinned_to(terms)
    others = terms_in_words(term for term in terms if pin is None or term.text() != f"node={pin}")
    return " or ".join(costs) + (f" on {pin}" if pin else "") + (f" where {others}" if others else "")


def deferred_text(count: int, open_ids: Sequence[str], node: str | None) -> str:
    """Say what one waits for that has `count` dependencies, and that it holds room on `node` already."""
    held = f"; what it costs is reserved on {node} already" if node else ""
    if not open_ids:
        return f"what it takes is there, and it is about to be placed{held}"
    named = [repr(id) for id in open_ids[:MOST_NAMED]]
    if further := len(open_ids) - len(named):
        named.append(f"{further} more")
    listed = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    verb = "has" if len(open_ids) == 1 else "have"
    return f"waits for its dependencies: {count - len(open_ids)} of {count} have ended, {listed} {verb} not{held}"


def parked_text(chooser: str | None) -> str:
    """Say for whom one waits that must run where another runs, which is about to choose."""
    other = "another one" if chooser is None else repr(chooser)
    return f"is ready: {other}, with which it is collocated, chooses the node first"


def parked_for(chooser: str | None) -> str:
    """Say the same as what one waits for."""
    return f"for {'another one' if chooser is None else repr(chooser)} to choose a node"


def due_text(attempts: int, due_ms: int, now_ms: int) -> str:
    """Say of one that is delayed until when, or after how many attempts that failed."""
    if attempts:
        return f"attempt {attempts} failed, next in {span(max(0, due_ms - now_ms) / 1000)}"
    return f"until {moment(due_ms)}"


def pinned_of(fields: Fields) -> str | None:
    """The node that it must go to; None where it may go to several."""
    return pinned_to(parse_terms(parse_demand(fields["h_demand"])[0][2])) if "h_demand" in fields else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the sentence about one that waits is made from."""

    wanted: str
    counts_s: float | None  #: in how many seconds the first of its costs counts; None: one does
    pinned: str | None
    able: int  #: live nodes that could hold it when idle, by a variant that counts
    unfit: str  #: what the nearest lacks where there are none
    nearest: str | None  #: the open node that lacks least
    missing: Mapping[str, Amount]  #: there
    room: str  #: a node where it fits now, or ''
    before: int  #: of the same shape
    short: list[dict[str, Any]]  #: of the variant that lacks least
    holders: list[dict[str, Any]]
    count: int  #: of all holders
    change: Mapping[str, Any] | None
    holds: list[dict[str, Any]]
    start_s: float | None  #: in how many seconds it fails if it has not started; None: never

    def text(self) -> str:
        """Say it."""
        end = "" if self.start_s is None else f"; it fails if it has not started in {span(self.start_s)}"
        return self._why() + end

    def _why(self) -> str:
        start = f"waits for {self.wanted}"
        if not self.able:
            why = nearest_text(self.unfit, self.pinned)
            return f"{start}: no live node could hold it, even when idle ({why}){self._change()}"
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
        if any(entry["open"] and entry["node"] != SHARED for entry in self.short if not entry["never"]):
            return "every node that could hold it is held for another"
        return "no node that could hold it takes anything now, see `handoff nodes`"

    def _holders(self) -> str:
        if not self.holders:
            return ""
        kinds = {holder["kind"] for holder in self.holders}
        noun = kinds.pop() if len(kinds) == 1 else "reservation"
        held = span(self.holders[0]["seconds"])
        if self.count == 1:
            return f"; 1 {noun} holds it, for {held} by now"
        return f"; {self.count} {noun}s hold it, the oldest for {held}"

    def _change(self) -> str:
        match self.change:
            case {"kind": "variant", "node": node, "cost": cost, "joins_s": seconds}:
                return f"; would start now on {node} with {in_words(cost)}, which counts in {span(seconds)}"
            case {"kind": "lower", "node": node, "resource": resource, "to": there}:
                return f"; would start now on {node} with {resource} {there}"
            case {"kind": "lower_capacity", "node": node, "resource": resource, "to": there}:
                return f"; {node} could with {resource} {there}"
            case {"kind": "releases", "count": 1, "node": node, "functions": [first, *_]}:
                return f"; {node} has room when {first['function_id']} has ended" if self.count > 1 else ""
            case {"kind": "releases", "count": count, "node": node}:
                return f"; {node} has room when {'all' if count == self.count else count} of them have ended"
        return ""

    def _held_for_it(self) -> str:
        own = [hold["node"] for hold in self.holds if hold["own"]]
        nodes = " and ".join("what the cluster shares" if node == SHARED else node for node in own)
        return f"; {nodes} {'is' if len(own) == 1 else 'are'} held for it" if own else ""


def _counted(missing: Mapping[str, Amount]) -> str:
    return ", ".join(f"{value} {name}" for name, value in missing.items())


def moment(ms: int) -> str:
    """Write a time of Redis for people and programs: ISO, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def span(seconds: float) -> str:
    """Say how long: `0.2 s`, `40 s`, `5 min`, `3 h`, `4 days`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    for name, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < most * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds / 86400:.0f} days"


def _name(error: type[HandoffError]) -> str:
    return f"{error.__module__}.{error.__qualname__}"
