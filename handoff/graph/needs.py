"""What a node must have, idle, to hold all of some functions of a graph that may run together.

Pure: knows functions by their index alone, and nodes not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from handoff.graph.antichain import heaviest_antichain
from handoff.words.resources import SLOTS, UNIT, Units, device_of
from handoff.words.variants import Variant

MOST_COMPARED = 256
"""Members of a group of which each is compared with each other; of so many it takes up to 20 ms for each resource."""

_BITS = 4096
"""Members whose followers are found in one walk over the graph: masks of as many bits, one for each function."""


def needs(
    groups: Sequence[Sequence[int]],
    costs: Mapping[int, Sequence[Variant]],
    sources: Sequence[Sequence[int]],
    order: Sequence[int],
) -> list[Units]:
    """For each group of functions the most that those of it which may run together cost, slots included.

    `sources` and `order` are the graph and its functions, dependencies first. Of several costs of a function the
    least counts, for each resource on its own; of the memory of a device the most that one member wants. Of more
    than `MOST_COMPARED` members only those are added up that stand equally deep in the graph: a lower bound.
    """
    depths = _depths(sources, order) if groups else []
    afters = _afters([members for members in groups if len(members) <= MOST_COMPARED], sources, order)
    found = []
    for members in groups:
        heaviest = (
            partial(heaviest_antichain, next(afters))
            if len(members) <= MOST_COMPARED
            else partial(_heaviest_level, [depths[index] for index in members])
        )
        found.append(_need([_least(costs[index]) for index in members], heaviest))
    return found


def _need(costs: Sequence[Units], heaviest: Callable[[Sequence[int]], int]) -> Units:
    need: Units = {}
    # Every member takes a slot, and often one cpu each: the same question, asked once.
    known: dict[tuple[int, ...], int] = {}
    for name in sorted(set().union(*costs)):
        amounts = [cost.get(name, 0) for cost in costs]
        if device_of(name):
            need[name] = max(amounts)
            continue
        unit = math.gcd(*amounts)
        weights = tuple(amount // unit for amount in amounts)
        if weights not in known:
            known[weights] = heaviest(weights)
        need[name] = unit * known[weights]
    return need


def _least(variants: Sequence[Variant]) -> Units:
    costs = [variant.cost for variant in variants]
    return {SLOTS: UNIT, **{name: min(cost[name] for cost in costs) for name in set(costs[0]).intersection(*costs)}}


def _heaviest_level(levels: Sequence[int], weights: Sequence[int]) -> int:
    sums: dict[int, int] = {}
    for level, weight in zip(levels, weights, strict=True):
        sums[level] = sums.get(level, 0) + weight
    return max(sums.values())


def _depths(sources: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """The longest way from a function that takes nothing: of two equally deep neither comes after the other."""
    depths = [0] * len(sources)
    for index in order:
        depths[index] = 1 + max((depths[source] for source in sources[index]), default=-1)
    return depths


def _afters(
    groups: Sequence[Sequence[int]], sources: Sequence[Sequence[int]], order: Sequence[int]
) -> Iterator[list[int]]:
    """For each group, in order, which of its members come after each: bit j of mask i."""
    for batch in _batches(groups):
        members = [index for group in batch for index in group]
        bits = {index: 1 << bit for bit, index in enumerate(members)}
        after = [0] * len(sources)
        for index in reversed(order):
            mask = after[index] | bits.get(index, 0)
            for source in sources[index]:
                after[source] |= mask
        first = 0
        for group in batch:
            own = (1 << len(group)) - 1
            yield [after[index] >> first & own for index in group]
            first += len(group)


def _batches(groups: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    batch: list[Sequence[int]] = []
    size = 0
    for group in groups:
        if size + len(group) > _BITS:
            yield batch
            batch, size = [], 0
        batch.append(group)
        size += len(group)
    yield batch
