"""`handoff costs`: what functions have used beside what they had declared, and what to declare."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.cli.table import Column, lines_of
from handoff.ledger.learned import LearnedCost, read_learned

_COLUMNS = (
    Column("FUNCTION", least=6),
    Column("SEEN", right=True),
    Column("MEMORY", right=True),
    Column("P50", right=True),
    Column("P95", right=True),
    Column("MAX", right=True),
    Column("WASTE", right=True),
    Column("CPU", right=True),
    Column("SUGGESTED"),
)


@click.command(short_help="Show what functions have used, and what to declare.")
@shared_options
@click.pass_obj
def costs(asked: Asked) -> None:
    """Show what functions have used, by the name of what they call, and what to declare.

    MEMORY is the most that was declared, then MB that they had at their peak: half of them had at most P50, 95 of a
    hundred P95. WASTE is what was declared above that. CPU is how many processors 95 of a hundred kept busy at most.
    --json tells how long they took, too. Agents tell at heartbeats of a few attempts of each name that have finished,
    or were stopped for their memory. Up to 64 are kept, for thirty days if their node says nothing else.
    """
    with asked.cluster() as cluster:
        found = read_learned(cluster.store)
    if asked.as_json:
        click.echo(to_json([_fields(each) for each in found]))
    elif found:
        click.echo("\n".join(lines_of(_COLUMNS, [_row(each) for each in found])))
    else:
        click.echo(
            f"Nothing is known yet of what functions use in namespace {cluster.namespace}: agents tell it at "
            "heartbeats, of what has finished."
        )


def _fields(each: LearnedCost) -> dict[str, Any]:
    return {**asdict(each), "wasted_mb": each.wasted_mb}


def _row(each: LearnedCost) -> list[str]:
    memory, declared = each.memory, each.declared.get("memory")
    return [
        each.function,
        str(each.count),
        "-" if declared is None else f"{declared:g}",
        *([f"{mb:g}" for mb in (memory.p50, memory.p95, memory.max)] if memory else "---"),
        f"{each.wasted_mb:g}" if each.wasted_mb else "-",
        "-" if each.cpu is None else f"{each.cpu.p95:.2f}",
        ",".join(f"{name}={value:g}" for name, value in each.suggested.items()) or "-",
    ]
