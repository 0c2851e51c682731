"""A stream of events held to the rules of the model: the first that they do not allow is named, with the reason.

Pure: an iterable of events goes in, as `Cluster.events` and `read_events` give them: each a dict, or a pair of an id
and a dict. It has to begin where the ledger does, and to leave nothing out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from handoff.ledger.nodes import SHARED
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.reservation import EXTERNAL
from handoff.ledger.texts.run_id import is_run_token, run_token
from model.amounts import Amounts, read_sizes
from model.life import BY_ITS_AGENT, COMING, GIVEN_BACK, RECALLED, Life
from model.refused import Refused

Event = Mapping[str, str]

CLAIM = "~"
"""With it the ids of claims begin."""
_MEMBER = re.compile(r"([0-9a-f]{32})-[0-9]+")

BESIDE = ("unknown", "upgraded", "audit")
"""Events that say nothing of functions and nodes: of versions, and what operators ask for."""

UNKNOWN = 10**15
"""Units of the token of a run that has not begun: nobody has said yet how many."""


@dataclass(slots=True)
class Node:
    """One node, by what the events say."""

    amounts: Amounts = field(default_factory=Amounts)
    is_up: bool = False
    is_draining: bool = False
    is_quiet: bool = False
    is_cordoned: bool = False
    epoch: int = -1
    held: set[str] = field(default_factory=set)

    def closed(self) -> str | None:
        """Why nothing may begin there; None where it may."""
        states = {
            "lost": not self.is_up, "drained": self.is_draining, "quiet": self.is_quiet, "cordoned": self.is_cordoned,
        }  # fmt: skip
        return next((word for word, is_so in states.items() if is_so), None)


@dataclass(frozen=True, slots=True)
class Held:
    """The event that made a reservation, and what of its cost was shared then."""

    event: Event
    shared: Mapping[str, int]
    rest: Mapping[str, int]


class Replay:
    """Plays events; whatever the rules do not allow raises `Refused`.

    `touched` are functions that rq's tools deleted, canceled or put elsewhere behind the ledger's back: of these a
    reservation may be left when another of the id comes, and the ledger finds out late how they stand.
    """

    def __init__(self, touched: Collection[str] = ()) -> None:
        self.nodes: dict[str, Node] = {}
        self.tokens = Amounts()
        self.held: dict[str, Held] = {}  #: by reservation
        self.functions: dict[str, Life] = defaultdict(Life)
        self.kinds: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()  #: by function
        self.touched = set(touched)
        self.named: set[str] = set()  #: reservations that there were
        self._running: set[str] = set()
        self._at = ""
        self._event: Event = {}
        self._play: dict[str, Callable[[Event], None]] = {
            "node": self._node,
            "shared": self._shared,
            "run": self._run,
            "held": self._look_at_node,
            "unheld": self._look_at_node,
            **dict.fromkeys(BESIDE, self._beside),
            "started": self._started,
            "released": self._released,
            "recalled": self._recalled,
            **dict.fromkeys(COMING, self._of_a_function),
            "reserved": self._reserved,
        }

    def play(self, events: Iterable[Event | tuple[bytes, Event]]) -> Replay:
        for event in events:
            number, each = (event[0].decode(), event[1]) if isinstance(event, tuple) else ("", event)
            self.one(each, number)
        return self

    def one(self, event: Event, at: str = "") -> None:
        """Play one event; `at` names it in a refusal."""
        self._at, self._event = at or f"number {sum(self.kinds.values()) + 1}", event
        kind = event.get("event", "")
        if kind not in self._play:
            self._refuse("known", "there is no such event")
        try:
            self._play[kind](event)
        except KeyError as missing:
            self._refuse("known", f"it lacks {missing}")
        except ValueError as error:
            self._refuse("known", f"it cannot be read: {error}")
        self.kinds[kind] += 1

    def end(self, *, ended: bool = True) -> None:
        """Raise `Refused` unless nothing is reserved any more, and, with `ended`, every function has ended."""
        for id, held in self.held.items():
            raise Refused("leaked", f"{id} still holds {held.event['cost']} on {held.event['node']}")
        for id, state in self.unended().items() if ended else ():
            raise Refused("lost", f"{id} has not ended: the last that is told of it is that it is {state}")

    def unended(self) -> dict[str, str]:
        """The functions that have not ended, with the state in which they are."""
        return {id: life.state for id, life in self.functions.items() if not life.has_ended and id not in self.touched}

    def outcomes(self) -> dict[str, str]:
        """Of every function that has ended: `finished`, `failed` or `canceled`."""
        return {id: life.outcome for id, life in self.functions.items() if life.has_ended}

    # Nodes, and what all share.

    def _node(self, event: Event) -> None:
        name, change = event["node"], event["change"]
        if name not in self.nodes and change != "registered":
            self._refuse("known", "there is no such node")
        node = self.nodes.setdefault(name, Node())
        match change:
            case "registered":
                self._come_up(node, event)
            case "lost" | "leaving" | "replaced":
                if not node.is_up:
                    self._refuse("one life at a time", "it is lost already")
                self._take_epoch(node, event)
                node.is_up = False
            case "deregistered":
                self._expect_empty(node)
                # It may be undrained while it is away, and nothing is said of that.
                node.is_draining = node.is_quiet = node.is_cordoned = False
            case "draining" | "undrained":
                node.is_draining = change == "draining"
            case "quiet" | "serving":
                node.is_quiet = change == "quiet"
            case "cordoned" | "uncordoned":
                node.is_cordoned = change == "cordoned"
            case _:
                self._refuse("known", "nodes have no such change")

    def _come_up(self, node: Node, event: Event) -> None:
        if node.is_up and int(event["epoch"]) != node.epoch:
            self._refuse("one life at a time", f"it is up, in the epoch {node.epoch}")
        if not node.is_up:
            self._expect_empty(node)
            self._take_epoch(node, event)
        node.is_up, node.is_quiet = True, False
        node.amounts.units = read_cost(event["units"])
        node.amounts.sizes = read_sizes(event["devices"])

    def _expect_empty(self, node: Node) -> None:
        if node.is_up and self._event["change"] == "deregistered":
            self._refuse("one life at a time", "it goes without having been closed")
        if node.held:
            self._refuse("one life at a time", f"of its life before {min(node.held)} is still reserved there")

    def _take_epoch(self, node: Node, event: Event) -> None:
        if int(event["epoch"]) <= node.epoch:
            self._refuse("epochs grow", f"it had the epoch {node.epoch} before")
        node.epoch = int(event["epoch"])

    def _look_at_node(self, event: Event) -> None:
        if event["node"] != SHARED:
            self._known_node(event["node"])

    def _beside(self, event: Event) -> None:
        """Nothing follows from it here."""

    def _shared(self, event: Event) -> None:
        self.tokens.units.update(read_cost(event["amounts"]))

    def _run(self, event: Event) -> None:
        if event["change"] != "running":
            return
        self._running.add(event["run"])
        if int(event["units"]):
            # One that reserves whole has done so before.
            token = run_token(event["run"])
            self.tokens.units[token] = int(event["units"])
            self._check(self.tokens, [token])

    def _known_node(self, name: str) -> Node:
        node = self.nodes.get(name)
        if node is None:
            self._refuse("known", f"there is no node {name}")
        return node

    # Reservations.

    def _reserved(self, event: Event) -> None:
        id, name = _name_of(event), event["node"]
        node = self._open_node(name, event["epoch"])
        if id in self.held:
            self._refuse("one reservation", "it is reserved already")
        if _is_of_function(id):
            if id in self.named:
                self._refuse("one reservation", "there was such a reservation before")
            self._place(id)
        self.named.add(id)
        cost = read_cost(event["cost"])
        for of in filter(is_run_token, cost):
            self.tokens.units.setdefault(of, UNKNOWN)
        shared = {of: units for of, units in cost.items() if self.tokens.units.get(of)}
        rest = {of: units for of, units in cost.items() if of not in shared}
        node.amounts.take(rest, event["devices"])
        self.tokens.take(shared, "")
        self._check(node.amounts)
        # What all share may have been lowered below its use, of which what takes something else knows nothing.
        self._check(self.tokens, shared)
        self.held[id] = Held(event, shared, rest)
        node.held.add(id)

    def _check(self, amounts: Amounts, names: Iterable[str] | None = None) -> None:
        excess = amounts.excess(names)
        if excess:
            self._refuse("capacity", excess)

    def _open_node(self, name: str, epoch: str) -> Node:
        node = self._known_node(name)
        closed = node.closed()
        if closed:
            self._refuse("open", f"{name} is {closed}")
        if int(epoch) != node.epoch:
            self._refuse("epoch", f"{name} has the epoch {node.epoch}")
        return node

    def _place(self, id: str) -> None:
        function = _function_of(id)
        life = self.functions[function]
        if life.reservation and function in self.touched:
            life.left.add(life.reservation)
            life.reservation = ""
        elif life.reservation:
            self._refuse("one reservation", f"{function} is {life.state} by {life.reservation}")
        else:
            self._expect(function, life, "reserved")
        run = _run_of(function)
        life.is_whole = run is not None and run not in self._running
        life.go("queued")
        life.reservation, life.just_given_back = id, False

    def _started(self, event: Event) -> None:
        id, function = event["id"], _function_of(event["id"])
        held, life = self.held.get(id), self.functions[function]
        if held is None:
            self._refuse("placed first", "there is no such reservation")
        if held.event["node"] != event["node"]:
            self._refuse("placed first", f"it is reserved on {held.event['node']}")
        if life.reservation != id or life.state != "queued":
            self._refuse("placed first", f"{function} is {life.state} by {life.reservation or 'no reservation'}")
        node = self._open_node(event["node"], event["epoch"])
        if held.event["epoch"] != event["epoch"]:
            self._refuse("epoch", f"it was reserved in the epoch {held.event['epoch']} of {node.epoch}")
        attempt, life.retries = int(event["attempt"]), int(event["retries"])
        if attempt != life.attempt + 1 and function not in self.touched:
            self._refuse("attempts", f"{life.attempt} were counted")
        if attempt > life.retries + 1 and not (life.is_brought_back or function in self.touched):
            self._refuse("attempts", f"it has {life.retries} retries")
        life.go("started")
        life.attempt = attempt
        self.starts[function] += 1

    def _released(self, event: Event) -> None:
        id = _name_of(event)
        held = self.held.get(id)
        if held is None:
            self._refuse("as reserved", "nothing is reserved by that name")
        for name in ("node", "devices"):
            if event[name] != held.event[name]:
                self._refuse("as reserved", f"{name} was {held.event[name] or 'none'}")
        if read_cost(event["cost"]) != {**held.shared, **held.rest}:
            self._refuse("as reserved", f"cost was {held.event['cost']}")
        node = self.nodes[event["node"]]
        if _is_of_function(id):
            self._come_back(_function_of(id), id, event["outcome"], node, held)
        del self.held[id]
        node.held.discard(id)
        node.amounts.take(held.rest, event["devices"], -1)
        self.tokens.take(held.shared, "", -1)

    def _come_back(self, function: str, id: str, outcome: str, node: Node, held: Held) -> None:
        life = self.functions[function]
        if id in life.left:
            life.left.remove(id)
            return
        is_late = not node.is_up or node.epoch != int(held.event["epoch"])
        if life.state == "started" and outcome in BY_ITS_AGENT and is_late:
            self._refuse("fenced", f"it ran in the epoch {held.event['epoch']}, and the node has {node.epoch}")
        follows = GIVEN_BACK.get(life.state, {}).get(outcome)
        if function in self.touched:
            follows = follows or ("back", "")
        elif follows is None:
            self._refuse("order", f"{function} is {life.state}, and does not end as {outcome}")
        life.go(*follows)
        life.reservation, life.just_given_back = "", True
        if outcome == "unstarted":
            life.attempt -= 1

    # Functions.

    def _of_a_function(self, event: Event) -> None:
        kind, function = event["event"], event["job"]
        life = self.functions[function]
        # What its child returned meanwhile is dropped.
        is_decided_now = kind in ("canceled", "failed") and life.just_given_back
        if not is_decided_now:
            self._expect(function, life, kind)
        life.just_given_back = False
        match kind:
            case "delayed":
                life.go("queued" if life.reservation else "delayed")
            case "waiting":
                life.go("waiting")
            case "parked":
                life.go("parked")
            case "failed" | "canceled":
                life.go("ended", kind)
            case "replaced" | "discarded":
                self._make_way(function, life)
            case "adopted":
                life.is_brought_back = life.is_brought_back or life.has_ended
                life.go("back")

    def _make_way(self, function: str, life: Life) -> None:
        if life.outcome == "finished":
            self._refuse("ends once", f"{function} has finished")
        left = {*life.left, life.reservation} - {""}
        self.functions[function] = Life(left=left)

    def _recalled(self, event: Event) -> None:
        function = event["job"]
        life = self.functions[function]
        if life.reservation:
            self._refuse("one reservation", f"{function} is {life.state} by {life.reservation}")
        life.just_given_back = True
        life.go(*RECALLED[event["outcome"]])
        life.attempt = int(event["attempt"]) - (event["outcome"] == "unstarted")

    def _expect(self, function: str, life: Life, kind: str) -> None:
        if life.may(kind) or function in self.touched:
            return
        if life.state == "ended":
            self._refuse("ends once", f"{function} has ended as {life.outcome}")
        self._refuse("order", f"{function} is {life.state}")

    def _refuse(self, rule: str, why: str) -> NoReturn:
        raise Refused(rule, why, self._event, self._at)


def replay(events: Iterable[Event | tuple[bytes, Event]], touched: Collection[str] = ()) -> Replay:
    """Play a whole stream. -> what it tells: `outcomes()`, `unended()`, `held`, `starts`. Raises `Refused`."""
    return Replay(touched).play(events)


def _name_of(event: Event) -> str:
    """The name of a reservation: each node has one of its own for what other programs use."""
    return f"{EXTERNAL}@{event['node']}" if event["id"] == EXTERNAL else event["id"]


def _is_of_function(id: str) -> bool:
    return not id.startswith((CLAIM, f"{EXTERNAL}@"))


def _function_of(id: str) -> str:
    return id.rpartition(":")[0]


def _run_of(function: str) -> str | None:
    found = _MEMBER.fullmatch(function)
    return found and found[1]
