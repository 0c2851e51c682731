"""One node: bars of all that it has, device by device, and who holds what of it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from handoff.ledger.phrases import in_words
from handoff.ledger.texts.holder import host_and_pid
from handoff.top.bars import bar
from handoff.top.lists import note_of, state_cell
from handoff.top.pages.page import Page
from handoff.top.rows import Rows
from handoff.top.sight import Look, Reads
from handoff.top.subjects import OfFunction, OfNode
from handoff.top.table import Column, Row, Table, plain
from handoff.view.fullness import part_of
from handoff.view.held import Holder, read_held
from handoff.view.overview import Stand
from handoff.view.wording import compact, number, short_id, short_name
from handoff.why.node_state import lease_in_words
from handoff.why.use import Use, use_of
from handoff.words.resources import Amount
from handoff.words.times import span

BAR = 20

COLUMNS = (
    Column("holds it"),
    Column("for", right=True),
    Column("calls", 12),
    Column("id", 9),
    Column("has", 6),
    Column("devices", 6),
)


class NodePage(Page[list[Holder]]):
    """One node."""

    def __init__(self, where: str, interval_s: float, of: OfNode) -> None:
        super().__init__(where, interval_s)
        self._of = of
        self._holders: list[Holder] = []

    @property
    def about(self) -> OfNode:
        """The node."""
        return self._of

    @property
    def reads(self) -> Reads[list[Holder]]:
        """Who holds what of it."""
        return lambda sight: read_held(sight.store, [self._of.name])[self._of.name]

    @property
    def heading(self) -> Text:
        """Its name and state."""
        stand = self._stand(self._look)
        state = state_cell(note_of(stand)) if stand else Text("is not there any more", "bold red")
        return Text.assemble(" node ", plain(self._of.name, "bold"), "  ", state)

    def body(self) -> ComposeResult:
        """Bars and holders."""
        with VerticalScroll(id="bars"):
            yield Static(id="uses")
        yield Rows(id="holders")

    def on_mount(self) -> None:
        """Keys move in the list."""
        self.query_one(Rows).focus()

    def show(self, look: Look, found: list[Holder] | None) -> None:
        """Draw it."""
        if found is not None:
            self._holders = found
        stand = self._stand(look)
        self.retitle()
        if stand is not None:
            self.query_one("#uses", Static).update(drawn(stand, self._holders, look.at_ms))
        if found is not None:
            table = holders_table(self._holders, look.at_ms)
            self.query_one(Rows).fill(lambda width: table)

    def _stand(self, look: Look | None) -> Stand | None:
        stands = look.stands if look else ()
        return next((stand for stand in stands if stand.node.name == self._of.name), None)


def drawn(stand: Stand, holders: Sequence[Holder], at_ms: int) -> Text:
    """Its facts, and a line for each resource and each device."""
    lines = [_facts(stand, at_ms)]
    uses = use_of(stand.node)
    wide = max((len(name) for name in uses), default=0) + 4
    for name, use in uses.items():
        lines.append(_bar_line(name, part_of(use), f"{compact(use.used)}/{compact(use.capacity)}", wide, "bold"))
        for index, used in (use.devices or {}).items():
            lines.append(_device_line(name, index, used, use, holders, wide))
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def _facts(stand: Stand, at_ms: int) -> Text:
    node = stand.node
    facts = [f"runs {number(stand.started)}", f"queued {number(stand.queued)}"]
    facts += [f"agent {host_and_pid(node.holder)}"] if node.holder else []
    facts += [lease_in_words(node, at_ms)]
    facts += [f"{name}={value}" for name, value in node.labels.items()]
    return plain(", ".join(facts), "dim")


def _bar_line(name: str, part: float, figures: str, wide: int, style: str) -> Text:
    # Names of resources have no blanks and nothing else that a terminal would act on.
    return Text.assemble((name.ljust(wide), style), bar(part, BAR), "  ", figures.ljust(9))


def _device_line(name: str, index: int, used: Amount, use: Use, holders: Sequence[Holder], wide: int) -> Text:
    whole = float(use.sizes[index]) if use.sizes else 1.0
    figures = f"{compact(used)}/{compact(use.sizes[index])}" if use.sizes else compact(used)
    line = _bar_line(f"  {index}", float(used) / whole if whole else 0.0, figures, wide, "")
    having = [said_of(holder) for holder in holders if index in holder.devices.get(name, {})]
    return line.append_text(plain("  " + ", ".join(having)))


def said_of(holder: Holder) -> str:
    """Who it is, in a word or two."""
    if holder.kind != "function":
        return holder.said
    return f"{short_name(holder.name)} {short_id(holder.function_id)}".strip()


def holders_table(holders: Sequence[Holder], at_ms: int) -> Table:
    """Who holds what of it, the longest first."""
    return Table(COLUMNS, [_row(holder, at_ms) for holder in holders], "Nobody holds anything of it.")


def _row(holder: Holder, at_ms: int) -> Row:
    state = holder.kind if holder.kind != "function" else "started" if holder.runs else "queued"
    devices = "  ".join(
        f"{name} {', '.join(_of_device(index, amount) for index, amount in held.items())}"
        for name, held in holder.devices.items()
    )
    return Row(
        holder.id,
        [
            state_cell(state),
            Text(span(max(0, at_ms - holder.since_ms) / 1000)),
            plain(short_name(holder.name) if holder.kind == "function" else holder.said, "bold"),
            plain(short_id(holder.function_id or holder.id)),
            plain(in_words(holder.amounts)),
            plain(devices),
        ],
        OfFunction(holder.id) if holder.kind == "function" else None,
        f"{said_of(holder)} holds {in_words(holder.amounts)}" + (f": {devices}" if devices else ""),
    )


def _of_device(index: int, amount: Amount) -> str:
    return str(index) if amount == 1 else f"{index} ({compact(amount)})"
