"""What the index is to say of a node, by the node's books."""

from __future__ import annotations

import math
from collections.abc import Mapping

from handoff.ledger.nodes import Node
from handoff.ledger.texts import index_name
from handoff.words.resources import UNIT, device_of


def indexed(node: Node, *, is_idle: bool) -> dict[str, int]:
    """What the index is to say of a node as it is, or as it would be if it were idle."""
    values: dict[str, int] = {}
    for name, capacity in node.capabilities.items():
        if name in node.devices:
            sizes = node.memory.get(name, {})
            memory = {index: (size if is_idle else free, size) for index, (free, size) in sizes.items()}
            shares = {index: UNIT if is_idle else share for index, share in node.devices[name].items()}
            whole = [share for index, share in shares.items() if len(set(memory.get(index, ()))) < 2]
            values[index_name.idle(name)] = sum(share == UNIT for share in whole)
            values[index_name.share(name)] = max([0, *whole])
            if memory:
                usable = [free for index, (free, _) in memory.items() if shares[index] == UNIT]
                values[index_name.memory(name)] = max([0, *usable])
        elif device_of(name) not in node.memory:
            values[name] = capacity if is_idle else unheld(node, name)
    return values


def columns(node: Node) -> dict[str, dict[str, int]]:
    """What the planes of both sides are to say of it: side -> index -> number."""
    shares = (math.floor(unheld(node, name) / units * UNIT) for name, units in node.capabilities.items() if units)
    spare = {index_name.SPARE: min([UNIT, *shares])} if node.capabilities else {}
    return {"free": indexed(node, is_idle=False) | spare, "cap": indexed(node, is_idle=True)}


def unheld(node: Node, name: str) -> int:
    """What is free of a sum."""
    return max(0, node.capabilities[name] - node.used.get(name, 0))


def most(free: Mapping[str, int], name: str, units: int) -> int:
    """What is free to whoever wants so much."""
    return max([0, *(free.get(index, 0) * each for index, each in indices(name, units))])


def indices(name: str, units: int) -> list[tuple[str, int]]:
    """In which indices a wanted amount may be found, each with how many units one of it is."""
    found = [(name, 1)]
    if device_of(name):
        found.append((index_name.memory(device_of(name)), 1))
    elif units < UNIT:
        found.append((index_name.share(name), 1))
    elif units % UNIT == 0:
        found.append((index_name.idle(name), UNIT))
    return found
