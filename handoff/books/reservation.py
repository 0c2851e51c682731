"""What a claim hands back, and the one protocol that every tracker of resources keeps.

Knows no tracker; the conformance suite in the tests says the same as the docstrings here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from handoff.errors import shown
from handoff.words.capabilities import DeviceMemory
from handoff.words.function import Function
from handoff.words.resources import Amount, Number
from handoff.words.values import WAITS, is_wait


@dataclass(frozen=True, slots=True)
class Reservation:
    """A cost that is held on a node until it is released, it lapses, or the node goes."""

    id: str
    node: str
    cost: dict[str, Amount]  #: what is held, rounded up to 1/10,000
    devices: dict[str, list[int]]  #: device resource -> indices, ascending; of memory the device that has it


@dataclass(frozen=True, slots=True)
class Claim:
    """A reservation that was claimed through a tracker, as anybody may look at it; `release` takes its reservation."""

    reservation: Reservation
    owner: str | None  #: whose it is, where that was said
    held_s: float  #: since when
    left_s: float | None  #: for how long yet; None = until it is released


class ResourceTracker(Protocol):
    """Knows the nodes and what is held on each; every call is one atomic step, from any thread.

    Claims made here are in resources only: they take no slot. Wherever capabilities or a cost come in,
    `InvalidResources` is raised before anything else is looked at or written.
    """

    def register_node(
        self,
        name: str,
        capabilities: Mapping[str, Number | Sequence[int]],
        labels: Mapping[str, str] | None = None,
        device_memory: DeviceMemory | None = None,
    ) -> None:
        """Add a node, or change its capabilities and labels and keep its place in the order and what is reserved.

        `device_memory` is the MB of each device of a resource: `{"gpu": 24000}` for all alike, a list in the order of
        their indices, or a mapping by index; together they are the node's `gpu_memory`. Capabilities may be lowered
        below what is reserved; then nothing is placed on the node until all that is reserved fits it again. Raises
        `InvalidNode`, `InvalidResources`, and `NodeIsLeased` where an agent holds it.
        """
        ...

    def deregister_node(self, name: str) -> None:
        """Forget a node and drop the claims on it. Raises `UnknownNode`."""
        ...

    def discover_nodes(self) -> dict[str, dict[str, Amount]]:
        """Tell the capabilities of all live nodes, in the order of their first registration.

        Devices are counted; `slots` shows only where it was given.
        """
        ...

    def capabilities(self, node: str) -> dict[str, Amount]:
        """Tell all that a node has, held or not. Raises `UnknownNode`."""
        ...

    def available(self, node: str) -> dict[str, Amount]:
        """Tell what nobody holds of each of a node's capabilities; 0 where it is full or lowered below use.

        Of devices this is the sum of what each can still give: one whose memory is held in part gives no share, one
        that is held in part gives no memory. Raises `UnknownNode`.
        """
        ...

    def resources_available(self, node: str, cost: Mapping[str, Number] | None) -> bool:
        """Tell whether `request` would succeed now; False for an unknown node."""
        ...

    def request(
        self, node: str, cost: Mapping[str, Number] | None, ttl: float | None = None, owner: str | None = None
    ) -> Reservation:
        """Claim `cost` on a node, for `ttl` seconds or until it is released.

        `owner` is a text that `claims` shows, such as the name of a program and its host. Raises `UnknownNode`, or
        `ResourcesUnavailable` with what is missing, having taken nothing.
        """
        ...

    def release(self, reservation: Reservation) -> bool:
        """Give back what the record of this reservation says, whatever its fields say.

        True the first time; False once it is released, lapsed or gone with its node. Safe to repeat.
        """
        ...

    def claims(self) -> list[Claim]:
        """Tell of all claims that are held, those held longest first."""
        ...

    def allocate_and_claim(
        self,
        functions: Sequence[Function],
        nodes: Sequence[str] | None = None,
        ttl: float | None = None,
        owner: str | None = None,
    ) -> dict[str, Reservation]:
        """Find a node for every function and claim its cost there, all or nothing: {function id: its reservation}.

        By the function's `strategy`, else the tracker's. Of several costs the first that fits any node is claimed;
        those behind `After` count only where there is no other, and then the first of them. `nodes` are the only
        candidates, in that order; names that are not live are passed over, for a node may go at any time. Without it
        all live nodes are, in their own order. `ttl` and `owner` are those of `request`, of each claim. Raises
        `ResourcesUnavailable` for the first function that fits nowhere; its `node` is the one that function is pinned
        to. `DuplicateFunction` if two have one id.
        """
        ...


def check_reservation(reservation: object) -> None:
    """Raise `TypeError` for what no tracker has made."""
    if not isinstance(reservation, Reservation) or not isinstance(reservation.id, str):
        raise TypeError(f"{shown(reservation)} is no reservation: release what request or allocate_and_claim gave")


def check_nodes(nodes: object) -> list[Any]:
    """The names that are given as candidates, [] for None; raise `TypeError` for what is no list."""
    if nodes is None:
        return []
    if not isinstance(nodes, Iterable) or isinstance(nodes, (str, bytes)):
        raise TypeError(f"nodes is {shown(nodes)}: give a list of names, or None")
    return list(nodes)


def check_ttl(ttl: float | None) -> None:
    """Raise `ValueError` unless a claim can last that long: None, or finite seconds above 0."""
    if ttl is not None and not is_wait(ttl):
        raise ValueError(f"ttl is {shown(ttl)}: give {WAITS}, or None to hold until released")


LONGEST_OWNER = 200


def check_owner(owner: object) -> str:
    """Return whose a claim is, '' for None; raise `ValueError` for what is no short text on one line."""
    if owner is None:
        return ""
    if not isinstance(owner, str) or not owner.strip() or not owner.isprintable() or len(owner) > LONGEST_OWNER:
        raise ValueError(
            f"owner is {shown(owner)}: give a text of one line and at most {LONGEST_OWNER} characters, or None"
        )
    return owner
