"""What the steps say that `support.picture` lists: amounts, nodes, costs and options, read from their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from handoff.words.constraints import Not
from handoff.words.variants import After

_MOMENT = re.compile(r"([\d.]+)(ms|s)")
_CAPABILITY = re.compile(r"(\S+) (?:\{([\d ]+)\}|(\S+))(?: of (\S+))?")


def milliseconds(text: str) -> int:
    number, unit = _MOMENT.fullmatch(text).groups()  # type: ignore[union-attr]
    return round(float(number) * (1000 if unit == "s" else 1))


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)


def amounts(text: str) -> dict[str, Any]:
    if text == "nothing":
        return {}
    return {name: _number(amount) for name, amount in (part.split() for part in text.split(", "))}


def nodes_of(text: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any] | None, dict[str, str]]]:
    names, _, rest = text.partition(": ")
    has, *labels = rest.split("; ")
    capabilities: dict[str, Any] = {}
    memory: dict[str, Any] = {}
    for part in has.split(", "):
        name, indices, amount, of = _CAPABILITY.fullmatch(part).groups()  # type: ignore[union-attr]
        capabilities[name] = [int(index) for index in indices.split()] if indices else _number(amount)
        if of:
            sizes = [_number(size) for size in of.split("/")]
            memory[name] = sizes if len(sizes) > 1 else sizes[0]
    for name in names.split():
        yield name, capabilities, memory or None, dict(label.split("=") for label in labels)


def variant(text: str) -> Any:
    if not text.startswith("after "):
        return amounts(text)
    _, moment, cost = text.split(" ", 2)
    return After(milliseconds(moment) / 1000, amounts(cost))


def add_option(fields: dict[str, Any], text: str) -> None:
    word, _, value = text.partition(" ")
    match word:
        case "priority":
            fields["priority"] = int(value)
        case "on":
            fields["node"] = value
        case "retries":
            fields["max_retries"] = int(value)
        case "delay":
            fields["delay"] = milliseconds(value) / 1000
        case "wait":
            fields["wait_ttl"] = milliseconds(value) / 1000
        case "infeasible":
            fields["on_infeasible"] = value if value == "raise" else milliseconds(value) / 1000
        case "spread":
            fields["strategy"] = "load_balanced"
        case _:
            label, negation, values = re.split(r"(!?)=", text)
            listed = values.split("|")
            fields.setdefault("where", {})[label] = Not(listed) if negation else listed
