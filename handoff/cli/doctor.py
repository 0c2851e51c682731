"""`handoff doctor`: is everything in Redis as it has to be, and what is wrong around it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import one_line, to_json
from handoff.client.noting import note
from handoff.doctor.examine import PATIENCE_S, examine
from handoff.doctor.mend import mend
from handoff.doctor.server import OTHER_LAYOUT, Finding, look_around
from handoff.doctor.violation import Violation
from handoff.exits import DONE, FAILED
from handoff.ledger import libraries


@click.command(short_help="Check the books of a live server, and mend them.")
@click.option(
    "--patience",
    default=PATIENCE_S,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds for which what rq's tools have left may stay, until housekeeping takes it up.",
)
@click.option("--fix", is_flag=True, help="Mend what can be mended; the status is then that of what is left.")
@shared_options
@click.pass_obj
def doctor(asked: Asked, patience: float, fix: bool) -> int:
    """Check that the books balance: every function stands in one place, and every amount is reserved by somebody.

    On a live server, under load: a little at a time, each at one moment. Also told are settings of Redis that lose
    functions, rq's own workers on our queues, clocks that differ, and versions that are too old. What only costs time
    or memory is told, and is not wrong: libraries that other versions have left on the server, which --fix removes, and
    a user who may not call Redis Functions.

    The exit status is 1 where anything is wrong. With --fix every repair is one script, which looks once more before it
    writes, so that it is safe while all goes on: a function that stands nowhere waits again, one that runs and has no
    reservation has used an attempt.
    """
    with asked.cluster() as cluster:
        begun_s = time.monotonic()
        around = list(look_around(cluster.store))
        if not asked.as_json:
            _print(around)
        with _progress(quiet=asked.as_json) as on_step:
            found = []
            is_ours = all(finding.what != OTHER_LAYOUT for finding in around)
            for violation in examine(cluster.store, patience_s=patience, on_step=on_step) if is_ours else ():
                found.append(violation)
                if not asked.as_json:
                    _print([violation])
        if fix and found:
            note(cluster, "mend", _things(len(found)))
        mended = [each.violation for each in mend(cluster.store, found) if each.is_mended] if fix else []
        old = [finding.library for finding in around if finding.library] if fix else []
        removed = libraries.remove(cluster.store, old)
        left = [violation for violation in found if violation not in mended]
    if asked.as_json:
        click.echo(to_json(_plain(around, found, mended, removed, time.monotonic() - begun_s)))
    else:
        if fix:
            _print([f"not mended: {violation}" for violation in left])
            _print([f"not removed: {name}" for name in old if name not in removed])
        click.echo(_summary(cluster.namespace, around, found, len(mended), time.monotonic() - begun_s))
    return FAILED if left or not all(finding.is_harmless for finding in around) else DONE


def _print(things: list[Any]) -> None:
    for thing in things:
        click.echo(one_line(str(thing)))


def _plain(
    around: list[Finding], found: list[Violation], mended: list[Violation], removed: list[str], seconds: float
) -> dict[str, Any]:
    return {
        "violations": [violation.to_dict() | {"mended": violation in mended} for violation in found],
        "findings": [finding.to_dict() | {"mended": finding.library in removed} for finding in around],
        "seconds": round(seconds, 3),
    }


def _summary(namespace: str, around: list[Finding], found: list[Violation], mended: int, seconds: float) -> str:
    around = [finding for finding in around if not finding.is_harmless]
    if not around and not found:
        return f"All is as it has to be in namespace {namespace}. ({seconds:.1f} s)"
    wrong = [f"{_things(len(found))} in the books{f' ({mended} mended)' if mended else ''}"] * bool(found)
    wrong += [f"{len(around)} around them" if found else f"{_things(len(around))} around the books"] * bool(around)
    count = len(found) + len(around)
    verb = "were" if mended == count else "is" if count == 1 else "are"
    return f"{' and '.join(wrong)} {verb} wrong in namespace {namespace}. ({seconds:.1f} s)"


def _things(count: int) -> str:
    return f"{count} thing{'' if count == 1 else 's'}"


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being looked at, on a terminal and not in what others read."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda what: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed} looks"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda what: progress.update(task, advance=1, description=what)
