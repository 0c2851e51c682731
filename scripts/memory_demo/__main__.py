"""The command line of scripts/demo-memory."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from handoff import HandoffError
from handoff_worker.machine.memory_use import MB
from memory_demo.scenes import NODE_MB, PARTS, SCENES, Ended, Played, play

MOST_SCALE = 5
"""A function may have 64 MB beside what it has declared: of what is smaller still, nobody has more."""

SPARE = 1.5
"""So many times what the functions take at most has to be free, so that nothing else on this machine is in danger."""

OUTCOMES = {
    "ran": "ran",
    "stopped": "stopped by its node: MemoryExceeded",
    "killed": "killed, as the largest, by what plays the kernel",
}


def need_mb(scale: int) -> int:
    """What has to be free."""
    return round(SPARE * sum(part.scaled(scale).takes for part in PARTS))


@click.command(name="scripts/demo-memory", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--scale",
    type=click.IntRange(1, MOST_SCALE),
    help="Divide all sizes by so much.  [default: 1, or the least for which enough memory is free]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(scale: int | None, as_json: bool) -> None:
    """Show what comes of functions that say 500 MB and take 900, beside others, on a node of 4,000 MB.

    It starts a Redis server and a node of its own, three times: without enforcement, with it, and with functions that
    may be tried again with more. No machine is really short of memory: a thread of the demo plays the part of the
    kernel, and kills the largest process of the node once its functions have more than 4,000 MB together.
    """
    free_mb = psutil.virtual_memory().available // MB
    scale = scale or next((each for each in range(1, MOST_SCALE + 1) if need_mb(each) <= free_mb), MOST_SCALE)
    if free_mb < need_mb(scale):
        raise click.ClickException(
            f"{free_mb:,} MB of memory are free here, and with --scale {scale} the demo wants {need_mb(scale):,}: "
            f"free some, or give a scale up to {MOST_SCALE}"
        )
    try:
        played = _play_all(scale, None if as_json else Console(stderr=True))
    except (HandoffError, TimeoutError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"scale": scale, "scenes": [_to_dict(each) for each in played]}, indent=2))
    else:
        click.echo(_introduce(scale))
        for each in played:
            click.echo(_tell(each))


def _play_all(scale: int, console: Console | None) -> list[Played]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=console is None) as progress:
        bar = progress.add_task("", total=len(SCENES) * (len(PARTS) + 1))
        return [play(scene, scale, lambda what: progress.update(bar, description=what, advance=1)) for scene in SCENES]


def _introduce(scale: int) -> str:
    divided = f" All sizes are divided by {scale} (--scale)." if scale > 1 else ""
    return (
        f"A node of {NODE_MB // scale:,} MB.{divided} Its machine is pretended to have no more:\n"
        "once its functions have more together, a thread of this script does what the kernel would do, and kills the\n"
        "largest process."
    )


def _tell(played: Played) -> str:
    lines = ["", played.scene.name.capitalize(), ""]
    for each in played.ended:
        part = each.part
        attempts = f", at attempt {each.attempts}" if each.attempts > 1 else ""
        lines.append(
            f"  {part.name:<12} says {part.says:>5,} MB, takes {part.takes:>5,}   {OUTCOMES[each.outcome]}{attempts}"
        )
    return "\n".join([*lines, "", *(f"  {line}".rstrip() for line in _conclude(played))])


def _conclude(played: Played) -> list[str]:
    honest = [each for each in played.ended if each.part.keeps_its_word]
    liars = [each for each in played.ended if not each.part.keeps_its_word]
    said = [f"{_count(honest)} neighbours that kept their word ran, and {_count(liars)} of those that did not."]
    if played.told:
        said += ["`handoff costs` says what to write instead:", "", *played.told.splitlines()]
    return said


def _count(ended: list[Ended]) -> str:
    return f"{sum(each.outcome == 'ran' for each in ended)} of {len(ended)}"


def _to_dict(played: Played) -> dict[str, Any]:
    scene = played.scene
    return {
        "scene": scene.name,
        "enforce": scene.enforce,
        "on_memory_exceeded": scene.on_exceeded,
        "node_mb": played.node_mb,
        "functions": [
            {
                "name": each.part.name,
                "declared_mb": each.part.says,
                "taken_mb": each.part.takes,
                "keeps_its_word": each.part.keeps_its_word,
                "outcome": each.outcome,
                "attempts": each.attempts,
                "error": each.why or None,
            }
            for each in played.ended
        ],
        "killed_mb": played.killed_mb,
        "suggested": {each.function: dict(each.suggested) for each in played.costs},
    }


if __name__ == "__main__":
    sys.exit(main())
