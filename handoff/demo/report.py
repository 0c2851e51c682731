"""The demo's report: what was found, what ran where, how far each node was filled; made of results and events only."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from handoff.demo.analysis import Analysis, ComplexFunction, Pair, Signatures, Unparsable, most_complex
from handoff.demo.picture import use_table
from handoff.words.resources import SLOTS, Amount, amount

FAMILIES_SHOWN = 10
UNPARSABLE_SHOWN = 5

Peaks = dict[str, dict[str, tuple[Amount, Amount]]]
"""Node -> resource -> the highest use at any one time, and the capacity."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all files that parsed."""

    files: int
    lines: int
    code_lines: int
    functions: int
    classes: int
    complexity: int


@dataclass(frozen=True, slots=True)
class Family:
    """Modules that hang together by being alike, two at a time; `left` and `right` are the two most alike."""

    similarity: float
    left: str
    right: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """One function that ended: where it ran, and what its child saw of the devices (None: the variable was not set)."""

    function: str
    step: str
    node: str
    gpu: bool
    cuda_visible_devices: str | None
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """All that the demo says at its end; paths are relative to `root`."""

    root: str
    elapsed_s: float
    totals: Totals
    complex: list[ComplexFunction]
    families: list[Family]
    not_compared: int
    unparsable: list[Unparsable]
    ran: list[Ran]
    peaks: Peaks
    held: dict[str, dict[str, Amount]]


def summarize(
    root: str,
    analyses: Sequence[Analysis],
    signed: Sequence[Signatures],
    pairs: Sequence[Pair],
    *,
    ran: Sequence[Ran],
    peaks: Peaks,
    held: Mapping[str, Mapping[str, Amount]],
    elapsed_s: float,
) -> Report:
    """Put the results of all functions together.

    `held` is what the ledger still holds at the end, by node and resource; nodes and resources at zero may be given.
    """
    modules = [module for analysis in analyses for module in analysis["modules"]]
    functions = [function for analysis in analyses for function in analysis["complex"]]
    unparsable = [each for analysis in analyses for each in analysis["unparsable"]]
    still = {node: {name: left for name, left in amounts.items() if left} for node, amounts in held.items()}
    return Report(
        root=root,
        elapsed_s=elapsed_s,
        totals=Totals(
            files=len(modules),
            lines=sum(module["lines"] for module in modules),
            code_lines=sum(module["code_lines"] for module in modules),
            functions=sum(module["functions"] for module in modules),
            classes=sum(module["classes"] for module in modules),
            complexity=sum(module["complexity"] for module in modules),
        ),
        complex=[{**each, "path": _below(root, each["path"])} for each in most_complex(functions)],
        families=families([{**p, "left": _below(root, p["left"]), "right": _below(root, p["right"])} for p in pairs]),
        not_compared=sum(each["left_out"] for each in signed),
        unparsable=sorted(
            ({**each, "path": _below(root, each["path"])} for each in unparsable), key=lambda each: each["path"]
        ),
        ran=list(ran),
        peaks=peaks,
        held={node: amounts for node, amounts in still.items() if amounts},
    )


def _below(root: str, path: str) -> str:
    return os.path.basename(path) if path == root else path.removeprefix(root.rstrip(os.sep) + os.sep)


def families(pairs: Iterable[Pair]) -> list[Family]:
    """Join pairs that share a module; most alike first, the larger family first among equals."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while (above := leader.setdefault(name, name)) != name:
            leader[name] = name = leader[above]
        return name

    best_first = sorted(pairs, key=lambda pair: (-pair["similarity"], pair["left"], pair["right"]))
    for pair in best_first:
        leader[find(pair["right"])] = find(pair["left"])
    members: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(leader):
        members[find(name)].append(name)
    best: dict[str, Pair] = {}
    for pair in best_first:
        best.setdefault(find(pair["left"]), pair)
    found = [Family(pair["similarity"], pair["left"], pair["right"], tuple(members[of])) for of, pair in best.items()]
    return sorted(found, key=lambda family: (-family.similarity, -len(family.members), family.left))


def peaks(events: Iterable[Mapping[str, str]], capacities: Mapping[str, Mapping[str, Amount]]) -> Peaks:
    """Find the highest simultaneous use of each node and resource in a stream of events.

    Exact, because every reservation and release is an event, in the order in which the ledger changed; a sample
    would miss what came and went between two looks. A cost reads `cpu=20000,gpu=5000`, in 1/10,000. What a node
    was not said to have has capacity 0; slots of which it has no limit are left out. Raises `ValueError` if
    more is released than was reserved: the stream has lost its beginning.
    """
    used: defaultdict[tuple[str, str], int] = defaultdict(int)
    highest: defaultdict[tuple[str, str], int] = defaultdict(int)
    for event in events:
        sign = {"reserved": 1, "released": -1}.get(event["event"])
        if sign is None:
            continue
        for name, units in _cost(event["cost"]):
            at = (event["node"], name)
            used[at] += sign * units
            if used[at] < 0:
                raise ValueError(f"{name} of node {at[0]!r} is released before it is reserved: read all events")
            highest[at] = max(highest[at], used[at])
    reached: Peaks = {
        node: {name: (amount(highest[node, name]), capacity) for name, capacity in resources.items()}
        for node, resources in capacities.items()
    }
    for (node, name), units in highest.items():
        if name != SLOTS and name not in reached.setdefault(node, {}):
            reached[node][name] = (amount(units), 0)
    return reached


def _cost(text: str) -> Iterator[tuple[str, int]]:
    for part in filter(None, text.split(",")):
        name, _, units = part.partition("=")
        yield name, int(units)


def to_json(report: Report) -> dict[str, Any]:
    """Turn the report into what `json` writes; amounts of `peaks` get their names."""
    return asdict(report) | {
        "peaks": {
            node: {name: {"peak": peak, "capacity": capacity} for name, (peak, capacity) in resources.items()}
            for node, resources in report.peaks.items()
        }
    }


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


NAMED = 6
"""How many functions a row names before it only counts."""


def _some(functions: list[str]) -> str:
    more = len(functions) - NAMED
    return ", ".join(functions[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _held(held: Mapping[str, Mapping[str, Amount]]) -> Text:
    if not held:
        return Text("Nothing is held: every reservation was given back.", style="green")
    nodes = [f"{node}: " + ", ".join(f"{name} {left}" for name, left in each.items()) for node, each in held.items()]
    return Text(f"Still held: {'; '.join(nodes)}", style="bold red")
