"""The command line of scripts/explore: which worlds, how far, which rule is left out, and what came of it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from model.explored.explore import Counterexample, Explored, Explorer
from model.explored.guards import GUARDS
from model.explored.invariants import INVARIANTS
from model.explored.worlds import WORLDS
from model.rules import RULES

WIDTH = 150
"""Columns of the table where it goes to a file or a pipe."""

Told = tuple[str, str, Explored]
"""A world, the guard that was left out or '', and what came of it."""


@click.command(name="scripts/explore", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--world", "worlds", multiple=True, type=click.Choice(list(WORLDS)), help="This world alone; may be given again."
)
@click.option(
    "--depth", type=click.IntRange(1), help="No further than so many moves.  [default: to the end; of everything, 6]"
)
@click.option("--broken", type=click.Choice([*GUARDS, "all"]), help="With this rule left out, or each in turn.")
@click.option("--list", "is_list", is_flag=True, help="Show the rules, and what each is there for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(worlds: tuple[str, ...], depth: int | None, broken: str | None, is_list: bool, as_json: bool) -> None:
    """Go over all states of a small model of the ledger, and look whether what is promised holds in each.

    Whatever does not hold is shown by a shortest way to it. Exit code 1 where something does not hold, or where a rule
    can be left out and nothing shows it.
    """
    if is_list:
        _list(as_json)
        return
    names = {"": worlds or tuple(WORLDS)}
    if broken is not None:
        left_out = list(GUARDS) if broken == "all" else [broken]
        names = {guard: worlds or (GUARDS[guard].world,) for guard in left_out}
    told: list[Told] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[so_far]}"),
        console=Console(stderr=True), transient=True,
    ) as progress:  # fmt: skip
        for guard, each in names.items():
            told += [(world, guard, _explore(progress, world, guard, depth)) for world in each]
    if as_json:
        click.echo(json.dumps([_to_dict(*each) for each in told], indent=2))
    else:
        _show(Console(width=None if sys.stdout.isatty() else WIDTH), told)
    sys.exit(not all(_is_as_it_should(guard, explored) for _, guard, explored in told))


def _explore(progress: Progress, world: str, guard: str, depth: int | None) -> Explored:
    task = progress.add_task(f"{world}, without: {guard}" if guard else world, total=1.0, so_far="")

    def tell(explored: Explored, part: float) -> None:
        so_far = f"of depth {explored.depth + 1}; {explored.states:,} states in {explored.seconds:.0f} s"
        progress.update(task, completed=part, so_far=so_far)

    explored = Explorer(WORLDS[world], guard, tell).explore(depth or WORLDS[world].depth)
    progress.remove_task(task)
    return explored


def _is_as_it_should(guard: str, explored: Explored) -> bool:
    found = explored.counterexample
    return found.breaks == GUARDS[guard].breaks if guard and found else not guard and not found


def _to_dict(world: str, guard: str, explored: Explored) -> dict[str, object]:
    return {
        "world": world,
        "without": guard or None,
        "as_it_should": _is_as_it_should(guard, explored),
        **asdict(explored),
    }


def _show(console: Console, told: list[Told]) -> None:
    table = Table("world", "without", "states", "transitions", "depth", "seconds", "", highlight=False)
    for name in ("states", "transitions", "depth", "seconds"):
        next(column for column in table.columns if column.header == name).justify = "right"
    for world, guard, explored in told:
        found = explored.counterexample
        end = "all of it holds" if explored.is_whole else "it holds so far"
        table.add_row(
            world, guard, f"{explored.states:,}", f"{explored.transitions:,}", str(explored.depth),
            f"{explored.seconds:.1f}", f"breaks: {found.breaks}" if found else end,
        )  # fmt: skip
    console.print(table)
    for world, guard, explored in told:
        if explored.counterexample:
            without = f", without the rule that {GUARDS[guard].rule}" if guard else ""
            _tell(console, f"In the world of {world}{without}:", explored.counterexample)


def _tell(console: Console, where: str, found: Counterexample) -> None:
    lines = [f"{number:3}. {step}" for number, step in enumerate(found.steps, 1)]
    what = RULES.get(found.breaks) or INVARIANTS[found.breaks]
    lines.append(f"     Then it does not hold that {what}: {found.why}")
    console.print(f"\n{where}", *lines, sep="\n", highlight=False, markup=False, soft_wrap=True)


def _list(as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({name: asdict(guard) for name, guard in GUARDS.items()}, indent=2))
        return
    table = Table("guard", "the rule", "without it breaks", "shown in the world")
    for name, guard in GUARDS.items():
        table.add_row(name, guard.rule, guard.breaks, guard.world)
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


if __name__ == "__main__":
    main(prog_name="scripts/explore")
