"""Nodes as Redis has them: read, drained and opened again; and what the cluster shares beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from handoff.errors import InvalidResources, UnknownNode, shown
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.replies import texts_of
from handoff.ledger.store import Call
from handoff.ledger.texts.cordoned import read_cordoned
from handoff.ledger.texts.cost import asked_for, read_cost, write_cost
from handoff.ledger.texts.device_field import read_device_field
from handoff.ledger.texts.devices import write_memory
from handoff.ledger.texts.hold import Hold, read_hold
from handoff.ledger.texts.labels import read_labels
from handoff.ledger.texts.node_field import read_node_field
from handoff.ledger.texts.offered_devices import write_offered_devices
from handoff.words.capabilities import Capabilities, parse_shared
from handoff.words.names import known_name
from handoff.words.resources import MEMORY_SUFFIX, SLOTS, UNIT, UNLIMITED, Amount, Number, amounts, device_of
from handoff.words.times import milliseconds
from handoff.words.values import WAITS, is_wait

SHARED = "*"
"""The name under which what all nodes share has its books."""

NodeState = Literal["up", "quiet", "over", "draining", "cordoned", "lost"]
"""Functions are placed on nodes that are `up`, and on no others.

`quiet`: its agent takes no more: it was told so, or can start no processes. `over`: more is reserved than its
capabilities, which were lowered.
`cordoned`: so many different functions have died there that it is closed until it is undrained.
`draining`: it is being emptied, or is empty, until it is undrained. `lost`: its lease is over.
"""


@dataclass(frozen=True, slots=True)
class Node:
    """One node, as of one moment."""

    name: str
    kind: str  #: static, leased
    state: NodeState
    lease_ms: int  #: what is left of the lease; -1 = nobody has one
    lost_since: int | None  #: ms; None = it is not lost, or only late
    holder: str  #: the agent, for people; '' = none
    capabilities: Mapping[str, int]  #: units of 1/10,000
    used: Mapping[str, int]
    devices: Mapping[str, Mapping[int, int]]  #: device resource -> index -> free units
    memory: Mapping[str, Mapping[int, tuple[int, int]]]  #: device resource -> index -> free and total memory, in units
    labels: Mapping[str, str]
    quiet_since: int | None  #: ms, None = it is not quiet
    quiet_reason: str  #: why its agent takes no more, '' = it was told so
    cordoned: tuple[int, str] | None  #: since when in ms, and why; None = it is not
    draining: int | None  #: until when in ms, 0 = without a deadline, None = it is not being drained
    hold: Hold | None  #: for whom it is held
    external: Mapping[str, Amount]  #: what other programs use of its host, as far as anybody looks

    @property
    def live(self) -> bool:
        """Whether it is registered, and its lease not over by the server's clock."""
        return self.state != "lost"

    @property
    def lease_s(self) -> float | None:
        """What is left of the lease; None where nobody has one: the node is static, or lost."""
        return None if self.lease_ms < 0 else self.lease_ms / 1000

    def has(self) -> dict[str, Amount]:
        """Its full amounts; slots only where they were given."""
        return amounts({name: units for name, units in self.capabilities.items() if not self._unlimited(name)})

    def free(self) -> dict[str, Amount]:
        """Its free amounts, 0 where all is reserved or the capacity was lowered below use."""
        return amounts(
            {name: self._free(name, units) for name, units in self.capabilities.items() if not self._unlimited(name)}
        )

    def _free(self, name: str, units: int) -> int:
        by_device = self.free_devices(name)
        return max(0, units - self.used.get(name, 0)) if by_device is None else sum(by_device.values())

    def free_devices(self, name: str) -> dict[int, int] | None:
        """What each device can still give of it, in units, by index; None for what is a sum.

        One that serves shares gives no memory, and the other way round.
        """
        device = device_of(name)
        if name in self.devices:
            memory = self.memory.get(name, {})
            shares = sorted(self.devices[name].items())
            return {index: max(0, free) if _is_whole(memory.get(index)) else 0 for index, free in shares}
        if device in self.memory:
            shares_free = self.devices[device]
            sizes = sorted(self.memory[device].items())
            return {index: max(0, free) if shares_free[index] == UNIT else 0 for index, (free, _) in sizes}
        return None

    def _unlimited(self, name: str) -> bool:
        return name == SLOTS and self.capabilities[name] == UNLIMITED


def _is_whole(memory: tuple[int, int] | None) -> bool:
    return memory is None or memory[0] == memory[1]


MOST_READ = 128
"""Nodes of one script: 10 to 15 us each."""


@Call
async def read_nodes(ledger: Ledger, name: str = "") -> list[Node]:
    """All nodes in order of first registration, or the one called `name`; lapsed ones too, as lost.

    Many are not of one moment: between slices others are served.
    """
    names: list[Any] = [name] if name else await ledger.read("ZRANGE", ledger.keys("nodes"), 0, -1)
    read: list[Node] = []
    for i in range(0, len(names), MOST_READ):
        _, found = await ledger.run("nodes", *names[i : i + MOST_READ])
        read += [_node(each.decode(), lease_ms, texts_of(flat), lost_ms) for each, lease_ms, lost_ms, flat in found]
    return read


