"""How far each node was filled at most, worked out from the stream of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from handoff.ledger.texts.cost import read_cost
from handoff.words.resources import SLOTS, Amount, amount

Peaks = dict[str, dict[str, tuple[Amount, Amount]]]
"""Node -> resource -> the highest use at any one time, and the capacity."""


def peaks(events: Iterable[Mapping[str, str]], capacities: Mapping[str, Mapping[str, Amount]]) -> Peaks:
    """Find the highest simultaneous use of each node and resource in a stream of events.

    Exact, because every reservation and release is an event, in the order in which the ledger changed; a sample
    would miss what came and went between two looks. What a node was not said to have has capacity 0; slots of
    which it has no limit are left out. Raises `ValueError` if more is released than was reserved: the stream
    has lost its beginning.
    """
    used: defaultdict[tuple[str, str], int] = defaultdict(int)
    highest: defaultdict[tuple[str, str], int] = defaultdict(int)
    for event in events:
        sign = {"reserved": 1, "released": -1}.get(event["event"])
        if sign is None:
            continue
        for name, units in read_cost(event["cost"]).items():
            at = (event["node"], name)
            used[at] += sign * units
            if used[at] < 0:
                raise ValueError(f"{name} of node {at[0]!r} is released before it is reserved: read all events")
            highest[at] = max(highest[at], used[at])
    reached: Peaks = {
        node: {name: (amount(highest[node, name]), capacity) for name, capacity in resources.items()}
        for node, resources in capacities.items()
    }
    for (node, name), units in highest.items():
        if name != SLOTS and name not in reached.setdefault(node, {}):
            reached[node][name] = (amount(units), 0)
    return reached
