"""What Lua does with every format that it writes or reads."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from handoff.ledger.result_entry import unzip
from handoff.ledger.texts.demand import write_demand
from handoff.ledger.texts.terms import write_terms
from handoff.words.constraints import Term
from handoff.words.variants import Variant
from ledger.texts.half import Half
from support.lua_texts import LuaTexts

LUA = LuaTexts()


def _pairs(units: dict[str, int]) -> list[Any]:
    return [list(item) for item in units.items()]


def _cost(units: dict[str, int]) -> str:
    return str(LUA("Cost.write", _pairs(units)))


def _constraints(terms: list[Any]) -> str:
    """Only Python writes them."""
    return write_terms(Term(name, tuple(values), negated=negated) for name, values, negated in terms)


def _plain_terms(terms: list[Any]) -> list[Any]:
    for term in terms:
        assert set(term["is"]) == set(term["values"])
    return [[term["name"], term["values"], term["negated"]] for term in terms]


def _write_shape(value: Any) -> str:
    return str(LUA("Shape.write", _cost(value["cost"]), _constraints(value["terms"])))


def _read_shape(text: str) -> Any:
    shape = LUA("Shape.read", text)
    assert LUA("Shape.write", shape["cost"], shape["constraints"]) == shape["text"] == text
    return {"cost": dict(shape["wants"]), "terms": _plain_terms(shape["terms"])}


def _write_demand(value: Any) -> Any:
    """Lua writes only what it has changed: here one that had a resource too many, and no terms."""
    variants = [Variant(after_ms, {**cost, "more": 1}) for after_ms, cost in value["variants"]]
    text = LUA("Demand.without", write_demand(variants, ()), "more")
    return LUA("Demand.constrained", text, _constraints(value["terms"])) if value["terms"] else text


def _read_demand(text: str) -> Any:
    demand = [(variant["after"], _read_shape(variant["shape"])) for variant in LUA("Demand.read", text)]
    assert all(shape["terms"] == demand[0][1]["terms"] for _, shape in demand)
    return {"variants": [[after, shape["cost"]] for after, shape in demand], "terms": demand[0][1]["terms"]}


def _read_costs(text: str) -> list[Any]:
    return [cost for _, cost in _read_demand(text)["variants"]]


def _write_devices(value: list[Any]) -> Any:
    families = dict.fromkeys((family, is_memory) for family, _, _, is_memory in value)
    parts = [
        LUA("Devices.write_one", family, [[i, units] for each, i, units, _ in value if each == family], is_memory)
        for family, is_memory in families
    ]
    return LUA("Devices.join", parts)


def _read_devices(text: str) -> list[Any]:
    found: list[Any] = []
    LUA("Devices.each", text, lambda *each: found.append(list(each)))
    return found


def _read_offered(text: str) -> Any:
    devices = dict(LUA("OfferedDevices.read", text))
    return {name: [[index, *(memory or [None])] for index, *memory in listed] for name, listed in devices.items()}


def _write_device_field(value: list[Any]) -> Any:
    names = ("index", "share", "memory", "total")
    return LUA("DeviceField.write", [dict(zip(names, device, strict=True)) for device in value])


def _read_device_field(text: str) -> list[Any]:
    found = LUA("DeviceField.read", text)
    return [[each["index"], each["share"], each.get("memory"), each.get("total")] for each in found]


def _write_index_name(value: list[Any]) -> Any:
    resource, part = value
    return LUA(f"IndexName.{part}", resource) if part else resource


def _write_node_class(value: Any) -> Any:
    # In whatever order: it is sorted there.
    labels = ";".join(LUA("Labels.write_one", *item) for item in value["labels"].items())
    return LUA("NodeClass.write", value["values"], labels)


def _read_node_class(text: str) -> Any:
    values, labels = LUA("NodeClass.read", text)
    return {"values": dict(values), "labels": dict(labels)}


def _write_record(value: Any) -> Any:
    cost, shared = _cost(value["cost"]), _cost(value["shared"])
    return LUA("Reservation.write", value["epoch"], value["since"], cost, value["devices"], shared)


def _read_record(text: str) -> Any:
    cost, devices, shared, since, epoch = LUA("Reservation.read", text)
    cost, shared = (dict(LUA("Cost.read", each)) for each in (cost, shared))
    return {"epoch": epoch, "since": since, "cost": cost, "devices": devices, "shared": shared}


def _read_hold(text: str) -> Any:
    hold = LUA("Hold.read", text)
    assert hold["lacks"] == LUA("List.write", hold["families"])
    return {"rank": hold["rank"], "job": hold["job"], "lacks": hold["families"]}


_WORDS = (
    "unfit", "wait", "strategy", "isolation", "loss", "exceeded", "unique", "depends", "delay", "due", "prefer",
)  # fmt: skip

_LISTS = ("only", "never", "after")


def _read_options(text: str) -> Any:
    found = {name: LUA("Options.get", text, name) for name in (*_WORDS, *_LISTS)}
    return {name: _option(name, value) for name, value in found.items() if value is not None}


def _option(name: str, value: str) -> Any:
    if name in _LISTS:
        return [_option("", each) for each in value.split(",")]
    return int(value) if value.isdecimal() else value


def _write_item(item: list[Any]) -> Any:
    kind, what, wanted, *rest = item
    if kind == "label":
        is_negated, there = rest
        return LUA("Shortfall.of_label", {"name": what, "values": wanted, "negated": is_negated}, there or None)
    written = {"node": "of_node", "shared": "of_shared", "group": "of_capacity"}.get(kind, f"of_{kind}")
    return LUA(f"Shortfall.{written}", what, wanted, *rest)


def _write_shortfall(value: Any) -> Any:
    items = [_write_item(item) for item in value["items"]]
    return LUA("Shortfall.write", value["node"] or None, items, value["away"] or None, value["since"])


def _read_run_job(text: str) -> list[Any]:
    run, number = LUA("RunId.parts", text)
    assert LUA("RunId.number", text) == number
    return [run, int(number)]


def _read_group_field(text: str) -> list[Any]:
    group, kind = LUA("GroupField.read", text)
    return [int(group), kind]


def _read_entries(values: list[str]) -> list[Any]:
    # With something in front that is not looked at.
    kinds = ["run", "next", "takes", "function"]
    found = LUA("Entries.read", ["", *values], 2, kinds)
    entries = [(kind, dict(entry)) for kind in kinds for entry in found[kind]]
    return [[kind, int(entry.pop("number")), list(entry.values())] for kind, entry in entries]


def _read_result(values: list[str]) -> Any:
    assert LUA("Result.VALUES") == len(values)
    return LUA("Result.read", ["", *values], 2)


def _read_told(values: list[str]) -> Any:
    assert LUA("Told.VALUES") == len(values)
    return LUA("Told.read", ["", *values], 2)


def _read_submission(values: list[str]) -> Any:
    given = ["", *values]
    found = []
    all_of_it = LUA("Submission.read", given, 2)
    # The first of the kinds by itself, as a slice of a graph has them.
    assert LUA("Submission.kind", given, 3, int(values[1])) == all_of_it["kinds"][0]
    for one in all_of_it["functions"]:
        kind, fields = one["kind"], LUA("Submission.fields", one)
        own = dict(zip(fields[: 2 * kind["own"] : 2], fields[1 : 2 * kind["own"] : 2], strict=True))
        told = {
            name: kind[name] for name in ("demand", "options", "priority", "preferred", "refuse", "delay_ms", "due_ms")
        }
        found.append({"kind": {**told, "fields": fields[2 * kind["own"] :]}, "id": one["id"], "own": own})
    return found


def _write_timer(value: list[Any]) -> Any:
    kind, of, number = value
    return LUA("Timer.of", kind, of) if number is None else LUA("Timer.after", number, of)


def _read_timer(text: str) -> list[Any]:
    kind, of, *number = LUA("Timer.read", text)
    return [kind, of, *(number or [None])]


def _read_note(text: str) -> Any:
    note = LUA("Note.read", text)
    assert LUA("Note.looked", text) == note["looked"]
    return note


def _read_run_word(text: str) -> Any:
    tag, *rest = LUA("RunWord.read", text)
    assert text.startswith(f"{tag}|")
    return rest


_DEATH = ("when", "node", "what")


def _write_deaths(value: list[list[str]]) -> Any:
    text = None
    for death in value:
        text = LUA("Death.add", text, *death)
    return text


FORMATS: dict[str, Half] = {
    "cost": Half(_cost, lambda text: dict(LUA("Cost.read", text))),
    "labels": Half(read=lambda text: dict(LUA("Labels.read", text))),
    "terms": Half(read=lambda text: _plain_terms(LUA("Terms.read", text))),
    "terms.capacity": Half(read=lambda text: dict(LUA("Terms.capacity", LUA("Terms.read_one", text)))),
    "shape": Half(_write_shape, _read_shape),
    "demand": Half(_write_demand, _read_demand),
    "demand.costs": Half(read=_read_costs),
    "devices": Half(_write_devices, _read_devices),
    "offered_devices": Half(read=_read_offered),
    "device_field": Half(_write_device_field, _read_device_field),
    "node_field": Half(lambda value: LUA("NodeField.of", *value), lambda text: LUA("NodeField.read", text)),
    "index_name": Half(_write_index_name, lambda text: LUA("IndexName.read", text)),
    "node_class": Half(_write_node_class, _read_node_class),
    # As `HINCRBY` and scripts have it: numbers of placements are text.
    "reservation.id": Half(
        lambda value: LUA("Reservation.id", value[0], str(value[1])),
        lambda text: LUA("Reservation.parts", text),
        lambda value: [value[0], str(value[1])],
    ),
    "reservation.record": Half(
        _write_record,
        _read_record,
    ),
    "hold": Half(lambda value: LUA("Hold.write", value["rank"], value["job"], value["lacks"]), _read_hold),
    "options": Half(read=_read_options),
    "shortfall": Half(_write_shortfall),
    "run_id.job": Half(lambda value: LUA("RunId.job", *value), _read_run_job),
    "run_id.token": Half(lambda value: LUA("RunId.token", value)),
    "group_field": Half(lambda value: LUA("GroupField.of", *value), _read_group_field),
    "number_list": Half(
        lambda value: LUA("NumberList.write", value),
        lambda text: [int(number) for number in LUA("NumberList.read", text)],
    ),
    "list": Half(lambda value: LUA("List.write", value), lambda text: LUA("List.read", text)),
    "entries": Half(read=_read_entries),
    "result": Half(read=_read_result),
    "told": Half(read=_read_told, part=lambda value: [*value[:2], repr(value[2]), value[3]]),
    "told_id": Half(
        lambda value: LUA("ToldId.of", *map(str, value)), lambda text: [int(each) for each in LUA("ToldId.read", text)]
    ),
    "progress": Half(lambda value: LUA("Progress.write", value[0], value[1], repr(value[2]), value[3])),
    "submission": Half(read=_read_submission),
    "loss": Half(lambda value: LUA("Loss.write", value[0], " ".join(filter(None, value[1:])))),
    "number": Half(lambda value: LUA("Number.text", value)),
    "resource.memory": Half(lambda value: LUA("Resource.memory", value), lambda text: LUA("Resource.family", text)),
    "death": Half(_write_deaths, lambda text: [[each[name] for name in _DEATH] for each in LUA("Death.read", text)]),
    "ready": Half(lambda value: LUA("Ready.write", *value), lambda text: LUA("Ready.read", text)),
    "handed": Half(lambda value: LUA("Handed.write", *value[:-1], value[-1:])),
    "cordoned": Half(
        lambda value: LUA("Cordoned.write", *value),
        lambda text: LUA("Cordoned.read", text),
        lambda value: [
            value[0],
            f"{len(value[1])} different functions died there within 10 minutes: {', '.join(value[1])}",
        ],
    ),
    "zipped": Half(lambda value: LUA("Zipped.write", value), lambda text: unzip(b64decode(text)).decode()),
    "timer": Half(_write_timer, _read_timer),
    "leftover": Half(lambda value: LUA("Leftover.write", *value), lambda text: LUA("Leftover.read", text)),
    "cursor": Half(lambda value: LUA("Cursor.write", *value), lambda text: LUA("Cursor.read", text)),
    "note": Half(lambda value: LUA("Note.write", value), _read_note),
    "word": Half(lambda value: LUA("Word.write", *value), lambda text: LUA("Word.read", text)),
    "run_word.refused": Half(lambda value: LUA("RunWord.refused", *value), _read_run_word),
    "run_word.short": Half(lambda value: LUA("RunWord.short", *value), _read_run_word),
}
