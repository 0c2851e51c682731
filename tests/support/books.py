"""The invariants of the ledger, checked against everything that is in Redis."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from handoff.nodes import Node, read_nodes
from handoff.resources import UNIT
from handoff.shape import parse_cost_text
from handoff.store import Store

_JOB_RESERVATION = re.compile(r"([A-Za-z0-9_-]+):(\d+)")


def check_books(store: Store) -> None:
    """Raise AssertionError where one of the five invariants does not hold."""
    nodes = read_nodes(store)
    held = {node.name: _held(store, node.name) for node in nodes}
    for node in nodes:
        _check_amounts(store, node, held[node.name])
        _check_bits(store, node)
    _check_places(store, nodes, held)
    _check_work_conservation(store, nodes)
    _check_nothing_is_left(store, nodes)


def assert_nothing_held(store: Store) -> None:
    """Raise AssertionError unless every node is idle and nothing waits."""
    for node in read_nodes(store):
        assert not _held(store, node.name), (node.name, _held(store, node.name))
        assert not any(node.used.values()), (node.name, node.used)
    assert _members(store, "shapes") == []


def _held(store: Store, node: str) -> dict[str, tuple[str, dict[str, int], str]]:
    records = store.client.hgetall(store.keys("held", node))
    parsed = {}
    for id, record in records.items():
        epoch, cost, devices = record.decode().split("|")
        parsed[id.decode()] = (epoch, parse_cost_text(cost), devices)
    return parsed


def _members(store: Store, key: str, of: str = "") -> list[str]:
    return [member.decode() for member in store.client.zrange(store.keys(key, of), 0, -1)]


def _check_amounts(store: Store, node: Node, held: dict[str, tuple[str, dict[str, int], str]]) -> None:
    """Invariant 1: used is the sum of the reservations, and within the capacity unless that was lowered."""
    sums: dict[str, int] = defaultdict(int)
    devices: dict[tuple[str, int], int] = defaultdict(int)
    for _, cost, listed in held.values():
        for name, units in cost.items():
            sums[name] += units
        for part in filter(None, listed.split(";")):
            name, _, entries = part.partition(":")
            for entry in entries.split(","):
                index, _, units_text = entry.partition("=")
                devices[name, int(index)] += int(units_text)
    assert {name: units for name, units in node.used.items() if units} == dict(sums), (node, held)
    over = store.client.hget(store.keys("node", node.name), "over") == b"1"
    on_devices: dict[str, int] = defaultdict(int)
    for (name, _), units in devices.items():
        on_devices[name] += units
    room = {name: 0 if name in node.devices else units for name, units in node.capabilities.items()}
    fits = all(units - on_devices[name] <= room.get(name, 0) for name, units in sums.items())
    fits = fits and all(index in node.devices.get(name, {}) for name, index in devices)
    assert over == (not fits), (node, held)
    for name, free in node.devices.items():
        for index, units in free.items():
            assert units == UNIT - devices[name, index], (node, held)
            assert 0 <= units <= UNIT


def _check_bits(store: Store, node: Node) -> None:
    """The index says of every node what its books say."""
    position = int(store.client.zscore(store.keys("nodes"), node.name) or 0)
    expected: dict[str, dict[str, int]] = {"free": {}, "cap": {}}
    for name, capacity in node.capabilities.items():
        if name in node.devices:
            free = node.devices[name].values()
            expected["free"][f"{name}#idle"] = sum(units == UNIT for units in free)
            expected["free"][f"{name}#share"] = max(free, default=0)
            expected["cap"][f"{name}#idle"] = len(free)
            expected["cap"][f"{name}#share"] = UNIT if free else 0
        else:
            expected["free"][name] = max(0, capacity - node.used.get(name, 0))
            expected["cap"][name] = capacity
    planes = {name.decode(): int(count) for name, count in store.client.hgetall(store.keys("planes")).items()}
    for side, values in expected.items():
        for index, count in planes.items():
            value = sum(
                store.client.getbit(store.keys("plane", f"{side}:{index}:{bit}"), position) << bit
                for bit in range(count)
            )
            assert value == values.get(index, 0), (node.name, side, index, value, values)
    state = store.client.hget(store.keys("node", node.name), "state")
    over = store.client.hget(store.keys("node", node.name), "over")
    assert store.client.getbit(store.keys("live"), position) == (state == b"up")
    quiet = store.client.hget(store.keys("node", node.name), "quiet")
    assert store.client.getbit(store.keys("open"), position) == (state == b"up" and not over and not quiet)


def _check_places(store: Store, nodes: list[Node], held: dict[str, dict[str, Any]]) -> None:
    """Invariants 2 and 3: one reservation for what is queued or runs, and exactly one place for what has not ended."""
    queues = {
        node.name: [id.decode() for id in store.client.lrange(store.keys("rq_queue", store.keys.queue(node.name)), 0, -1)]
        for node in nodes
    }
    running = {node.name: _members(store, "running", node.name) for node in nodes}
    delayed = _members(store, "delayed")
    waiting = [id for shape in _members(store, "shapes") for id in _members(store, "shape", shape)]
    assert len(waiting) == len(set(waiting))
    reservations: dict[str, list[str]] = defaultdict(list)
    for name, records in held.items():
        for id in records:
            if match := _JOB_RESERVATION.fullmatch(id):
                reservations[match.group(1)].append(name)
            else:
                assert store.client.hget(store.keys("claims"), id) == name.encode()
    prefix = store.keys("rq_job").encode()
    for key in store.client.scan_iter(match=prefix + b"*"):
        id = key[len(prefix) :].decode()
        fields = {name.decode(): value.decode() for name, value in store.client.hgetall(key).items()} if ":" not in id else {}
        if not fields.get("h_shape") or not _mine(store, fields["origin"]):
            continue
        reservation = f"{id}:{fields.get('h_placement', 0)}"
        places = [("waiting", "")] * waiting.count(id) + [("delayed", "")] * delayed.count(id)
        for name in queues:
            places += [("queued", name)] * queues[name].count(id)
            places += [("started", name)] * running[name].count(reservation)
        status = fields["status"]
        expected = fields["h_state"] if status == "deferred" else status
        if status in ("queued", "started"):
            assert len(reservations[id]) == 1, (id, fields, reservations[id])
            assert places == [(expected, reservations[id][0])], (id, fields, places)
        elif status == "deferred":
            assert not reservations[id], (id, fields)
            assert places == [(expected, "")], (id, fields, places)
        else:
            assert places == [], (id, fields, places)
            assert not reservations[id], (id, fields, reservations[id])
        if reservations[id]:
            assert reservation in held[reservations[id][0]]


def _mine(store: Store, origin: str) -> bool:
    return origin == store.namespace or origin.startswith(f"{store.namespace}.")


def _check_work_conservation(store: Store, nodes: list[Node]) -> None:
    """Invariant 4: no waiting function fits on a live node, unless a `dirty` mark says why."""
    dirty = set(_members(store, "dirty"))
    pending = _members(store, "abandoned")
    for shape in _members(store, "shapes"):
        cost, _, pin = shape.partition("@")
        for node in nodes:
            if node.name in dirty or pending or (pin and pin != node.name):
                continue
            fits = store.run("probe", name=node.name, cost=cost)[1]
            assert not fits, (shape, node)


def _check_nothing_is_left(store: Store, nodes: list[Node]) -> None:
    """Invariant 5: every key belongs to a node, to something that waits, or is permanent or about to expire."""
    names = {node.name for node in nodes}
    shapes = set(_members(store, "shapes"))
    own = store.keys("nodes")[: -len("nodes")]
    for raw in store.client.scan_iter(match=f"{own}*"):
        key = raw.decode()[len(own) :]
        kind, _, of = key.partition(":")
        if kind in ("node", "held", "running"):
            assert of in names, key
        elif kind == "shape":
            assert of in shapes, key
        elif kind in ("need", "heads"):
            assert shapes, key
        elif kind in ("plane", "planes", "live", "open"):
            assert names, key
        elif kind == "scratch":
            raise AssertionError(f"{key} outlived its script")
        else:
            permanent = {"nodes", "leases", "lost", "abandoned", "epoch", "order", "shapes", "delayed", "dirty", "claims"}
            permanent |= {"claim_ends", "released", "callbacks", "events", "tick", "sweep", "prune"}
            assert kind in permanent, key
