"""What the stream of events says, played again: what holds at every event is checked there."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from handoff.ledger.nodes import SHARED
from handoff.ledger.texts.cost import read_cost
from handoff.words.resources import UNIT, device_of


@dataclass
class Node:
    """One node, or what all share, by what the events say."""

    is_up: bool = False
    is_draining: bool = False
    is_quiet: bool = False
    is_cordoned: bool = False
    units: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)  #: device resource -> index -> memory
    used: Counter[str] = field(default_factory=Counter)
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)
    memory: Counter[tuple[str, str]] = field(default_factory=Counter)
    hold: tuple[str, set[str]] | None = None  #: the job that it is held for, and what is left to it

    def change(self, event: dict[str, str]) -> None:
        match event["change"]:
            case "draining" | "undrained" as change:
                self.is_draining = change == "draining"
                return
            case "quiet" | "serving" as change:
                self.is_quiet = change == "quiet"
                return
            case "cordoned" | "uncordoned" as change:
                self.is_cordoned = change == "cordoned"
                return
            case "deregistered":
                # It may be undrained while it is away, and nothing is said of that.
                self.is_draining = self.is_cordoned = False
            case "registered":
                self.is_quiet = False
        self.is_up = event["change"] == "registered"
        if self.is_up:
            self.units = Counter(read_cost(event["units"]))
            parts = (part.partition(":") for part in event["devices"].split(";") if part)
            self.sizes = {name: dict(map(_size, entries.split(","))) for name, _, entries in parts}

    def take(self, cost: dict[str, int], devices: str, sign: int) -> None:
        for name, units in cost.items():
            self.used[name] += sign * units
        for part in filter(None, devices.split(";")):
            name, _, entries = part.partition(":")
            for index, _, text in (entry.partition("=") for entry in entries.split(",")):
                taken = self.memory if text.endswith("m") else self.shares
                taken[name, index] += sign * int(text.removesuffix("m"))

    def check_capacity(self, event: dict[str, str]) -> None:
        assert self.is_up, event
        assert not self.is_draining, event
        assert not self.is_quiet, event
        assert not self.is_cordoned, event
        for name, units in self.used.items():
            assert 0 <= units <= self.units[name], (event, self)
        for (name, index), units in self.shares.items():
            assert 0 <= units <= (UNIT if index in self.sizes.get(name, ()) else 0), (event, self)
        for (name, index), units in self.memory.items():
            assert 0 <= units <= self.sizes.get(name, {}).get(index, 0), (event, self)
            assert not (units and self.shares[name, index]), (event, self)

    def is_idle(self) -> bool:
        return not any([*self.used.values(), *self.shares.values(), *self.memory.values()])


def _size(entry: str) -> tuple[str, int]:
    index, _, size = entry.partition("/")
    return index, int(size or 0)


@dataclass(frozen=True)
class Held:
    """The event that made a reservation, and what of its cost was shared then."""

    event: dict[str, str]
    shared: dict[str, int]
    rest: dict[str, int]


class Replay:
    """Plays the events again. What holds at every one of them is checked there."""

    def __init__(self, ranks: dict[str, int]) -> None:
        self.nodes: dict[str, Node] = {}
        self.tokens = Node()
        self.held: dict[str, Held] = {}  #: by reservation
        self.starts: Counter[str] = Counter()  #: by job
        self.ends: dict[str, list[str]] = defaultdict(list)  #: job -> the outcomes of its reservations, in order
        self.outcomes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self._ranks = ranks
        self._reserved: set[str] = set()

    def play(self, events: list[dict[str, str]]) -> None:
        for event in events:
            self.kinds[event["event"]] += 1
            match event["event"]:
                case "node":
                    self.nodes.setdefault(event["node"], Node()).change(event)
                case "shared":
                    self.tokens.units = Counter({**self.tokens.units, **read_cost(event["amounts"])})
                case "held":
                    self._of(event["node"]).hold = event["job"], set(event["lacks"].split(","))
                case "unheld":
                    self._of(event["node"]).hold = None
                case "reserved":
                    self._reserve(event)
                case "released":
                    self._release(event)
                case "started":
                    assert self.held[event["id"]].event["node"] == event["node"], event
                    self.starts[event["id"].rpartition(":")[0]] += 1

    def _of(self, name: str) -> Node:
        return self.tokens if name == SHARED else self.nodes[name]

    def _reserve(self, event: dict[str, str]) -> None:
        id = event["id"]
        assert id not in self.held, event
        # A claim may be tried on one node and made on another, under one id; a function never is.
        assert id.startswith("~") or id not in self._reserved, event
        self._reserved.add(id)
        cost = read_cost(event["cost"])
        shared = {name: units for name, units in cost.items() if self.tokens.units[name]}
        rest = {name: units for name, units in cost.items() if name not in shared}
        self.held[id] = Held(event, shared, rest)
        node = self.nodes[event["node"]]
        node.take(rest, event["devices"], 1)
        node.check_capacity(event)
        self.tokens.take(shared, "", 1)
        for name in shared:
            assert 0 <= self.tokens.used[name] <= self.tokens.units[name], (event, self.tokens)
        self._check_promise(event, node, rest)
        self._check_promise(event, self.tokens, shared)

    def _check_promise(self, event: dict[str, str], node: Node, cost: dict[str, int]) -> None:
        """What is held for a function is not given to who comes after it."""
        if node.hold is None:
            return
        holder, lacks = node.hold
        if not lacks.isdisjoint(device_of(name) or name for name in cost):
            rank = self._ranks.get(event["id"].rpartition(":")[0])
            assert rank is not None, (event, node)
            assert rank <= self._ranks[holder], (event, node)

    def _release(self, event: dict[str, str]) -> None:
        held = self.held.pop(event["id"])
        for name in ("node", "devices"):
            assert event[name] == held.event[name], (event, held)
        assert read_cost(event["cost"]) == held.shared | held.rest, (event, held)
        self.nodes[event["node"]].take(held.rest, event["devices"], -1)
        self.tokens.take(held.shared, "", -1)
        self.outcomes[event["outcome"]] += 1
        if not event["id"].startswith("~"):
            self.ends[event["id"].rpartition(":")[0]].append(event["outcome"])
