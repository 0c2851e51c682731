"""Functions and nodes for the allocators, as short as a table wants them."""

from __future__ import annotations

from typing import Any

from handoff.books.allocator import LoadBalancedAllocator, SimpleAllocator
from handoff.books.free import Free
from handoff.words.function import Collocated, Function

Nodes = dict[str, dict[str, Free]]


def function(id: str, node: str | Collocated | None = None, **cost: float) -> Function:
    return Function(id, "module:f", cost=cost, node=node)


def with_(id: str) -> Collocated:
    return Collocated(id)


def allocate(functions: list[Function], free: Nodes, this_node: str | None = None) -> dict[str, str | None]:
    return SimpleAllocator(this_node).allocate(functions, free)


LABELS = {"a": {"zone": "x", "tier": "spot"}, "b": {"zone": "y"}, "c": {"zone": "x"}}


def where(id: str, place: str | Collocated | None = None, cpu: float = 1, **wanted: Any) -> Function:
    return Function(id, "module:f", cost={"cpu": cpu}, node=place, where=wanted)


def either(id: str, *costs: Any, node: str | Collocated | None = None) -> Function:
    return Function(id, "module:f", cost=costs, node=node)


def balance(
    functions: list[Function], free: Nodes, capabilities: Nodes | None = None, this_node: str | None = None
) -> list[str | None]:
    return list(LoadBalancedAllocator(this_node).allocate(functions, free, capabilities=capabilities).values())  # type: ignore[arg-type]
