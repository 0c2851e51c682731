"""The command line of scripts/bench: chooses parts and sizes, shows the figures."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import click
from rich.console import Console

from benchmarks import (
    dashboard,
    decision,
    doctor,
    enforcing,
    finished,
    loss,
    machine,
    quality,
    script_time,
    sizing,
    submits,
)
from benchmarks.check.operations import Unexpected
from benchmarks.check.run import check as check_limits
from benchmarks.figures import Figure, Where, show, to_json, to_markdown
from benchmarks.graphs import Absent, Failed, estee, rates, slices
from benchmarks.peers import measure as peers
from benchmarks.peers.floor import Wrong
from benchmarks.peers.roster import NAMES
from benchmarks.release import checked_name, keep
from handoff import HandoffError

Measure = Callable[[int, int, Callable[[str], None]], list[Figure]]


@dataclass(frozen=True, slots=True)
class Part:
    """One question."""

    measure: Measure
    size: int  #: functions of one repeat
    quickly: Measure | None = None  #: what a smaller size alone would not make quick


PARTS = {
    "peers": Part(peers.measure, 20_000),
    "finished": Part(finished.measure, 5_000),
    "submit": Part(submits.measure, 4_000),
    "script": Part(script_time.measure, 800),
    "decision": Part(decision.measure, 600, decision.measure_quickly),
    "quality": Part(quality.measure, 0),
    "graphs": Part(rates.measure, 10_000),
    "slices": Part(slices.measure, 10_000),
    "estee": Part(estee.measure, 0),
    "loss": Part(loss.measure, 0),
    "doctor": Part(doctor.measure, 20_000),
    "sizing": Part(sizing.measure, 10_000),
    "dashboard": Part(dashboard.measure, 100_000),
    "enforce": Part(enforcing.measure, 2_000),
}
WIDTH = 170
"""Columns of the table where it goes to a file or a pipe."""

QUICK = 10
"""By so much `--quick` divides the size of a repeat."""

STANDARD = ("peers",)


@click.command(name="scripts/bench", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--size", type=click.IntRange(100), help="Functions of one repeat; slow systems run fewer.")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True, help="Of all systems, in turn.")
@click.option("--quick", is_flag=True, help="Fewer functions and smaller clusters: to look, not to quote.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Of `peers`, these; may be given again.")
@click.option("--check", is_flag=True, help="Compare what calls cost with the limits of the project; exit with 1.")
@click.option("--check-commands", is_flag=True, help="The same for the numbers of commands alone, which are exact.")
@click.option("--renew", is_flag=True, help="Set the limits that --check compares with to what is measured.")
@click.option("--release", metavar="NAME", callback=checked_name, help="Keep it as docs/benchmarks/NAME.md and .json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as Markdown.")
def main(
    parts: tuple[str, ...],
    size: int | None,
    repeats: int,
    quick: bool,
    only: tuple[str, ...],
    check: bool,
    check_commands: bool,
    renew: bool,
    release: str | None,
    as_json: bool,
    as_markdown: bool,
) -> None:
    """Measure PARTS (default: peers) and print a table.

    peers: all that is measured of Handoff, of other queues, each in an environment of its own, and of two limits.
    finished: no-ops from a full backlog per second, beside rq. submit: submits per second, one by
    one and many at once, beside rq. script: time that
    one call holds the server. decision: the same for every kind of decision, up to 10,000 nodes and a million functions
    that wait, against its bars. quality: GPUs left unallocated on a real cluster's trace. graphs: functions of a chain
    and of a fan per second, beside Dask. slices: time that one call holds the server while a large graph is submitted
    and runs. estee: makespan of small task graphs, beside what is possible, by what is known of durations. loss:
    functions that a submit has acknowledged and a failover has lost, by durability. doctor: what a look at the books of
    a thousand nodes takes. sizing: memory, append-only file and time of one core that Redis needs for a function, and
    for nodes. dashboard: how soon pages come and change with a thousand nodes, and what viewers cost Redis. enforce:
    what it costs a node to keep functions to the memory that they have declared, beside one that does not.
    """
    if only and "peers" not in (parts or STANDARD):
        raise click.UsageError("--only chooses among peers: name the part peers, or none")
    if renew and not (check or check_commands):
        raise click.UsageError("--renew sets what --check or --check-commands measures: give one of them")
    # So that whatever was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    progress = Console(stderr=True)
    began_s = time.monotonic()
    here = machine.describe()
    figures: list[Figure] = []
    beyond: list[str] = []

    def tell(what: str) -> None:
        progress.print(f"{time.monotonic() - began_s:6.1f} s  {what}", style="dim", highlight=False)

    try:
        with progress.status("measuring ..."):
            if check or check_commands:
                figures, beyond = check_limits(tell, with_cpu=check, keep=renew)
            for part in (PARTS[name] for name in parts or (() if check or check_commands else STANDARD)):
                measure = part.quickly if quick and part.quickly else part.measure
                if part is PARTS["peers"] and only:
                    measure = partial(peers.measure, only=only)
                figures += measure(size or part.size // (QUICK if quick else 1), repeats, tell)
    except (
        HandoffError,
        quality.NoTrace,
        decision.Unexpected,
        dashboard.Unseen,
        doctor.Unsound,
        Absent,
        Failed,
        Unexpected,
        Wrong,
    ) as error:
        click.echo(f"scripts/bench: {error}", err=True)
        sys.exit(1)
    where = Where(here, peers.systems(figures))
    if release:
        keep(release, where, figures)
    if as_json:
        click.echo(to_json(where, figures))
    elif as_markdown:
        click.echo(to_markdown(where, figures))
    else:
        show(Console(width=None if sys.stdout.isatty() else WIDTH), where, figures)
    for told in beyond:
        click.echo(f"scripts/bench: {told}", err=True)
    sys.exit(1 if beyond else 0)


if __name__ == "__main__":
    main(prog_name="scripts/bench")
