"""`handoff node --check`: whether the agent of this host is alive, by its lease.

It is dead only where Redis says so. While Redis is away agents go on with what they run, and no node is lost: a probe
that failed then would have all of them restarted, with what runs there.
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff.errors import StoreUnavailable
from handoff.ledger.nodes import Node, NodeState, read_nodes
from handoff.ledger.store import Store
from handoff.ledger.texts.holder import host_and_pid, read_holder
from handoff_worker.machine.holder import host, this_process
from handoff_worker.machine.own_groups import in_words, kept_by_group

PATIENCE_S = 2.0
"""How long a Redis that is away or silent is asked: probes have a limit of their own."""

SLICE = 128
"""Nodes that are read at a time."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of an agent."""

    alive: bool | None  #: None where Redis cannot be asked
    node: str | None
    state: NodeState | None
    lease_s: float | None  #: what is left of its lease
    reason: str


def check(store: Store, name: str | None) -> Health:
    """Say whether the agent of a node is alive, or, without a name, one that runs on this machine."""
    try:
        found = _of_this_machine(store) if name is None else read_nodes(store, name)
    except StoreUnavailable as error:
        return Health(None, name, None, None, f"{error}; nobody can tell, so it counts as alive")
    healths = [_health(node) for node in found]
    return next((each for each in healths if each.alive), healths[0] if healths else _unknown(store, name))


def _of_this_machine(store: Store) -> list[Node]:
    """Read the nodes whose agents run, or ran, here: the one that is called as this host, or else all of them."""
    machine = this_process().machine
    if own := [node for node in read_nodes(store, host()) if _is_held_on(machine, node.holder)]:
        return own
    names = store.read("ZRANGE", store.keys("nodes"), 0, -1)
    held: list[Node] = []
    for i in range(0, len(names), SLICE):
        part = [name.decode() for name in names[i : i + SLICE]]
        holders = store.read_each([("HGET", store.keys("node", name), "holder") for name in part])
        for name, holder in zip(part, holders, strict=True):
            if _is_held_on(machine, (holder or b"").decode(errors="replace")):
                held += read_nodes(store, name)
    return held


def _is_held_on(machine: str, holder: str) -> bool:
    try:
        return read_holder(holder).machine == machine
    except ValueError:
        # A static node has none.
        return False


def _health(node: Node) -> Health:
    if node.state == "lost":
        return Health(False, node.name, node.state, None, f"node {node.name} is lost: its agent has gone silent")
    if node.lease_s is None:
        return Health(False, node.name, node.state, None, f"node {node.name} has no agent: it was registered by hand")
    reason = f"node {node.name} is {node.state}: its agent ({host_and_pid(node.holder)}) holds its lease"
    reason = f"{reason} for another {node.lease_s:.1f} s"
    if _is_held_on(this_process().machine, node.holder) and (kept := kept_by_group(read_holder(node.holder).pid)):
        reason += f"; control groups keep functions to {in_words(kept)}"
    return Health(True, node.name, node.state, node.lease_s, reason)


def _unknown(store: Store, name: str | None) -> Health:
    where = f"in namespace {store.namespace} at {store.address}"
    what = f"node {name} is not registered {where}" if name else f"no agent of this host is registered {where}"
    return Health(False, name, None, None, what)