def _node(name: str, lease_ms: int, fields: Mapping[str, str], lost_ms: int) -> Node:
    try:
        return node_of(name, lease_ms, fields, lost_ms)
    except (ValueError, LookupError, OverflowError):
        # To scripts it is lost as well, until its agent registers anew.
        return node_of(name, 0, {"state": "lost"})


def node_of(name: str, lease_ms: int, fields: Mapping[str, str], lost_ms: int = -1) -> Node:
    """A node by what its hash says, and what is left of its lease: -1 = nobody has one.

    `lost_ms` is since when it is lost; -1 = nobody knows. Raises ValueError, LookupError or OverflowError where
    something cannot be read.
    """
    units: dict[str, dict[str, int]] = {"cap": {}, "used": {}}
    devices: dict[str, dict[int, int]] = {}
    memory: dict[str, dict[int, tuple[int, int]]] = {}
    for field, value in fields.items():
        kind, resource = read_node_field(field)
        if kind == "dev":
            listed = read_device_field(value)
            devices[resource] = {device.index: device.share for device in listed}
            if sizes := {device.index: device.memory for device in listed if device.memory is not None}:
                memory[resource] = sizes
        elif resource and kind in units:
            units[kind][resource] = int(value)
    state = _state(fields, lease_ms)
    return Node(
        name=name,
        kind=fields.get("kind", "static"),
        state=state,
        lease_ms=lease_ms,
        lost_since=lost_ms if state == "lost" and lost_ms >= 0 else None,
        holder=fields.get("holder", ""),
        capabilities=dict(sorted(units["cap"].items())),
        used=units["used"],
        devices=devices,
        memory=memory,
        labels=read_labels(fields.get("labels", "")),
        quiet_since=int(fields["quiet"]) if "quiet" in fields else None,
        quiet_reason=fields.get("reason", ""),
        cordoned=read_cordoned(fields["cordoned"]) if "cordoned" in fields else None,
        draining=int(fields["draining"]) if "draining" in fields else None,
        hold=read_hold(fields["hold"]) if "hold" in fields else None,
        external=_external(fields.get("external", "")),
    )


def _external(text: str) -> dict[str, Amount]:
    """What nobody can read is told anew with the next heartbeat."""
    try:
        return amounts({name: units for name, units in read_cost(text).items() if units})
    except ValueError:
        return {}


def _state(fields: Mapping[str, str], lease_ms: int) -> NodeState:
    if fields.get("state") != "up" or lease_ms == 0:
        return "lost"
    if "draining" in fields:
        return "draining"
    if "cordoned" in fields:
        return "cordoned"
    if "over" in fields:
        return "over"
    return "quiet" if "quiet" in fields else "up"


def write_capabilities(capabilities: Capabilities) -> tuple[str, str]:
    """Write what a node has: its units, and its devices. A node that names no slots takes any number of functions."""
    return write_cost({SLOTS: UNLIMITED, **capabilities.units}), write_offered_devices(capabilities)


def write_external(units: Mapping[str, int], memory: Mapping[str, Mapping[int, int]]) -> tuple[str, str]:
    """Write what other programs use: of sums, and of the memory of devices, by device resource and index."""
    of_devices = {name + MEMORY_SUFFIX: sum(of.values()) for name, of in memory.items()}
    return write_cost({**units, **of_devices}), write_memory(memory)


@Call
async def drain(ledger: Ledger, name: str, deadline: float | None) -> None:
    """Close a node and empty it, for good after `deadline` seconds. Raises `UnknownNode`."""
    if deadline is not None and not is_wait(deadline):
        raise ValueError(f"deadline is {shown(deadline)}: give {WAITS}, or None to let end what runs")
    await _drain(ledger, name, 1, 0 if deadline is None else milliseconds(deadline))


@Call
async def undrain(ledger: Ledger, name: str) -> None:
    """Open a node again that was drained, or is cordoned. Raises `UnknownNode`."""
    await _drain(ledger, name, 0, 0)


async def _drain(ledger: Ledger, name: str, on: int, deadline_ms: int) -> None:
    known_name(name)
    while True:
        reply = await ledger.run("drain", name=name, drain=on, deadline_ms=deadline_ms)
        if reply == ["unknown"]:
            raise UnknownNode(name)
        if reply != ["again"]:
            return


@Call
async def share(ledger: Ledger, amounts_of: Mapping[str, Number]) -> None:
    """Set what all nodes share of the resources named. Raises `InvalidResources`."""
    match await ledger.run("share", amounts=write_cost(parse_shared(amounts_of))):
        case ["shared", *_]:
            return
        case ["taken", bytes(name), bytes(node)]:
            rule = f"node {node.decode()} has it for itself: share it under a name that no node uses"
            raise InvalidResources(name.decode(), amounts_of[name.decode()], rule)
        case reply:
            raise unlisted("share", reply)


@Call
async def shared(ledger: Ledger) -> dict[str, Amount]:
    """What all nodes share, reserved or not; without the tokens of runs."""
    tokens = await read_nodes(ledger, SHARED)
    return amounts(asked_for(tokens[0].capabilities)) if tokens else {}
