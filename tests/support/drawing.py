"""Nodes as `support.picture` draws them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handoff.ledger.nodes import SHARED, Node
from handoff.words.resources import MEMORY_SUFFIX, SLOTS, UNIT, UNLIMITED, device_of
from support.ledger import Held, Ledger


def drawn_name(reservation: str, ids: Mapping[str, str], ledger: Ledger) -> str:
    id, _, number = reservation.rpartition(":")
    if id not in ids:
        return reservation
    job = ledger.jobs.get(id, {})
    if job.get("status") == "queued":
        return f"{ids[id]}'"
    return f"{ids[id]}!" if "h_cancel" in job or job.get("h_evicted") == number else ids[id]


def draw_node(node: Node, records: Mapping[str, Held], names: Mapping[str, str], ids: Mapping[str, str]) -> str:
    def when(id: str) -> tuple[int, int]:
        number = id.rpartition(":")[2]
        return records[id].since_ms, int(number) if number.isdigit() else 0

    in_order = sorted(records, key=when)
    seen: set[str] = set()
    bars = {}
    for resource, capacity in node.capabilities.items():
        if device_of(resource) in node.memory or (resource, capacity) == (SLOTS, UNLIMITED):
            continue
        if resource in node.devices:
            cells = [_on_device(resource, index, in_order, records) for index in node.devices[resource]]
            seen.update(*cells)
            bars[resource] = ["+".join(names[id] for id in cell) or "." for cell in cells]
        else:
            seen.update(id for id in in_order if resource in records[id].cost)
            bars[resource] = _places(resource, capacity, in_order, records, names)
    drawn = {resource: f"[{' '.join(cells)}]" for resource, cells in bars.items()}
    is_named = len(drawn) > 1 or node.name == SHARED
    parts = [node.name, *(["drained"] if node.draining is not None else [])]
    parts += [f"{resource}{bar}" if is_named else bar for resource, bar in drawn.items()]
    parts += [names[id] for id in in_order if id not in seen]
    if node.hold:
        parts.append(f"for {ids[node.hold.job_id]}({','.join(node.hold.lacks)})")
    return " ".join(parts)


def _on_device(resource: str, index: int, ids: Iterable[str], records: Mapping[str, Held]) -> list[str]:
    places = {(resource, index), (resource + MEMORY_SUFFIX, index)}
    return [id for id in ids if places & records[id].devices.keys()]


def _places(
    resource: str, capacity: int, ids: Iterable[str], records: Mapping[str, Held], names: Mapping[str, str]
) -> list[str]:
    """One cell per unit: a case in which a sum is held or had by less than one cannot be drawn."""
    cells = [names[id] for id in ids for _ in range(_whole(records[id].cost.get(resource, 0)))]
    has = _whole(capacity)
    cells += ["."] * (has - len(cells))
    if len(cells) > has:
        cells[has - 1 : has + 1] = [f"{cells[has - 1]}|{cells[has]}"]
    return cells


def _whole(units: int) -> int:
    assert units % UNIT == 0, f"{units} units are no whole number of places"
    return units // UNIT


def error_of(job: Mapping[str, str]) -> str:
    return job["h_error"].rpartition(".")[2]
