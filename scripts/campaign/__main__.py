"""The command line of scripts/chaos: which faults, for how long, and what came of it."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from dataclasses import replace
from functools import partial

import click
from rich.console import Console

from campaign.campaigns import Campaign
from campaign.faults import FORGETTING, KINDS
from campaign.shrinking import shortest
from campaign.table import show
from campaign.verdict import Verdict

WIDTH = 150
"""Columns of the table where it goes to a file or a pipe."""


@click.command(name="scripts/chaos", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", "seeds", type=int, multiple=True, default=[1], show_default=True, help="May be given again.")
@click.option("--seconds", type=click.FloatRange(5), default=60.0, show_default=True, help="Of each campaign.")
@click.option("--only", multiple=True, type=click.Choice([*KINDS, *FORGETTING]), help="Faults of this kind alone.")
@click.option("--mode", type=click.Choice(["keep", "empty"]), default="keep", show_default=True,
              help="empty: Redis is emptied too, and goes back some seconds; starts are not counted then.")  # fmt: skip
@click.option("--lease", type=click.FloatRange(0.5), default=3.0, show_default=True, help="Seconds, of all nodes.")
@click.option("--rate", type=click.FloatRange(0.1), default=12.0, show_default=True, help="Submits a second.")
@click.option("--faults", "first", type=click.IntRange(0), help="Only the first so many of the faults.")
@click.option("--speed/--no-speed", default=True, help="Judge how fast work is back, and the rate after the faults.")
@click.option("--shrink/--no-shrink", default=True, help="Look for the fewest faults that show a failure.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    seeds: tuple[int, ...], seconds: float, only: tuple[str, ...], mode: str, lease: float, rate: float,
    first: int | None, speed: bool, shrink: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run functions and graphs with known answers while processes, connections and servers fail, and judge the books.

    Agents, clients and two Redis servers are started here, on loopback. From the seed come the faults and when; whom
    one strikes is drawn among those who are there then. Exit code 1 where anything is wrong, which is told as soon
    as it is known. TERM or Ctrl-C ends with what is known by then.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    forgets = mode == "empty" or any(name in FORGETTING for name in only)
    kinds = {**KINDS, **(FORGETTING if forgets else {})}
    kinds = {name: kind for name, kind in kinds.items() if not only or name in only}
    progress = Console(stderr=True)
    began_s = time.monotonic()

    def tell(what: str) -> None:
        progress.print(
            f"{time.monotonic() - began_s:6.1f} s  {what}", style="dim", highlight=False, markup=False, soft_wrap=True
        )

    verdicts: list[Verdict] = []
    try:
        for seed in seeds:
            campaign = Campaign(seed, seconds, lease, rate, kinds, forgets, first, speed and not only)
            tell(f"seed {seed}")
            verdicts.append(Verdict(seed, seconds))
            verdict = campaign.run(tell, verdicts[-1])
            if verdict.wrong:
                count = verdict.faults.total() + verdict.missed
                again = partial(to_repeat, seed, seconds=seconds, mode=mode, lease=lease, rate=rate, only=only)
                tell(f"to see it: {again(count)}")
                if shrink:
                    tell(f"looking for the fewest of {count} faults that show it")
                    count = shortest(lambda few, one=campaign: bool(replace(one, first=few).run(tell).wrong), count)  # type: ignore[misc]
                    tell(f"to see it: {again(count)}")
    finally:
        if as_json:
            click.echo(json.dumps([verdict.to_dict() for verdict in verdicts], indent=2))
        else:
            show(Console(width=None if sys.stdout.isatty() else WIDTH), verdicts)
    sys.exit(any(verdict.wrong for verdict in verdicts))


def _stop(number: int, _: object) -> None:
    sys.exit(128 + number)


def to_repeat(
    seed: int, faults: int, *, seconds: float, mode: str, lease: float, rate: float, only: tuple[str, ...]
) -> str:
    """The command that does the first so many faults again: what they are depends on all of this."""
    words = ["scripts/chaos", "--seed", seed, "--seconds", f"{seconds:g}", "--mode", mode, "--lease", f"{lease:g}"]
    words += ["--rate", f"{rate:g}", *(word for kind in only for word in ("--only", kind)), "--faults", faults]
    return shlex.join(map(str, words))


if __name__ == "__main__":
    main(prog_name="scripts/chaos")
