"""Nodes as Redis has them: read, never judged. The fields are described in lua/lib/node.lua."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handoff.resources import SLOTS, UNLIMITED, Amount, amounts
from handoff.store import Store


@dataclass(frozen=True, slots=True)
class Node:
    """One node, as of one moment."""

    name: str
    kind: str  #: static, leased
    live: bool  #: registered, and its lease not over by the server's clock
    open: bool  #: live, and not lowered below use nor quiet: something may be placed
    lease_ms: int  #: what is left of the lease; -1 = static
    holder: str  #: the agent, for people; '' = none
    capabilities: Mapping[str, int]  #: units of 1/10,000
    used: Mapping[str, int]
    devices: Mapping[str, Mapping[int, int]]  #: device resource -> index -> free units

    def has(self) -> dict[str, Amount]:
        """Its full amounts; slots only where they were given."""
        return amounts({name: units for name, units in self.capabilities.items() if not self._unlimited(name)})

    def free(self) -> dict[str, Amount]:
        """Its free amounts, 0 where all is held or the capacity was lowered below use; of devices the free shares."""
        return amounts(
            {
                name: sum(self.devices[name].values())
                if name in self.devices
                else max(0, units - self.used.get(name, 0))
                for name, units in self.capabilities.items()
                if not self._unlimited(name)
            }
        )

    def _unlimited(self, name: str) -> bool:
        return name == SLOTS and self.capabilities[name] == UNLIMITED


def read_nodes(store: Store, name: str = "") -> list[Node]:
    """All nodes in order of first registration, or the one called `name`; lapsed ones too, as not live."""
    return [_node(*row) for row in store.run("nodes", name=name)[1]]


def _node(name: bytes, lease_ms: int, flat: list[bytes]) -> Node:
    fields: dict[str, Any] = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
    amounts_of: dict[str, dict[str, int]] = {"cap": {}, "used": {}}
    devices: dict[str, dict[int, int]] = {}
    for field, value in fields.items():
        kind, colon, resource = field.partition(":")
        if colon and kind == "dev":
            shares = (part.partition("=") for part in value.split(",") if part)
            devices[resource] = {int(index): int(units) for index, _, units in shares}
        elif colon:
            amounts_of[kind][resource] = int(value)
    live = fields["state"] == "up" and lease_ms != 0
    return Node(
        name=name.decode(),
        kind=fields.get("kind", "static"),
        live=live,
        open=live and "over" not in fields and "quiet" not in fields,
        lease_ms=lease_ms,
        holder=fields.get("holder", ""),
        capabilities=dict(sorted(amounts_of["cap"].items())),
        used=amounts_of["used"],
        devices=devices,
    )
