"""What `scripts/bench --check` does."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.check import costs
from benchmarks.check.limits import COMMANDS, CPU, Moved, compare, renew
from benchmarks.figures import Figure

CALLS = 2_000
"""Functions of one round of each operation."""

ROUNDS = 5


def check(tell: Callable[[str], None], *, with_cpu: bool, keep: bool) -> tuple[list[Figure], list[str]]:
    """Measure, and compare with the limits; `keep`: set them anew. -> figures, and what is beyond its limit"""
    found = {COMMANDS: costs.commands()}
    if with_cpu:
        tell("commands are counted; now the CPU of the server, which nothing else should disturb")
        found[CPU] = costs.cpu(CALLS, ROUNDS)
    moved = [each for kind, spent in found.items() for each in compare(kind, spent)]
    if keep:
        for kind, spent in found.items():
            renew(kind, spent)
        return [each.figure() for each in moved], []
    return [each.figure() for each in moved], [_told(each) for each in moved if not each.passes]


def _told(moved: Moved) -> str:
    return (
        f"{moved.operation} takes {moved.now:g} {moved.kind}, and {moved.limit:g} is the limit: "
        "make it cheaper, or set the limit anew with --renew and say why"
    )
