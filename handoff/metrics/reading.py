"""Everything that is served, read once: at most once a second, however many ask."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handoff.ledger.store import Store
from handoff.metrics.counted import Counted, Counting
from handoff.metrics.examined import Examined, Examining
from handoff.metrics.families import NOT_READ
from handoff.view.causes import cause_of
from handoff.view.looks import Looks
from handoff.view.overview import Overview, Stand, Waiting, read_overview, read_stands
from handoff.view.reasons import read_reasons
from handoff.view.server import Server, read_server

MOST_EXPLAINED = 50
"""Shapes of which the reason is read: one script of some tenths of a millisecond each."""


@dataclass(frozen=True, slots=True)
class Now:
    """A namespace as it stands."""

    stands: Sequence[Stand]
    overview: Overview
    reasons: Mapping[str, int]  #: functions that wait, by what keeps the first of their shape
    server: Server
    took_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told at one scrape."""

    now: Now | None  #: None = Redis is away
    counted: Counted | None  #: None = nothing was ever read
    examined: Examined | None


class Reading:
    """Reads one namespace for all who ask. Thread-safe."""

    def __init__(self, store: Store, counting: Counting, examining: Examining) -> None:
        self._store = store
        self._counting = counting
        self._examining = examining
        self._looks = Looks()

    def now(self) -> Now:
        """How it stands, or stood less than a second ago. Raises `StoreUnavailable`."""
        return self._looks.get("now", self._read)

    def figures(self, now: Now | None) -> Figures:
        """All of it, beside what stands `now`."""
        return Figures(now, self._counting.counted(), self._examining.last)

    def _read(self) -> Now:
        begun_s = time.monotonic()
        self._counting.read()
        stands = read_stands(self._store)
        overview = read_overview(self._store, stands)
        reasons = self._count_reasons(overview)
        return Now(stands, overview, reasons, read_server(self._store), time.monotonic() - begun_s)

    def _count_reasons(self, overview: Overview) -> Counter[str]:
        """Who would have any of several costs waits with each, and is counted with the first."""
        counted = [shape for shape in overview.shapes if not shape.second_choice]
        feasible = [shape for shape in counted if not shape.infeasible][:MOST_EXPLAINED]
        found = read_reasons(self._store, feasible)
        causes = {shape: cause_of(reason.why) for shape, reason in found.items()}
        reasons: Counter[str] = Counter()
        for shape in counted:
            reasons[_reason(shape, causes)] += shape.count
        return reasons


def _reason(shape: Waiting, causes: Mapping[str, str]) -> str:
    return "infeasible" if shape.infeasible else causes.get(shape.shape, NOT_READ)
