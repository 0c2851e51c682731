"""`handoff run`: one call from the shell, submitted, waited for and printed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import click

from handoff.cli import completing
from handoff.cli.amounts import read_amounts
from handoff.cli.awaiting import interrupt_told, reasons_told
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import block, to_json
from handoff.cli.since import read_span
from handoff.client.handle import Handle
from handoff.errors import FunctionFailed, Infeasible
from handoff.ledger.rqmodel import parse_call_arguments
from handoff.ledger.verdict import Verdict
from handoff.why.explanation import Explanation
from handoff.words.constraints import Not, Where
from handoff.words.function import (
    ISOLATIONS,
    ON_MEMORY_EXCEEDED,
    ON_NODE_LOSS,
    Isolation,
    OnMemoryExceeded,
    OnNodeLoss,
    Strategy,
)
from handoff.words.resources import Number
from handoff.words.variants import After, Cost

ASK_TO_WAIT = "ask for less, start a node that has it, or wait for one by --on-infeasible wait"


def _costs(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> Mapping[str, Number] | list[Mapping[str, Number] | After] | None:
    """Read `cpu=2,memory=500`, or several of these in order of preference, of which some count only `after 30s`."""
    costs: list[Mapping[str, Number] | After] = []
    for text in texts:
        amounts, _, after = text.partition(" after ")
        found = read_amounts(context, parameter, amounts.split(",") if amounts else (), "cpu=2,memory=500")
        waits = read_span(after.strip()) if after else None
        if after and waits is None:
            raise click.BadParameter(f"{after!r} is no time, such as in 'cpu=8 after 30s'", context, parameter)
        costs.append(After(waits.total_seconds(), found) if waits is not None else found)
    match costs:
        case []:
            return None
        case [dict() as cost]:
            return cost
        case _:
            return costs


def _timeout(context: click.Context, parameter: click.Parameter, value: str | None) -> dict[str, Any]:
    """Read seconds; anything else is for rq to read. -> how `enqueue` is told"""
    try:
        return {} if value is None else {"timeout": float(value)}
    except ValueError:
        return {"job_timeout": value}


def _where(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> Where | None:
    """Read `zone=a`, or `tier!=spot`; one name several times is any of its values, or none of them."""
    found: dict[tuple[str, str], list[str]] = {}
    for text in texts:
        match = re.fullmatch(r"([^=!]+)(!?=)(.*)", text)
        if not match:
            raise click.BadParameter(
                f"{text!r} is no label and value, such as zone=a or tier!=spot", context, parameter
            )
        name, operator, value = match.groups()
        found.setdefault((name, operator), []).append(value)
    if len({name for name, _ in found}) < len(found):
        raise click.BadParameter("a label is to have one of some values, or none of some: not both", context, parameter)
    return {name: Not(values) if operator == "!=" else values for (name, operator), values in found.items()} or None


def _on_infeasible(context: click.Context, parameter: click.Parameter, value: str | None) -> str | float | None:
    """Read seconds; which words are allowed is for the submit to say."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return value


@click.command(short_help="Run a function on a node, and print its result.")
@click.argument("function", metavar="MODULE:FUNCTION")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1)
@click.option(
    "--cost",
    callback=_costs,
    multiple=True,
    help="What it needs, such as cpu=2,memory=500,gpu=0.5. Several: the first that fits; 'cpu=8 after 30s': then.",
)
@click.option("--node", shell_complete=completing.nodes, help="Run it on this node only.")
@click.option(
    "--where",
    callback=_where,
    multiple=True,
    metavar="NAME=VALUE",
    help="On a node with this label, or with NAME!=VALUE without it. Several values of a name: any of them, or none.",
)
@click.option("--priority", type=int, default=0, help="From -1000 to 1000, larger first.  [default: 0]")
@click.option("--timeout", callback=_timeout, help="Of one attempt: seconds, or such as 90s, 5m, 1h.")
@click.option("--max-retries", type=int, help="How often a failed attempt is repeated.  [default: 0]")
@click.option("--delay", type=float, help="Not before so many seconds from now.  [default: 0]")
@click.option(
    "--wait-ttl", type=float, help="It fails if it has not started after so many seconds of waiting for room."
)
@click.option(
    "--on-infeasible",
    callback=_on_infeasible,
    metavar="wait|raise|SECONDS",
    help="If no live node could ever hold it: wait, refuse it, or fail after so many seconds.  "
    "[default: raise; wait with --detach or --wait-ttl]",
)
@click.option("--strategy", help="Which node of those that fit: first_available or load_balanced.")
@click.option("--isolation", type=click.Choice(ISOLATIONS), default="warm",
              help="fresh: in a new process, which ends with it.  [default: warm]")  # fmt: skip
