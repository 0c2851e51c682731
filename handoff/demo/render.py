"""The demo's report for the eyes: tables of what was found, and of what ran where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from handoff.demo.analysis import ComplexFunction, Unparsable
from handoff.demo.picture import use_table
from handoff.demo.report import Family, Ran, Report
from handoff.words.resources import Amount

FAMILIES_SHOWN = 10
UNPARSABLE_SHOWN = 5

NAMED = 6
"""How many functions a row names before it only counts."""


def render(report: Report) -> RenderableType:
    """Lay the report out for a reader with 80 columns or more."""
    parts: list[RenderableType] = [_totals(report), Text()]
    if report.complex:
        parts += [_complex_table(report.complex), Text()]
    if report.families:
        parts += [_families_table(report.families), Text()]
    if report.unparsable:
        parts += [*_unparsable(report.unparsable), Text()]
    parts += [_ran_table(report.ran), Text()]
    if seen := _devices_seen(report.ran):
        parts += [seen, Text()]
    parts += [Text("Highest use, from the event stream", style="bold"), use_table(report.peaks), Text()]
    return Group(*parts, _held(report.held))


def _totals(report: Report) -> Text:
    totals = report.totals
    mean = totals.complexity / totals.functions if totals.functions else 0
    return Text.assemble(
        (report.root, "bold"),
        f": {totals.files:,} files, {totals.lines:,} lines ({totals.code_lines:,} of code), "
        f"{totals.functions:,} functions of mean complexity {mean:.1f} and {totals.classes:,} classes, "
        f"in {report.elapsed_s:.1f} s",
    )


def _table(title: str, *columns: tuple[str, bool]) -> Table:
    """A table with a title; a column is its heading and whether it holds numbers."""
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, expand=True)
    for heading, numbers in columns:
        table.add_column(heading, justify="right" if numbers else "left", no_wrap=numbers, overflow="fold")
    return table


def _complex_table(functions: Sequence[ComplexFunction]) -> Table:
    table = _table("Most complex functions", ("complexity", True), ("function", False), ("where", False))
    for each in functions:
        table.add_row(str(each["complexity"]), Text(each["name"]), Text(f"{each['path']}:{each['line']}"))
    return table


def _families_table(families: Sequence[Family]) -> Table:
    table = _table("Most alike modules", ("alike", True), ("module", False), ("and", False), ("more", True))
    for family in families[:FAMILIES_SHOWN]:
        more = len(family.members) - 2
        table.add_row(f"{family.similarity:.0%}", Text(family.left), Text(family.right), f"+{more}" if more else "")
    return table


def _unparsable(files: Sequence[Unparsable]) -> Iterator[Text]:
    yield Text(f"{len(files)} file{' does' if len(files) == 1 else 's do'} not parse", style="bold")
    for each in files[:UNPARSABLE_SHOWN]:
        yield Text(f"  {each['path']}: {each['error']}", no_wrap=True, overflow="ellipsis")
    if len(files) > UNPARSABLE_SHOWN:
        yield Text(f"  and {len(files) - UNPARSABLE_SHOWN} more", style="dim")


def _ran_table(ran: Sequence[Ran]) -> Table:
    table = _table("What ran where", ("node", False), ("step", False), ("functions", True), ("CPU seconds", True))
    groups: defaultdict[tuple[str, str], list[Ran]] = defaultdict(list)
    for each in ran:
        groups[each.node, each.step].append(each)
    for (node, step), group in sorted(groups.items()):
        table.add_row(Text(node), Text(step), str(len(group)), f"{sum(each.cpu_s for each in group):.1f}")
    return table


def _devices_seen(ran: Sequence[Ran]) -> Table | None:
    """What each function that asked for a gpu found in its environment."""
    groups: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
    for each in ran:
        if each.gpu:
            groups[each.node, each.cuda_visible_devices].append(each.function)
    if not groups:
        return None
    table = _table("CUDA_VISIBLE_DEVICES in gpu functions", ("node", False), ("value", False), ("functions", False))
    for (node, value), functions in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        shown = Text("not set", style="bold red") if value is None else Text(repr(value) if value == "" else value)
        table.add_row(Text(node), shown, Text(_some(functions)))
    return table


def _some(functions: list[str]) -> str:
    more = len(functions) - NAMED
    return ", ".join(functions[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _held(held: Mapping[str, Mapping[str, Amount]]) -> Text:
    if not held:
        return Text("Nothing is held: every reservation was given back.", style="green")
    nodes = [f"{node}: " + ", ".join(f"{name} {left}" for name, left in each.items()) for node, each in held.items()]
    return Text(f"Still held: {'; '.join(nodes)}", style="bold red")
