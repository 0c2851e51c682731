"""Invariant 1: used is the sum of the reservations, and within the capacity unless that was lowered."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from handoff.ledger.nodes import SHARED, Node
from handoff.words.resources import MEMORY_SUFFIX, UNIT, device_of
from support.ledger import JOB_RESERVATION, Ledger, below, bit_at, bits, number_at


def check_amounts(ledger: Ledger, node: Node) -> None:
    held = ledger.held.get(node.name, {})
    sums: Counter[str] = Counter()
    devices: Counter[tuple[str, int]] = Counter()
    for record in held.values():
        sums.update(record.cost)
        devices.update(record.devices)
    assert {name: units for name, units in node.used.items() if units} == dict(sums), (node, held)
    has = _devices_of(node)
    on_devices: Counter[str] = Counter()
    for (name, _), units in devices.items():
        on_devices[name] += units
    room = {name: 0 if name in has else units for name, units in node.capabilities.items()}
    fits = all(units - on_devices[name] <= room.get(name, 0) for name, units in sums.items())
    fits = fits and all(units <= has.get(name, {}).get(index, 0) for (name, index), units in devices.items())
    assert (ledger.nodes[node.name].get("over") == "1") == (not fits), (node, held)
    for name, sizes in has.items():
        assert node.capabilities[name] == sum(sizes.values()), node
    for name, free in node.devices.items():
        for index, units in free.items():
            assert units == UNIT - devices[name, index], (node, held)
            assert 0 <= units <= UNIT, (node, held)
            memory = name + MEMORY_SUFFIX
            if name in node.memory:
                size = has[memory][index]
                assert node.memory[name][index] == (size - devices[memory, index], size), (node, held)
            assert not (devices[name, index] and devices[memory, index]), (node, held)


def _devices_of(node: Node) -> dict[str, dict[int, int]]:
    """What each single device has: its share, and its memory."""
    shares = {name: dict.fromkeys(indices, UNIT) for name, indices in node.devices.items()}
    memory = {
        name + MEMORY_SUFFIX: {index: size for index, (_, size) in sizes.items()} for name, sizes in node.memory.items()
    }
    return shares | memory


def check_bits(ledger: Ledger, node: Node) -> None:
    """The index says of every node what its books say."""
    position = int(ledger.get("nodes")[node.name])
    free, capacities = indexed(node, is_idle=False), indexed(node, is_idle=True)
    shares = (math.floor(unheld(node, name) / units * UNIT) for name, units in node.capabilities.items())
    free["*spare"] = min([UNIT, *shares])
    planes = {name: int(count) for name, count in ledger.get("planes").items()}
    for side, values in {"free": free, "cap": capacities}.items():
        assert values.keys() <= planes.keys(), (node.name, values)
        for index, count in planes.items():
            value = number_at(ledger, f"plane:{side}:{index}", count, position)
            assert value == values.get(index, 0), (node.name, side, index, value, values)
    fields = ledger.nodes[node.name]
    is_live = fields["state"] == "up" and "draining" not in fields
    assert bit_at(ledger, "live", position) == is_live, node
    assert bit_at(ledger, "open", position) == (is_live and not fields.get("over") and not fields.get("quiet")), node


def indexed(node: Node, *, is_idle: bool) -> dict[str, int]:
    """What the index is to say of a node as it is, or as it would be if it were idle."""
    values: dict[str, int] = {}
    for name, capacity in node.capabilities.items():
        if name in node.devices:
            sizes = node.memory.get(name, {})
            memory = {index: (size if is_idle else free, size) for index, (free, size) in sizes.items()}
            shares = {index: UNIT if is_idle else share for index, share in node.devices[name].items()}
            whole = [share for index, share in shares.items() if len(set(memory.get(index, ()))) < 2]
            values[f"{name}#idle"] = sum(share == UNIT for share in whole)
            values[f"{name}#share"] = max(whole, default=0)
            if memory:
                usable = [free for index, (free, _) in memory.items() if shares[index] == UNIT]
                values[f"{name}#memory"] = max(0, *usable, 0)
        elif device_of(name) not in node.memory:
            values[name] = capacity if is_idle else unheld(node, name)
    return values


def unheld(node: Node, name: str) -> int:
    return max(0, node.capabilities[name] - node.used.get(name, 0))


def check_shared(ledger: Ledger) -> None:
    """What is shared is used by those who hold it, wherever they do."""
    held = ledger.held.get(SHARED, {})
    parts = {
        id: record.shared
        for name, records in ledger.held.items()
        for id, record in records.items()
        if name != SHARED and record.shared
    }
    assert {id: record.cost for id, record in held.items()} == parts
    sums: Counter[str] = Counter()
    for part in parts.values():
        sums.update(part)
    assert {name: units for name, units in ledger.shared.used.items() if units} == dict(sums)
    assert (f"node:{SHARED}" in ledger.own) == bool(ledger.shared.capabilities or held)


def check_labels(ledger: Ledger) -> None:
    """Every label has a bitmap of the nodes that have it."""
    expected: dict[str, set[int]] = defaultdict(set)
    for name, fields in ledger.nodes.items():
        for label in filter(None, fields.get("labels", "").split(";")):
            expected[label].add(int(ledger.get("nodes")[name]))
    assert ledger.get("labels") == {label: str(len(positions)) for label, positions in expected.items()}
    assert {label for label, _ in below(ledger.own, "label")} == expected.keys()
    assert {label: bits(ledger, f"label:{label}") for label in expected} == expected


def check_classes(ledger: Ledger, nodes: list[Node]) -> None:
    """Live nodes with the same capacities and labels are one class."""
    expected: dict[str, dict[str, int]] = defaultdict(dict)
    for node in nodes:
        fields = ledger.nodes[node.name]
        if fields["state"] == "up" and "draining" not in fields:
            capacities = sorted(f"{index}={value}" for index, value in indexed(node, is_idle=True).items())
            of = f"{','.join(capacities)}@{fields.get('labels', '')}"
            assert fields["class"] == of, (node, fields)
            expected[of][node.name] = int(ledger.get("nodes")[node.name])
        else:
            assert "class" not in fields, node
    assert ledger.get("classes").keys() == expected.keys()
    assert {of: names.keys() for of, names in below(ledger.own, "class")} == {
        of: positions.keys() for of, positions in expected.items()
    }
    assert {of: bits(ledger, f"alike:{of}") for of, _ in below(ledger.own, "alike")} == {
        of: set(positions.values()) for of, positions in expected.items()
    }


def check_node_states(ledger: Ledger) -> None:
    """A node is up, with a lease if an agent has it, or lost; what a lost one held is given back, or about to be."""
    up = {name: fields for name, fields in ledger.nodes.items() if fields["state"] == "up"}
    assert ledger.get("leases").keys() == {name for name, fields in up.items() if fields["kind"] == "leased"}
    assert ledger.get("lost").keys() == ledger.nodes.keys() - up.keys()
    assert ledger.get("abandoned").keys() <= ledger.get("lost").keys()
    for name, fields in ledger.nodes.items():
        records = ledger.held.get(name, {})
        if name in up:
            # An older epoch's reservations are given back before the node is up again.
            assert {record.epoch for record in records.values()} <= {fields["epoch"]}, (name, fields, records)
        elif name not in ledger.get("abandoned"):
            assert not records, (name, records)


def check_claims(ledger: Ledger) -> None:
    """Every claim is held by the node that it names, and every reservation is a claim's or a job's."""
    held = {
        id: name
        for name, records in ledger.held.items()
        for id in records
        if name != SHARED and not JOB_RESERVATION.fullmatch(id)
    }
    assert ledger.get("claims") == held
    assert ledger.get("claim_ends").keys() <= held.keys()
