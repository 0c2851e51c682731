"""`handoff status`: a namespace in numbers, one function, or one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import row, to_json
from handoff.cli.run_view import show_run
from handoff.errors import UnknownFunction, UnknownRun
from handoff.ledger.phrases import in_words
from handoff.view.overview import Oldest, Overview, Waiting, read_overview
from handoff.why.function_status import FunctionStatus, Variant, read_function
from handoff.words.times import span

SHAPES_SHOWN = 20


@click.command(short_help="Show what stands where: all, or one function or run.")
@click.argument("id", required=False)
@click.argument("function", required=False)
@shared_options
@click.pass_obj
def status(asked: Asked, id: str | None, function: str | None) -> None:
    """Show how many functions stand where; with ID, where that function stands and why, or else the run of that id.

    With FUNCTION, show that function of the run ID.
    """
    with asked.cluster() as cluster:
        if id is not None and function is not None:
            id = cluster.run(id).handle(function).id
        try:
            found = read_overview(cluster.store) if id is None else read_function(cluster.store, id)
        except UnknownFunction as error:
            try:
                run = cluster.run(error.id)
            except UnknownRun:
                # Neither: what is said of functions holds for both.
                raise error from None
            show_run(run, as_json=asked.as_json)
            return
    if asked.as_json:
        click.echo(to_json(asdict(found)))
    elif isinstance(found, Overview):
        click.echo("\n".join(_overview(found)))
    else:
        click.echo("\n".join(_function(found)))


def _overview(found: Overview) -> list[str]:
    lines = [row("nodes", ", ".join(f"{count} {state}" for state, count in found.nodes.items()))]
    if found.draining:
        lines.append(row("draining", ", ".join(found.draining)))
    hopeless = [shape for shape in found.shapes if shape.infeasible]
    if hopeless:
        lines.append(row("infeasible", f"{found.infeasible} of what waits: no live node could hold it, even when idle"))
        lines += _shapes(hopeless)
    lines += [
        row("queued", str(found.queued)),
        row("started", str(found.started)),
        row("delayed", str(found.delayed)),
        row("deferred", str(found.deferred)),
        row("waiting", f"{found.waiting}{_oldest(found.oldest)}"),
        *_shapes([shape for shape in found.shapes if not shape.infeasible]),
        row("finished", str(found.finished)),
        row("failed", str(found.failed)),
        row("canceled", str(found.canceled)),
    ]
    lines += [
        row("" if i else "shared", f"{name} {use.used}/{use.capacity}")
        for i, (name, use) in enumerate(found.shared.items())
    ]
    if any((found.queued, found.started, found.delayed, found.deferred, found.waiting, found.failed)):
        lines.append(row("see", "`handoff jobs --state STATE` for which these are"))
    return lines


def _shapes(shapes: Sequence[Waiting]) -> list[str]:
    lines = [row("", f"{shape.count} for {shape}") for shape in shapes[:SHAPES_SHOWN]]
    if further := shapes[SHAPES_SHOWN:]:
        lines.append(row("", f"{sum(shape.count for shape in further)} for {len(further)} other shapes"))
    return lines


def _oldest(oldest: Oldest | None) -> str:
    return f", {oldest.id} longest: for {span(oldest.waited_s)}" if oldest else ""


def _function(found: FunctionStatus) -> list[str]:
    rows = {
        "function": found.id if found.function_id == found.id else f"{found.function_id} ({found.id})",
        "call": found.description,
        "status": f"{found.status}: {found.reason}",
        "node": found.node,
        "devices": ", ".join(f"{name} {' '.join(map(str, held))}" for name, held in found.devices.items()),
        "attempts": str(found.attempts),
        "cost": in_words(found.cost),
        "or": ", or ".join(_variant(each) for each in found.variants if each.cost != found.cost),
        "pinned": found.pinned,
        "where": found.where,
        "result": found.result,
        "error": found.error,
        "created": found.created_at,
        "started": found.started_at,
        "ended": found.ended_at,
    }
    return [row(name, text) for name, text in rows.items() if text]


def _variant(variant: Variant) -> str:
    return in_words(variant.cost) + (f" after {variant.after_s:g} s" if variant.after_s else "")
