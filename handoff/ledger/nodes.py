"""Nodes as Redis has them: read, drained and opened again; and what the cluster shares beside them.

The fields are described in lua/lib/node.lua.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handoff.errors import InvalidResources, UnknownNode
from handoff.ledger.rqmodel import LOST_TEXT
from handoff.ledger.store import Store, unlisted
from handoff.ledger.texts.shape import asked_for, cost_text
from handoff.words.capabilities import parse_shared
from handoff.words.constraints import parse_labels_text
from handoff.words.names import is_node_name
from handoff.words.resources import SLOTS, UNIT, UNLIMITED, Amount, Number, amounts, device_of
from handoff.words.values import is_wait

SHARED = "*"
"""The name under which what all nodes share has its books."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node, as of one moment."""

    name: str
    kind: str  #: static, leased
    live: bool  #: registered, and its lease not over by the server's clock
    open: bool  #: live, and not lowered below use, quiet or being drained: something may be placed
    lease_ms: int  #: what is left of the lease; -1 = static
    holder: str  #: the agent, for people; '' = none
    capabilities: Mapping[str, int]  #: units of 1/10,000
    used: Mapping[str, int]
    devices: Mapping[str, Mapping[int, int]]  #: device resource -> index -> free units
    memory: Mapping[str, Mapping[int, tuple[int, int]]]  #: device resource -> index -> free and total memory, in units
    labels: Mapping[str, str]
    draining: int | None  #: until when in ms, 0 = without a deadline, None = it is not being drained
    hold: str  #: `<rank>|<job>|<what it lacks>` of the function that it is held for; '' = nobody

    def has(self) -> dict[str, Amount]:
        """Its full amounts; slots only where they were given."""
        return amounts({name: units for name, units in self.capabilities.items() if not self._unlimited(name)})

    def free(self) -> dict[str, Amount]:
        """Its free amounts, 0 where all is held or the capacity was lowered below use.

        Of devices what each can still give: one that serves shares gives no memory, and the other way round.
        """
        return amounts(
            {name: self._free(name, units) for name, units in self.capabilities.items() if not self._unlimited(name)}
        )

    def _free(self, name: str, units: int) -> int:
        device = device_of(name)
        if name in self.devices:
            memory = self.memory.get(name, {})
            shares = (share for index, share in self.devices[name].items() if _is_whole(memory.get(index)))
            return sum(share for share in shares if share > 0)
        if device in self.memory:
            free_shares = self.devices[device]
            return sum(max(0, free) for index, (free, _) in self.memory[device].items() if free_shares[index] == UNIT)
        return max(0, units - self.used.get(name, 0))

    def _unlimited(self, name: str) -> bool:
        return name == SLOTS and self.capabilities[name] == UNLIMITED


def read_nodes(store: Store, name: str = "") -> list[Node]:
    """All nodes in order of first registration, or the one called `name`; lapsed ones too, as not live."""
    return [_node(*row) for row in store.run("nodes", name=name)[1]]


def _node(name: bytes, lease_ms: int, flat: list[bytes]) -> Node:
    fields: dict[str, Any] = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
    amounts_of: dict[str, dict[str, int]] = {"cap": {}, "used": {}}
    devices: dict[str, dict[int, int]] = {}
    memory: dict[str, dict[int, tuple[int, int]]] = {}
    for field, value in fields.items():
        kind, colon, resource = field.partition(":")
        if colon and kind == "dev":
            parts = [part.partition("=") for part in value.split(",") if part]
            listed = {int(index): [int(units) for units in rest.split("/")] for index, _, rest in parts}
            devices[resource] = {index: units[0] for index, units in listed.items()}
            if any(len(units) > 1 for units in listed.values()):
                memory[resource] = {index: (units[1], units[2]) for index, units in listed.items()}
        elif colon and kind in amounts_of:
            amounts_of[kind][resource] = int(value)
    live = fields["state"] == "up" and lease_ms != 0
    return Node(
        name=name.decode(),
        kind=fields.get("kind", "static"),
        live=live,
        open=live and not fields.keys() & {"over", "quiet", "draining"},
        lease_ms=lease_ms,
        holder=fields.get("holder", ""),
        capabilities=dict(sorted(amounts_of["cap"].items())),
        used=amounts_of["used"],
        devices=devices,
        memory=memory,
        labels=parse_labels_text(fields.get("labels", "")),
        draining=int(fields["draining"]) if "draining" in fields else None,
        hold=fields.get("hold", ""),
    )


def _is_whole(memory: tuple[int, int] | None) -> bool:
    return memory is None or memory[0] == memory[1]


def drain(store: Store, name: str, deadline: float | None) -> None:
    """Close a node and empty it, for good after `deadline` seconds. Raises `UnknownNode`."""
    if deadline is not None and not (is_wait(deadline)):
        raise ValueError(f"deadline is {deadline!r}: give seconds above 0, or None to let end what runs")
    _drain(store, name, 1, 0 if deadline is None else max(1, round(deadline * 1000)))


def undrain(store: Store, name: str) -> None:
    """Open a node again. Raises `UnknownNode`."""
    _drain(store, name, 0, 0)


def _drain(store: Store, name: str, on: int, deadline_ms: int) -> None:
    if not is_node_name(name):
        raise UnknownNode(str(name))
    while True:
        reply = store.run("drain", name=name, drain=on, deadline_ms=deadline_ms, lost_text=LOST_TEXT)
        if reply == ["unknown"]:
            raise UnknownNode(name)
        if reply != ["again"]:
            return


def share(store: Store, amounts_of: Mapping[str, Number]) -> None:
    """Set what all nodes share of the resources named. Raises `InvalidResources`."""
    match store.run("share", amounts=cost_text(parse_shared(amounts_of)), lost_text=LOST_TEXT):
        case ["shared", *_]:
            return
        case ["taken", bytes(name), bytes(node)]:
            rule = f"node {node.decode()} has it for itself: share it under a name that no node uses"
            raise InvalidResources(name.decode(), amounts_of[name.decode()], rule)
        case reply:
            raise unlisted("share", reply)


def shared(store: Store) -> dict[str, Amount]:
    """What all nodes share, held or not; without the tokens of runs."""
    tokens = read_nodes(store, SHARED)
    return amounts(asked_for(tokens[0].capabilities)) if tokens else {}
