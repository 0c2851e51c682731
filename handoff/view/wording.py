"""How figures, names and ids are written where there is little room. Pure."""

from __future__ import annotations

from handoff.ledger.texts.usage import FunctionUsage
from handoff.words.resources import Amount
from handoff.words.times import span

_MAGNITUDES = ((1_000_000, "M"), (1_000, "k"))


def number(value: float) -> str:
    """`12,345`; of what is no whole number two digits after the point at most."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{int(value):,}"


def compact(value: Amount) -> str:
    """In four places or five: `0.5`, `12`, `1.5k`, `64k`, `2.1M`."""
    for size, letter in _MAGNITUDES:
        if value >= size:
            part = value / size
            return f"{part:.0f}{letter}" if part >= 10 else f"{part:.1f}".removesuffix(".0") + letter
    return number(round(float(value), 2 if value < 100 else 0))


def rate(value: float) -> str:
    """Per second: `0.4`, `12`, `1,234`."""
    return number(round(value, 1)) if value < 100 else number(round(value))


def seconds(value: float | None) -> str:
    """How long: short ones to the millisecond."""
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else span(value)


def usage_in_words(usage: FunctionUsage) -> str:
    """What an attempt has used: `memory 512, gpu_memory 8000, cpu 1.2 s, in 2.5 s`."""
    parts = (
        "" if usage.memory is None else f"memory {usage.memory}",
        "" if usage.gpu_memory is None else f"gpu_memory {usage.gpu_memory}",
        "" if usage.cpu_s is None else f"cpu {seconds(usage.cpu_s)}",
        "" if usage.duration is None else f"in {seconds(usage.duration)}",
    )
    return ", ".join(part for part in parts if part)


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 node`, `2 nodes`."""
    return f"{number(count)} {noun if count == 1 else many or noun + 's'}"


def short_name(name: str) -> str:
    """What it calls, without its package: `train.step` of `lab.models.train.step`."""
    return ".".join(name.replace(":", ".").split(".")[-2:])


def short_id(id: str) -> str:
    """An id, shortened where nobody reads it."""
    return f"{id[:8]}…" if len(id) > 20 and all(char in "0123456789abcdef-" for char in id) else id
