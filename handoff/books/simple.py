"""A tracker in plain Python for one process: no Redis, no agents, nodes stay until deregistered.

Owns the nodes, their order and the record of every claim; what fits and which devices are chosen is left to `books`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from handoff.books.allocator import Placed, by_spare, place
from handoff.books.groups import Group, candidates, groups
from handoff.books.node_books import Books, Devices
from handoff.books.reservation import Claim, Reservation, check_nodes, check_owner, check_reservation, check_ttl
from handoff.errors import ResourcesUnavailable, UnknownNode, shown
from handoff.words.capabilities import Capabilities, DeviceMemory, parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.function import Function, Strategy, check_strategy
from handoff.words.ids import new_id
from handoff.words.names import check_node_name, known_name
from handoff.words.resources import SLOTS, Amount, Number, Units, amounts, parse_cost


@dataclass(slots=True)
class _Node:
    capabilities: Capabilities
    books: Books  #: without slots, which claims do not take
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Claim:
    node: str
    cost: Units
    devices: Devices
    owner: str
    since_s: float


class SimpleResourceTracker:
    """A `ResourceTracker` in the memory of this process.

    `clock` gives the seconds by which a `ttl` is counted; it must never go back. What has lapsed is given back at
    the next call, whichever it is. `strategy` is that of functions which name none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, strategy: Strategy = "first_available") -> None:
        if not callable(clock):
            raise TypeError(f"clock is {shown(clock)}: give a function that returns seconds")
        self._clock = clock
        self._strategy = check_strategy(strategy)
        self._lock = threading.Lock()
        self._nodes: dict[str, _Node] = {}
        self._claims: dict[str, _Claim] = {}
        self._deadlines: dict[str, float] = {}

    def register_node(
        self,
        name: str,
        capabilities: Mapping[str, Number | Sequence[int]],
        labels: Mapping[str, str] | None = None,
        device_memory: DeviceMemory | None = None,
    ) -> None:
        """Add a node, or change its capabilities and labels and keep its place in the order and what is reserved."""
        parsed = parse_capabilities(capabilities, device_memory)
        check_node_name(name)
        parsed_labels = parse_labels(name, labels)
        with self._lock:
            node = self._nodes.setdefault(name, _Node(Capabilities({}), Books({}, {}), {}))
            node.books.change(_without_slots(node.capabilities), _without_slots(parsed))
            node.capabilities, node.labels = parsed, parsed_labels

    def deregister_node(self, name: str) -> None:
        """Forget a node and drop the claims on it."""
        with self._lock:
            self._live(name)
            del self._nodes[name]
            for id in [id for id, claim in self._claims.items() if claim.node == name]:
                del self._claims[id]
                self._deadlines.pop(id, None)

    def discover_nodes(self) -> dict[str, dict[str, Amount]]:
        """Tell the capabilities of all nodes, in the order of their first registration."""
        with self._lock:
            return {name: amounts(node.capabilities.units) for name, node in self._nodes.items()}

    def capabilities(self, node: str) -> dict[str, Amount]:
        """Tell all that a node has, held or not."""
        with self._lock:
            return amounts(self._live(node).capabilities.units)

    def available(self, node: str) -> dict[str, Amount]:
        """Tell what nobody holds of each of a node's capabilities; 0 where it is full or lowered below use."""
        with self._lock:
            self._drop_lapsed()
            live = self._live(node)
            units = live.capabilities.units
            return amounts({name: units[name] if name == SLOTS else live.books.free(name) for name in units})

    def resources_available(self, node: str, cost: Mapping[str, Number] | None) -> bool:
        """Tell whether `request` would succeed now; False for an unknown node."""
        units = parse_cost(cost)
        with self._lock:
            self._drop_lapsed()
            return self._has(node) and self._nodes[node].books.fits(units)

    def request(
        self, node: str, cost: Mapping[str, Number] | None, ttl: float | None = None, owner: str | None = None
    ) -> Reservation:
        """Claim `cost` on a node, for `ttl` seconds or until it is released."""
        units = parse_cost(cost)
        check_ttl(ttl)
        whose = check_owner(owner)
        with self._lock:
            self._drop_lapsed()
            books = self._live(node).books
            short = books.short(units)
            if short:
                raise ResourcesUnavailable(node, amounts(short))
            return self._record(_Claim(node, units, books.take(units), whose, self._clock()), ttl)

    def release(self, reservation: Reservation) -> bool:
        """Give back what the record of this reservation says; True the first time, then False."""
        check_reservation(reservation)
        with self._lock:
            self._drop_lapsed()
            return self._give_back(reservation.id)

    def claims(self) -> list[Claim]:
        """Tell of all claims that are held, those held longest first."""
        with self._lock:
            self._drop_lapsed()
            now_s = self._clock()
            return [
                Claim(
                    _reservation(id, claim),
                    claim.owner or None,
                    now_s - claim.since_s,
                    self._deadlines[id] - now_s if id in self._deadlines else None,
                )
                for id, claim in self._claims.items()
            ]

    def allocate_and_claim(
        self,
        functions: Sequence[Function],
        nodes: Sequence[str] | None = None,
        ttl: float | None = None,
        owner: str | None = None,
    ) -> dict[str, Reservation]:
        """Find a node for every function, by strategy, and claim its cost there, all or nothing."""
        gathered, asked, whose = groups(functions), check_nodes(nodes), check_owner(owner)
        check_ttl(ttl)
        with self._lock:
            self._drop_lapsed()
            names = self._nodes if nodes is None else [name for name in asked if self._has(name)]
            trial = {name: self._nodes[name].books.copy() for name in names}
            claims: dict[str, _Claim] = {}
            now_s = self._clock()
            for group in gathered:
                placed = self._place(group, trial)
                for member, cost, devices in zip(group.members, placed.costs, placed.devices, strict=True):
                    claims[member.id] = _Claim(placed.node, cost, devices, whose, now_s)
            for name, books in trial.items():
                self._nodes[name].books = books
            return {
                function.id: self._record(claims[function.id], ttl) for function in functions if function.id in claims
            }

    def _place(self, group: Group, books: Mapping[str, Books]) -> Placed:
        names = candidates(group, books, {name: self._nodes[name].labels for name in books})
        if (group.strategy or self._strategy) == "load_balanced":
            units = {name: _without_slots(self._nodes[name].capabilities).units for name in names}
            names = by_spare(names, books, units)
        placed = place(group, books, names)
        if placed is None:
            raise ResourcesUnavailable(group.pin, amounts(_least_short(group.costs, [books[name] for name in names])))
        return placed

    def _live(self, name: str) -> _Node:
        if known_name(name) not in self._nodes:
            raise UnknownNode(name)
        return self._nodes[name]

    def _has(self, name: object) -> bool:
        return isinstance(name, str) and name in self._nodes

    def _record(self, claim: _Claim, ttl: float | None) -> Reservation:
        id = new_id()
        self._claims[id] = claim
        if ttl is not None:
            self._deadlines[id] = claim.since_s + ttl
        return _reservation(id, claim)

    def _give_back(self, id: str) -> bool:
        claim = self._claims.pop(id, None)
        self._deadlines.pop(id, None)
        if claim is None:
            return False
        self._nodes[claim.node].books.give_back(claim.cost, claim.devices)
        return True

    def _drop_lapsed(self) -> None:
        if self._deadlines:
            now_s = self._clock()
            for id in [id for id, deadline_s in self._deadlines.items() if deadline_s <= now_s]:
                self._give_back(id)


def _reservation(id: str, claim: _Claim) -> Reservation:
    devices = {name: list(indices) for name, indices in claim.devices.items()}
    return Reservation(id, claim.node, amounts(claim.cost), devices)


def _without_slots(capabilities: Capabilities) -> Capabilities:
    units = {name: units for name, units in capabilities.units.items() if name != SLOTS}
    return replace(capabilities, units=units)


def _least_short(costs: Sequence[Units], books: Sequence[Books]) -> Units:
    """What is missing where the fewest resources are, then the least; without any books, the whole cost."""
    if not books:
        return dict(sum(map(Counter, costs), Counter()))
    return min((_short(costs, each) for each in books), key=lambda short: (len(short), sum(short.values())))


def _short(costs: Sequence[Units], books: Books) -> Units:
    """What the first of `costs` lacks for which the ones before it leave no room."""
    trial = books.copy()
    for cost in costs:
        short = trial.short(cost)
        if short:
            return short
        trial.take(cost)
    return {}
