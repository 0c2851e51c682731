"""`handoff status`: a namespace in numbers, one function, or one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from handoff.cli import completing
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import block, row, to_json
from handoff.cli.run_view import show_run
from handoff.client.cluster import Cluster
from handoff.client.run_handle import RunHandle
from handoff.errors import HandoffError, UnknownFunction, UnknownRun, shown
from handoff.ledger.phrases import NEVER, in_words
from handoff.view.overview import Oldest, Overview, Waiting, read_overview
from handoff.view.wording import usage_in_words
from handoff.why.function_status import FunctionStatus, Variant, read_function
from handoff.words.times import span

SHAPES_SHOWN = 20

MOST_NAMED = 3
"""Unknown ids that an error names."""


@click.command(short_help="Show what stands where: all, or functions and runs.")
@click.argument("ids", metavar="[ID]...", nargs=-1, shell_complete=completing.of_functions())
@shared_options
@click.pass_obj
def status(asked: Asked, ids: tuple[str, ...]) -> None:
    """Show how many functions stand where; with IDs where these stand and why, or else the runs of those ids.

    With the id of a run and then that of one of its functions, show that function. Of several IDs one that is unknown
    is told behind the others. With --json an object a line.
    """
    unknown: list[UnknownFunction] = []
    is_behind = False
    with asked.cluster() as cluster:
        if not ids:
            _show(asked, read_overview(cluster.store))
        for id in _of_run(cluster, ids):
            try:
                found = _find(cluster, id)
            except UnknownFunction as error:
                unknown.append(error)
                continue
            if is_behind and not asked.as_json:
                click.echo()
            _show(asked, found)
            is_behind = True
    if len(unknown) == 1:
        raise unknown[0]
    if unknown:
        raise HandoffError(f"none of these is known: {_named(unknown)}; `handoff jobs` and `handoff runs` list what is")


def _of_run(cluster: Cluster, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Of a run with one of its functions that function."""
    if len(ids) != 2:
        return ids
    try:
        run = cluster.run(ids[0])
    except UnknownRun:
        return ids
    try:
        return (run.handle(ids[1]).id,)
    except UnknownFunction as error:
        try:
            _find(cluster, ids[1])
        except UnknownFunction:
            raise error from None
        return ids


def _named(unknown: Sequence[UnknownFunction]) -> str:
    more = [f"{len(unknown) - MOST_NAMED} more"] if len(unknown) > MOST_NAMED else []
    return ", ".join([*(shown(error.id) for error in unknown[:MOST_NAMED]), *more])


def _find(cluster: Cluster, id: str) -> FunctionStatus | RunHandle:
    try:
        return read_function(cluster.store, id)
    except UnknownFunction as error:
        try:
            return cluster.run(error.id)
        except UnknownRun:
            # Neither: what is said of functions holds for both.
            raise error from None


def _show(asked: Asked, found: Overview | FunctionStatus | RunHandle) -> None:
    if isinstance(found, RunHandle):
        show_run(found, as_json=asked.as_json)
    elif asked.as_json:
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
        lines.append(row("infeasible", f"{found.infeasible} of what waits: {NEVER}"))
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
    lines += [row("" if i else "shared", f"{name} {use}") for i, (name, use) in enumerate(found.shared.items())]
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
        "used": usage_in_words(found.usage) if found.usage else None,
        "created": found.created_at,
        "started": found.started_at,
        "ended": found.ended_at,
    }
    traceback = ["", *block(found.traceback).splitlines()] if found.traceback else []
    return [*(row(name, text) for name, text in rows.items() if text), *traceback]


def _variant(variant: Variant) -> str:
    return in_words(variant.cost) + (f" after {variant.after_s:g} s" if variant.after_s else "")
