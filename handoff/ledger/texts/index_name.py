"""Names of what the index keeps of a node.

A resource that is a sum has its own name; of devices there are `gpu#idle` (how many are idle), `gpu#share` (the largest
free share) and `gpu#memory` (the most free memory on one). The index of shapes has `gpu#sum`: only a sum can meet it.
"""

from __future__ import annotations


def read_index_name(name: str) -> tuple[str, str]:
    """Read a name. -> the resource, and idle, share, memory, or '' of a sum"""
    resource, _, part = name.partition("#")
    return resource, part


SPARE = "*spare"
"""How much of a node is spare: the smallest free share of all that it has."""


def idle(family: str) -> str:
    """How many devices are idle."""
    return f"{family}#idle"


def share(family: str) -> str:
    """The largest free share."""
    return f"{family}#share"


def memory(family: str) -> str:
    """The most free memory on one device."""
    return f"{family}#memory"


def sum_of(resource: str) -> str:
    """What only a sum can meet."""
    return f"{resource}#sum"