@click.option("--on-node-loss", type=click.Choice(ON_NODE_LOSS), default="retry",
              help="fail: if its node is lost it is not tried again, whatever is left.  [default: retry]")  # fmt: skip
@click.option("--on-memory-exceeded", type=click.Choice(ON_MEMORY_EXCEEDED), default="fail",
              help="grow: where --enforce stops it, it is tried once more with more.  [default: fail]")  # fmt: skip
@click.option("--job-id", help="Its id: letters, digits, _ and -.  [default: a new one]")
@click.option("--detach", "--no-wait", is_flag=True, help="Print its id at once, and do not wait.")
@click.option("--verbose", "-v", is_flag=True, help="Say where it was placed, and if it fails show its traceback.")
@shared_options
@click.pass_obj
def run(
    asked: Asked,
    function: str,
    arguments: tuple[str, ...],
    cost: Cost | None,
    node: str | None,
    priority: int,
    timeout: dict[str, Any],
    max_retries: int | None,
    where: Where | None,
    delay: float | None,
    wait_ttl: float | None,
    on_infeasible: Any,
    strategy: str | None,
    isolation: Isolation,
    on_node_loss: OnNodeLoss,
    on_memory_exceeded: OnMemoryExceeded,
    job_id: str | None,
    detach: bool,
    verbose: bool,
) -> None:
    """Run MODULE:FUNCTION on a node, and print its result.

    The module is imported on the node alone. ARGS are as in rq: text as it is, :JSON, %PYTHON-LITERAL, and name=text,
    name:=JSON, name%=PYTHON-LITERAL for keywords; @FILE in place of a value reads it from a file. Write -- before
    arguments that begin with a dash.
    """
    args, kwargs = _parse(arguments)
    # Known before it is submitted, so that Ctrl-C can tell it.
    id = job_id or uuid.uuid4().hex
    unfit: Any = on_infeasible or ("wait" if detach or wait_ttl is not None else "raise")
    with asked.cluster() as cluster, interrupt_told(asked, cluster, id):
        try:
            handle = cluster.enqueue(
                function,
                args=args,
                kwargs=kwargs,
                cost=cost,
                node=node,
                where=where,
                delay=delay,
                wait_ttl=wait_ttl,
                on_infeasible=unfit,
                strategy=cast("Strategy | None", strategy),
                isolation=isolation,
                on_node_loss=on_node_loss,
                on_memory_exceeded=on_memory_exceeded,
                priority=priority,
                max_retries=max_retries,
                job_id=id,
                **timeout,
            )
        except Infeasible as error:
            if on_infeasible is not None:
                raise
            raise Infeasible(id, error.reason, ASK_TO_WAIT, for_now=error.for_now) from None
        told = _tell_decided(asked, handle, unfit, detach=detach, verbose=verbose)
        if detach:
            return
        try:
            with reasons_told(asked, handle, told=told):
                result = handle.result()
        except FunctionFailed as error:
            if verbose:
                asked.tell(block(error.traceback.rstrip()))
            raise
    click.echo(to_json(result) if asked.as_json else repr(result))


def _tell_decided(
    asked: Asked, handle: Handle, unfit: str | float, *, detach: bool, verbose: bool
) -> Explanation | None:
    """Say what was decided; of what waits the whole reason, which is returned."""
    verdict = handle.verdict
    assert verdict is not None
    decided = {"id": handle.id, **asdict(verdict)}
    why = handle.explain() if verdict.state in ("waiting", "infeasible") and not detach else None
    text = f"function {handle.id}: {why.text}" if why and verdict.state == "waiting" else ""
    # What is placed ends soon, in one line.
    if verdict.state != "placed" or detach or verbose:
        asked.tell(text or _decided(handle.id, verdict, unfit, detach=detach), **decided)
    if detach:
        click.echo(to_json(decided) if asked.as_json else handle.id)
    return why


def _decided(id: str, verdict: Verdict, on_infeasible: str | float, *, detach: bool) -> str:
    """What submit decided; of what may wait for ever also how to end that."""
    if verdict.state != "infeasible":
        return f"function {id}: {verdict.reason}"
    limit = "" if isinstance(on_infeasible, str) else f" up to {on_infeasible:g} s"
    leave = "" if detach else "Ctrl-C leaves it waiting, "
    return (
        f"function {id} waits{limit} for a node that could hold it ({verdict.reason}): "
        f"{leave}`handoff cancel {id}` ends it"
    )


def _parse(arguments: tuple[str, ...]) -> tuple[list[Any], dict[str, Any]]:
    try:
        return parse_call_arguments(list(arguments))
    except (OSError, UnicodeError) as error:
        raise click.UsageError(f"A file of an argument cannot be read ({error})") from error
    except ValueError as error:
        raise click.UsageError(f"An argument cannot be read ({error})") from error
