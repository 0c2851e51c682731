"""Reads what the options of `handoff node` say, and lays it over what the settings file says."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

import click

from handoff.errors import shown
from handoff.words.resources import Number
from handoff_worker.machine import settings
from handoff_worker.machine.allowed import ENTRY, is_entry

Amount = Number | list[int]


def amount(context: click.Context, option: click.Parameter, value: str | None) -> Amount | None:
    """Read an amount of one resource."""
    return None if value is None else _amount(value)


def resources(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Amount]:
    """Read amounts by resource."""
    return {name: _amount(value) for name, value in _pairs(values, "NAME=AMOUNT, such as fpga=1").items()}


def device_memory(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Amount]:
    """Read the memory of devices by resource."""
    return {name: _amount(value) for name, value in _pairs(values, "NAME=MB, such as gpu=24000").items()}


def labels(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read labels."""
    return _pairs(values, "NAME=VALUE, such as zone=a")


def lease(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Read the length of a lease."""
    if value is not None and not settings.is_lease(value):
        raise click.BadParameter(f"it is {value}: give {settings.LEASE}")
    return value


def grace(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Read what is left to functions when their agent is told to end."""
    seconds = None if value is None else settings.seconds_of_grace(value)
    if value is not None and seconds is None:
        raise click.BadParameter(f"it is {value!r}: give {settings.GRACE}")
    return seconds


def allow(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """Read what may be called; None where nothing is said, which is anything."""
    for value in values:
        if not is_entry(value):
            raise click.BadParameter(f"{shown(value)} is not {ENTRY}")
    return values or None


def preload(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """Read what is loaded before any function runs; None where nothing is said."""
    return allow(context, option, values)


def settle(given: dict[str, Any]) -> settings.NodeSettings:
    """Put the settings together: options over the file. Raises OSError and ValueError for the file."""
    node = settings.load(given["config"]) if given["config"] else settings.NodeSettings()
    names = ("name", "cpu", "memory", "gpu", "slots", "url", "namespace", "lease", "grace", "functions_per_child",
             "log_size", "allow", "preload", "enforce", "enforce_cpu", "learn_ttl",
             "watch_external")  # fmt: skip
    options = {field: given[field] for field in names}
    return replace(
        node,
        **{field: value for field, value in options.items() if value is not None},
        resources={**node.resources, **given["resources"]},
        device_memory={**node.device_memory, **given["device_memory"]},
        labels={**node.labels, **given["labels"]},
    )


def _amount(value: str) -> Amount:
    """Read `2`, `0.5` or `[0,3]`; whether a list may stand here is judged with all the rest."""
    try:
        if value.startswith("["):
            return list(json.loads(value, parse_float=Decimal))
        return int(value) if value.lstrip("+-").isdecimal() else Decimal(value)
    except (ValueError, InvalidOperation, RecursionError):
        raise click.BadParameter(
            f"{shown(value)} is no number (for devices also a list of numbers, such as [0,3])"
        ) from None


def _pairs(values: tuple[str, ...], form: str) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, what = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{shown(value)} does not read {form}")
        pairs[name] = what
    return pairs
