"""The tables: nodes, what waits, what takes long, what failed. Pure: from what was seen to rows, for a width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.text import Text

from handoff.ledger.phrases import in_words
from handoff.top.bars import use_cell
from handoff.top.sight import Look
from handoff.top.subjects import OfFailures, OfFunction, OfNode, OfShape
from handoff.top.table import GAP, Column, Row, Table, plain
from handoff.view.history import Span
from handoff.view.overview import Stand, Waiting
from handoff.view.reasons import Reason
from handoff.view.row import FunctionRow
from handoff.view.wording import number, seconds, short_id, short_name
from handoff.why.node_state import why_closed
from handoff.why.use import Use, use_of
from handoff.words.resources import SLOTS
from handoff.words.times import span

BAR = 6
"""Characters of a bar in a table."""

STATE_STYLES = {
    "up": "green", "quiet": "yellow", "over": "yellow", "draining": "yellow", "cordoned": "bold red",
    "lost": "bold red", "started": "green", "finished": "green", "failed": "bold red", "died": "bold red",
    "canceled": "yellow", "stopped": "yellow", "infeasible": "bold red", "waiting": "yellow", "queued": "cyan",
}  # fmt: skip

FIRST = ("cpu", "memory", "gpu", "gpu_memory")
"""Resources that are shown before any other."""


def state_cell(state: str) -> Text:
    """A state as a word, in its colour."""
    return plain(state, STATE_STYLES.get(state, ""))


def nodes_table(look: Look, width: int) -> Table:
    """Nodes with a bar for each resource, as many as fit."""
    uses = {stand.node.name: use_of(stand.node) for stand in look.stands}
    name_width = min(24, max((len(name) for name in uses), default=4))
    left = width - name_width - GAP - 8 - GAP - 4 - GAP - 6
    names, columns = resources_of(uses.values()), list[str]()
    cells = {name: [use_cell(use[name], BAR) if name in use else Text() for use in uses.values()] for name in names}
    for name in names:
        wide = max(len(name), *(cell.cell_len for cell in cells[name])) + GAP
        if wide > left:
            break
        columns.append(name)
        left -= wide
    others = len(names) - len(columns)
    headings = [Column("node", 6), Column("state"), Column("runs", right=True), Column("queued", right=True)]
    headings += [Column(name) for name in columns]
    if others and left >= GAP + 7:
        headings.append(Column(f"+{others} more"))
    rows = [
        Row(
            stand.node.name,
            [
                plain(stand.node.name, "bold"),
                state_cell(stand.node.state),
                Text(number(stand.started)),
                Text(number(stand.queued)),
                *(cells[name][place] for name in columns),
                *[Text()] * (len(headings) - 4 - len(columns)),
            ],
            OfNode(stand.node.name),
            said_of_node(stand),
        )
        for place, stand in enumerate(look.stands)
    ]
    return Table(headings, rows, "No node is registered: start one with `handoff node`.")


def resources_of(uses: Iterable[dict[str, Use]]) -> list[str]:
    """All that nodes have: what is known to everybody first, then what most have, slots at the end."""
    counts = Counter(name for use in uses for name in use)
    return sorted(
        counts,
        key=lambda name: (
            FIRST.index(name) if name in FIRST else len(FIRST) + (name == SLOTS),
            -counts[name],
            name,
        ),
    )


def said_of_node(stand: Stand) -> str:
    """In a sentence what its state is due to, and what it has."""
    node = stand.node
    uses = ", ".join(f"{name} {use.used}/{use.capacity}" for name, use in use_of(node).items()) or "nothing"
    labels = "".join(f", {name}={value}" for name, value in node.labels.items())
    return f"{node.name}: {note_of(stand)}; {uses}{labels}"


def note_of(stand: Stand) -> str:
    """Its state, and why it is in it."""
    node = stand.node
    why = why_closed(node)
    said = why if why.startswith(node.state) else ", ".join(filter(None, (node.state, why)))
    return said + (f", held for {short_id(node.hold.job_id)}" if node.hold else "")


WIDE = 110
"""From so many columns on there is a column for what would let the first of a shape start."""

WAITING_COLUMNS = (
    Column("waiting"),
    Column("count", right=True),
    Column("for", right=True),
    Column("waits for", 14),
    Column("why", 10),
)

NOTHING_WAITS = "Nothing waits for room."


def waiting_table(look: Look, width: int) -> Table:
    """What waits, by shape: what could never start first."""
    rows = [_waiting_row(shape, look.reasons.get(shape.shape)) for shape in look.overview.shapes]
    if width < WIDE:
        return Table(WAITING_COLUMNS, [replace(row, cells=row.cells[:-1]) for row in rows], NOTHING_WAITS)
    return Table((*WAITING_COLUMNS, Column("would help", 10)), rows, NOTHING_WAITS)


def _waiting_row(shape: Waiting, reason: Reason | None) -> Row:
    why, change = reason.beside(shape) if reason else ("", "")
    return Row(
        shape.shape,
        [
            state_cell("infeasible" if shape.infeasible else "waiting"),
            Text(number(shape.count)),
            Text("" if shape.waited_s is None else span(shape.waited_s)),
            plain(str(shape), "bold"),
            plain(why),
            plain(change),
        ],
        OfShape(shape),
        said_of_first(shape, reason) or f"{shape}: open it to read why it waits",
    )


def said_of_first(shape: Waiting, reason: Reason | None) -> str:
    """Why the first of a shape waits, and what would let it start."""
    return f"{reason.why.function_id}, the first of these, {reason.why.text}" if reason else ""


FUNCTION_COLUMNS = (
    Column("function"),
    Column("for", right=True),
    Column("node", 6),
    Column("calls", 12),
    Column("id", 9),
    Column("asks for", 6),
)


def functions_table(rows: Sequence[FunctionRow], at_ms: int, empty: str) -> Table:
    """Functions, in the order in which they come."""
    return Table(FUNCTION_COLUMNS, [_function_row(row, at_ms) for row in rows], empty)


def running_table(look: Look, width: int) -> Table:
    """What runs longest now."""
    return functions_table(look.running, look.at_ms, "Nothing runs.")


def _function_row(row: FunctionRow, at_ms: int) -> Row:
    age_s = max(0.0, at_ms / 1000 - row.at.timestamp()) if row.at else None
    told = f"{row.error}: {row.message}" if row.error else row.description
    return Row(
        row.id,
        [
            state_cell(row.standing),
            Text("" if age_s is None else span(age_s)),
            plain(row.node or ""),
            plain(short_name(row.name), "bold"),
            plain(short_id(row.function_id)),
            plain(in_words(row.cost)),
        ],
        OfFunction(row.id),
        f"{row.id}{_in_run(row)}: {told}",
    )


def _in_run(row: FunctionRow) -> str:
    return f", {row.function_id} of the run {row.run}" if row.run else ""


def lately_table(look: Look, width: int) -> Table:
    """What took longest lately."""
    columns = (
        Column("ended"),
        Column("took", right=True),
        Column("ago", right=True),
        Column("node", 6),
        Column("calls", 12),
        Column("id", 9),
    )
    return Table(columns, [_span_row(each, look.at_ms) for each in look.lately], "Nothing has ended in 5 minutes.")


def _span_row(each: Span, at_ms: int) -> Row:
    end_ms = each.end_ms or at_ms
    return Row(
        each.id,
        [
            state_cell(each.outcome),
            Text(seconds((end_ms - each.start_ms) / 1000)),
            Text(span(max(0, at_ms - end_ms) / 1000)),
            plain(each.node),
            plain(short_name(each.name), "bold"),
            plain(short_id(each.function_id)),
        ],
        OfFunction(each.job_id),
        f"{each.job_id}: attempt {each.attempt} of {each.name} {each.outcome} on {each.node}",
    )


def failures_table(look: Look, width: int) -> Table:
    """What has failed, in groups, the newest first."""
    columns = (
        Column("failed", right=True),
        Column("ago", right=True),
        Column("error", 10),
        Column("calls", 12),
        Column("nodes", 6),
        Column("message", 8),
    )
    rows = [
        Row(
            f"{group.error} {group.name}",
            [
                Text(number(group.count)),
                Text(span(max(0.0, look.at_ms / 1000 - group.newest_at.timestamp())) if group.newest_at else ""),
                plain(group.error.rpartition(".")[2], "bold red"),
                plain(short_name(group.name), "bold"),
                plain(", ".join(group.nodes)),
                plain(group.messages[0] if group.messages else ""),
            ],
            OfFailures(group),
            f"{group.error} in {group.name}: {'; '.join(group.messages) or 'without a message'}",
        )
        for group in look.failures.groups
    ]
    return Table(columns, rows, "Nothing has failed.")
