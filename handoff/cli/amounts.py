"""Amounts as people type them, NAME=AMOUNT; whether they are allowed is for the cluster to say."""

from __future__ import annotations

from collections.abc import Iterable

import click


def read_amounts(
    context: click.Context, parameter: click.Parameter, texts: Iterable[str], example: str
) -> dict[str, int | float]:
    """Read a text for each name; `example` is how they are written."""
    found: dict[str, int | float] = {}
    for text in texts:
        name, _, value = (word.strip() for word in text.partition("="))
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice", context, parameter)
        try:
            found[name] = int(value) if value.isdecimal() else float(value)
        except ValueError:
            raise click.BadParameter(
                f"{text!r} is no resource and amount, such as in {example}", context, parameter
            ) from None
    return found
