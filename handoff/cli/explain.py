"""`handoff explain`: why one function stands where it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from handoff.cli import completing
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import row, to_json
from handoff.client.cluster import Cluster
from handoff.errors import HandoffError, UnknownFunction, UnknownRun
from handoff.ledger.nodes import SHARED
from handoff.ledger.phrases import in_words
from handoff.why.explain import explain as look
from handoff.why.explanation import Explanation
from handoff.why.holders import external_or_claim

MOST_NAMED = 3
"""Functions of a run that are named as those to ask about."""


@click.command(short_help="Say why a function stands where it does.")
@click.argument("id", shell_complete=completing.of_functions())
@click.argument("function", required=False)
@shared_options
@click.pass_obj
def explain(asked: Asked, id: str, function: str | None) -> None:
    """Say why the function ID stands where it does: what is short, who holds it, what would let it start.

    With FUNCTION, that function of the run ID.
    """
    with asked.cluster() as cluster:
        try:
            found = look(cluster.store, id if function is None else cluster.run(id).handle(function).id)
        except UnknownFunction as error:
            if function is None:
                _refuse_run(cluster, error)
            raise
    if asked.as_json:
        click.echo(to_json(found.to_dict()))
        return
    previous = ""
    for name, text in _rows(found):
        click.echo(row("" if name == previous else name, text))
        previous = name


def _refuse_run(cluster: Cluster, unknown: UnknownFunction) -> None:
    """Raise what is to be done instead if that id is of a run."""
    try:
        run = cluster.run(unknown.id)
    except UnknownRun:
        return
    waiting = list(run.progress().waiting)
    named = ", ".join([*map(repr, waiting[:MOST_NAMED]), *(["..."] if waiting[MOST_NAMED:] else [])])
    which = f" (those that wait: {named})" if named else ""
    raise HandoffError(f"{run.id!r} is a run: explain one of its functions{which} by `handoff explain RUN FUNCTION`")


def _rows(found: Explanation) -> Iterator[tuple[str, str]]:
    yield "function", _named({"function_id": found.function_id, "id": found.id})
    yield "state", f"{found.state}: {found.text}"
    if found.position:
        yield "position", _position(found.position)
    for kind in found.short:
        yield "nodes", _kind(kind, several=any(other["variant"] for other in found.short))
    for holder in found.holders:
        yield "held by", _holder(holder)
    if found.overtakes:
        yield "overtaken", _overtakes(found.overtakes)
    for hold in found.holds:
        whom = "it" if hold["own"] else _named(hold)
        yield "holds", f"{_node(hold['node'])}: {', '.join(hold['lacks'])}, for {whom}"
    for other in found.dependencies["open"] if found.dependencies else ():
        on = f" on {other['node']}" if other["node"] else ""
        yield "waits for", f"{_named(other)}: {other['state']}{on}"


def _position(position: Mapping[str, int | None]) -> str:
    among_all = f"{position['among_all']} of {position['of_all']} that wait"
    if position["in_shape"] is None:
        return among_all
    return f"{position['in_shape']} of {position['of_shape']} of its shape, {among_all}"


def _kind(kind: Mapping[str, Any], *, several: bool) -> str:
    wanted = f"for {in_words(kind['cost'])}: " if several else ""
    labels = "".join(f", {name} {value}" for name, value in kind["labels"].items())
    has = f" ({in_words(kind['resources'])}{labels})" if kind["resources"] or labels else ""
    like = f" and {kind['nodes'] - 1} like it" if kind["nodes"] > 1 else ""
    return f"{wanted}{_node(kind['node'])}{like}{has}: {_lack(kind)}"


def _lack(kind: Mapping[str, Any]) -> str:
    if kind["never"]:
        return f"never, {'; '.join(kind['never'])}"
    if not kind["open"]:
        return "takes nothing now"
    if kind["missing"]:
        return f"short of {in_words(kind['missing'])}"
    if kind["apart"]:
        return "never all of it on one node at once"
    return "has room" + (", which is held for others" if kind["withheld"] == kind["room"] else "")


def _holder(holder: Mapping[str, Any]) -> str:
    name = _named(holder) if holder["function_id"] else external_or_claim(holder["id"])
    return f"{name} on {holder['node']}: {in_words(holder['amounts'])} since {holder['since']}"


def _named(other: Mapping[str, Any]) -> str:
    """Your id of it, and in a run the one that commands take."""
    own, id = other["function_id"], other["id"]
    return f"{own}" if own == id else f"{own} ({id})"


def _overtakes(overtakes: Mapping[str, Any]) -> str:
    limits = [_times(overtakes["limit"])] if overtakes["limit"] else []
    limits += [f"{overtakes['limit_s']:g} s"] if overtakes["limit_s"] else []
    limit = f", and holds a node after {' or '.join(limits)}" if limits else ""
    return f"{_times(overtakes['count'])} since {overtakes['since']}{limit}"


def _times(count: int) -> str:
    return f"{count} time{'' if count == 1 else 's'}"


def _node(name: str) -> str:
    return "what all share" if name == SHARED else name
