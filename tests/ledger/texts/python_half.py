"""What Python does with every format that it writes or reads."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from handoff.ledger.texts.cordoned import read_cordoned
from handoff.ledger.texts.cost import read_cost, write_cost
from handoff.ledger.texts.demand import read_demand, write_costs, write_demand
from handoff.ledger.texts.device_field import read_device_field
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.entries import write_entry
from handoff.ledger.texts.group_field import chooser_field
from handoff.ledger.texts.handed import read_handed
from handoff.ledger.texts.hold import read_hold
from handoff.ledger.texts.holder import Holder, read_holder, write_holder
from handoff.ledger.texts.index_name import read_index_name
from handoff.ledger.texts.labels import read_labels, write_labels
from handoff.ledger.texts.leftover import read_leftover
from handoff.ledger.texts.list import read_list, write_list
from handoff.ledger.texts.loss import read_loss, write_cause, write_loss
from handoff.ledger.texts.node_class import read_node_class, write_node_class
from handoff.ledger.texts.node_field import read_node_field, write_node_field
from handoff.ledger.texts.note import job_of_note
from handoff.ledger.texts.number_list import read_numbers, write_numbers
from handoff.ledger.texts.offered_devices import write_offered_devices
from handoff.ledger.texts.options import write_options
from handoff.ledger.texts.progress import read_progress
from handoff.ledger.texts.reservation import parts_of, read_record, reservation_of
from handoff.ledger.texts.result import write_result
from handoff.ledger.texts.run_id import number_of, run_job_id, run_token
from handoff.ledger.texts.shape import read_shape, write_shape
from handoff.ledger.texts.shortfall import Item, Unlike, read_shortfall
from handoff.ledger.texts.submission import write_kind, write_submissions
from handoff.ledger.texts.terms import capacity_of, capacity_term, read_terms, write_term, write_terms
from handoff.ledger.texts.timer import read_timer, write_timer
from handoff.ledger.texts.told import write_told
from handoff.ledger.texts.told_id import read_told_id, told_id
from handoff.ledger.texts.usage import read_usage, write_usage
from handoff.words.capabilities import Capabilities
from handoff.words.constraints import Term
from handoff.words.variants import Variant
from ledger.texts.half import Half


def _terms(value: list[Any]) -> list[Term]:
    return [Term(name, tuple(values), negated=negated) for name, values, negated in value]


def _plain_terms(terms: tuple[Term, ...]) -> list[Any]:
    return [[term.name, list(term.values), term.negated] for term in terms]


def _read_shape(text: str) -> Any:
    shape = read_shape(text)
    return {"cost": shape.cost, "terms": _plain_terms(shape.terms)}


def _write_demand(value: Any) -> str:
    return write_demand([Variant(after_ms, cost) for after_ms, cost in value["variants"]], _terms(value["terms"]))


def _read_demand(text: str) -> Any:
    demand = read_demand(text)
    variants = [[variant.after_ms, variant.cost] for variant in demand.variants]
    return {"variants": variants, "terms": _plain_terms(demand.terms)}


def _indices(value: list[Any]) -> dict[str, list[int]]:
    return {name: sorted(index for each, index, *_ in value if each == name) for name, *_ in value}


def _offered(value: Any) -> str:
    return write_offered_devices(
        Capabilities(
            units={},
            devices={name: tuple(index for index, _ in devices) for name, devices in value.items()},
            memory={
                name: tuple(memory for _, memory in devices)
                for name, devices in value.items()
                if devices[0][1] is not None
            },
        )
    )


def _read_node_class(text: str) -> Any:
    found = read_node_class(text)
    return {"values": found.values, "labels": found.labels}


def _read_record(text: str) -> Any:
    held = read_record(text)
    return [held.epoch, held.since_ms, held.cost, held.shared, held.indices()]


def _part_of_record(value: Any) -> Any:
    devices = read_devices(value["devices"])
    return [value["epoch"], value["since"], value["cost"], value["shared"], devices]


def _read_hold(text: str) -> Any:
    hold = read_hold(text)
    return [hold.rank, hold.job_id, hold.lacks]


def _write_options(value: Any) -> str:
    return write_options(
        unfit_ms=value.get("unfit", 0),
        wait_ms=value.get("wait", 0),
        strategy=value.get("strategy", "first_available"),
        isolation=value.get("isolation", "warm"),
        on_node_loss=value.get("loss", "retry"),
        on_memory_exceeded=value.get("exceeded", "fail"),
        unique_ms=value.get("unique"),
        allow_failure=bool(value["depends"]) if "depends" in value else None,
        delay_ms=value.get("delay", 0),
        due_ms=value.get("due", 0),
        prefer=value.get("prefer", ""),
        only=value.get("only", ()),
        never=value.get("never", ()),
        after_ms=value.get("after", ()),
    )


def _read_shortfall(text: str) -> Any:
    found = read_shortfall(text)
    away, since = (found.away.node, found.away.lost_ms) if found.away else ("", None)
    items = list(map(_plain_item, found.items))
    items += [["unknown", name, list(near)] for name, near in found.resources.items()]
    items += [["unknown_label", name, list(near)] for name, near in found.labels.items()]
    return {"node": found.node, "items": items, "away": away, "since": since}


def _plain_item(item: Item) -> list[Any]:
    if isinstance(item, Unlike):
        return ["label", item.term.name, list(item.term.values), item.term.negated, item.there]
    return [item.of, item.resource, item.wanted, item.there]


def _write_entries(value: Any) -> list[str]:
    return [str(part) for kind, number, values in value for part in write_entry(kind, number, *values)]


def _write_result(value: Any) -> list[str]:
    return [
        str(part)
        for part in write_result(
            value["id"], value["kind"], value["body"], value["error"], value["message"],
            value["is_retryable"], value["jitter"], write_list(value["forms"]), value["usage"],
        )
    ]  # fmt: skip


def _write_submission(value: list[dict[str, Any]]) -> list[str]:
    kinds = [write_kind(**each["kind"], own=each["own"]) for each in value]
    known = list(dict.fromkeys(kinds))
    functions = [
        (known.index(kind) + 1, each["id"], each["own"].values()) for kind, each in zip(kinds, value, strict=True)
    ]
    return [str(part) for part in write_submissions(known, functions)]


def _write_loss(value: Any) -> str:
    node, cause, seconds = value
    return write_loss(node, write_cause(cause, float(seconds) if seconds else None))


def _read_handed(text: str) -> Any:
    handed = read_handed(text.encode())
    return [
        str(handed.op),
        handed.incarnation,
        handed.epoch,
        handed.id.decode(),
        [each.decode() for each in handed.job],
    ]


FORMATS: dict[str, Half] = {
    "cost": Half(write_cost, read_cost),
    "labels": Half(write_labels, read_labels),
    "terms": Half(lambda value: write_terms(_terms(value)), lambda text: _plain_terms(read_terms(text))),
    "terms.capacity": Half(
        lambda value: write_term(capacity_term(value)), lambda text: capacity_of(read_terms(text)[0])
    ),
    "shape": Half(lambda value: write_shape(value["cost"], _terms(value["terms"])), _read_shape),
    "demand": Half(_write_demand, _read_demand),
    "demand.costs": Half(write_costs, lambda text: [variant.cost for variant in read_demand(text).variants]),
    "devices": Half(read=read_devices, part=_indices),
    "offered_devices": Half(_offered),
    "device_field": Half(
        read=lambda text: [[each.index, each.share, *(each.memory or (None, None))] for each in read_device_field(text)]
    ),
    "node_field": Half(lambda value: write_node_field(*value), lambda text: list(read_node_field(text))),
    "index_name": Half(read=lambda text: [part or None for part in read_index_name(text)]),
    "node_class": Half(
        lambda value: write_node_class(value["values"], write_labels(value["labels"])), _read_node_class
    ),
    "reservation.id": Half(lambda value: reservation_of(*value), parts_of, lambda value: (value[0], str(value[1]))),
    "reservation.record": Half(read=_read_record, part=_part_of_record),
    "hold": Half(read=_read_hold, part=lambda value: [value["rank"], value["job"], value["lacks"]]),
    "note": Half(read=job_of_note, part=lambda value: value["job"]),
    "timer": Half(lambda value: write_timer(*value), lambda text: list(read_timer(text))),
    "leftover": Half(read=lambda text: list(read_leftover(text))),
    "options": Half(_write_options),
    "shortfall": Half(read=_read_shortfall),
    "run_id.job": Half(lambda value: run_job_id(*value), number_of, lambda value: value[1]),
    "run_id.token": Half(run_token),
    "group_field": Half(lambda value: chooser_field(value[0])),
    "number_list": Half(write_numbers, read_numbers),
    "list": Half(write_list, read_list),
    "entries": Half(_write_entries),
    "result": Half(_write_result),
    "usage": Half(lambda value: write_usage(*value), lambda text: list(astuple(read_usage(text)))),
    "told": Half(lambda value: write_told(*value)),
    "told_id": Half(lambda value: told_id(*value), lambda text: list(read_told_id(text.encode()))),
    "progress": Half(read=lambda text: list(read_progress(text))),
    "submission": Half(_write_submission),
    "loss": Half(_write_loss, lambda text: list(astuple(read_loss(text)))),
    "handed": Half(read=_read_handed),
    "cordoned": Half(
        read=lambda text: list(read_cordoned(text)),
        part=lambda value: [
            value[0],
            f"{len(value[1])} different functions died there within 10 minutes: {', '.join(value[1])}",
        ],
    ),
    "holder": Half(lambda value: write_holder(Holder(*value)), lambda text: list(astuple(read_holder(text)))),
}
