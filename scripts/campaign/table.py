"""One table of all that came of it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from campaign.verdict import SORTS, Verdict


def show(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Print a column for each campaign."""
    table = Table("", *(f"seed {verdict.seed}" for verdict in verdicts), title="chaos")
    for kind in sorted({kind for verdict in verdicts for kind in verdict.faults}):
        table.add_row(kind, *(str(verdict.faults[kind]) for verdict in verdicts))
    table.add_section()
    table.add_row("faults", *(str(verdict.faults.total()) for verdict in verdicts))
    table.add_row("looks at the books meanwhile", *(str(verdict.checks) for verdict in verdicts))
    table.add_row("rounds of the doctor", *(str(verdict.rounds) for verdict in verdicts))
    for state in sorted({state for verdict in verdicts for state in verdict.submitted}):
        table.add_row(state, *(str(verdict.submitted[state]) for verdict in verdicts))
    table.add_row("functions and graphs", *(str(verdict.submitted.total()) for verdict in verdicts))
    table.add_section()
    for sort in SORTS:
        table.add_row(sort, *(str(verdict.count(sort)) for verdict in verdicts))
    table.add_section()
    table.add_row("slowest recovery, leases", *(f"{verdict.slowest_recovery:.2f}" for verdict in verdicts))
    table.add_row("nodes lost without a fault", *(str(verdict.losses_without_fault) for verdict in verdicts))
    table.add_row("nodes lost to Redis alone", *(str(verdict.losses_with_redis) for verdict in verdicts))
    for when in ("before", "during", "after"):
        table.add_row(f"functions ended a second {when}", *(f"{v.rates.get(when, 0):.1f}" for v in verdicts))
    console.print(table)
    for verdict in verdicts:
        found = [("slowest", verdict.slowest)] if verdict.slowest else []
        for sort, what in found + verdict.wrong:
            console.print(f"seed {verdict.seed}, {sort}: {what}", markup=False, highlight=False, soft_wrap=True)
