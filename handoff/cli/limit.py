"""`handoff limit`: how long the first of a kind that waits may be overtaken before a node is held for it."""

from __future__ import annotations

from dataclasses import asdict

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import row, to_json
from handoff.client.noting import as_typed, note
from handoff.ledger.overtaking import AS_IT_IS, AsItIs, limit_overtaking, read_limits
from handoff.words.values import is_wait

NONE = "none"


def _count(context: click.Context, parameter: click.Parameter, value: str | None) -> int | AsItIs | None:
    if value is None or value == NONE:
        return AS_IT_IS if value is None else None
    if not (value.isascii() and value.isdecimal() and 1 <= len(value) <= 10 and 1 <= int(value) <= 2**31):
        raise click.BadParameter(f"{value!r} is no number of placements: give 1 or more, or {NONE}", context, parameter)
    return int(value)


def _seconds(context: click.Context, parameter: click.Parameter, value: str | None) -> float | AsItIs | None:
    if value is None or value == NONE:
        return AS_IT_IS if value is None else None
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not is_wait(seconds):
        raise click.BadParameter(
            f"{value!r} is no time to wait for: give seconds above 0, or {NONE}", context, parameter
        )
    return seconds


def _in_words(count: int | AsItIs | None, seconds: float | AsItIs | None) -> str:
    given = {"count": count, "seconds": seconds}
    return as_typed({name: NONE if value is None else value for name, value in given.items() if value is not AS_IT_IS})


@click.command(short_help="Say when a node is held for who waits.")
@click.option("--count", callback=_count, help="Once it was overtaken so often, or none: not for that.")
@click.option("--seconds", callback=_seconds, help="Once it has waited so long, or none: not for that.")
@click.option("--reset", is_flag=True, help="As by itself: 100 placements, or 60 s.")
@shared_options
@click.pass_obj
def limit(asked: Asked, count: int | AsItIs | None, seconds: float | AsItIs | None, reset: bool) -> None:
    """Say when the first function of a kind that waits has a node held for it; without options, show that.

    Others that come after it run meanwhile where there is room. What is not given stays as it is. It holds for the
    namespace.
    """
    is_given = not (count is AS_IT_IS and seconds is AS_IT_IS)
    if reset and is_given:
        raise click.UsageError("--reset sets both limits: leave out --count and --seconds")
    with asked.cluster() as cluster:
        if reset or is_given:
            note(cluster, "limit", "--reset" if reset else _in_words(count, seconds))
        if reset:
            cluster.limit_overtaking()
        elif is_given:
            limit_overtaking(cluster.store, count, seconds)
        found = read_limits(cluster.store)
    if asked.as_json:
        click.echo(to_json(asdict(found)))
    else:
        click.echo(row("count", NONE if found.count is None else f"{found.count} placements"))
        click.echo(row("seconds", NONE if found.seconds is None else f"{found.seconds:g} s"))
