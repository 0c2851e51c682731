"""What is seen of a namespace at one look. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from handoff.client.cluster import Cluster
from handoff.ledger.store import Store
from handoff.view.failures import Failures, read_failures
from handoff.view.fullness import fullness, urgency
from handoff.view.history import History, Rates, Second, Span
from handoff.view.overview import Overview, Stand, read_overview, read_stands
from handoff.view.reasons import Reason, read_reasons
from handoff.view.row import FunctionRow
from handoff.view.slowest import read_slowest, slowest_of

T = TypeVar("T")

MOST_REASONS = 30
"""Shapes of which the sentence is read at each look: one script each. Of any other it is read when it is opened."""

MOST_SLOW = 50

MOST_FAILED = 500
"""Of what has failed the newest are grouped."""

RATES_S = 60
"""Of so many seconds rates are told."""

SERIES_S = 300

LATELY_S = 300
"""What has ended in so many seconds is told of where it took long."""


@dataclass(frozen=True, slots=True)
class Look:
    """A namespace, as it was seen a moment ago. Not of one moment."""

    at_ms: int  #: by the clock of Redis
    stands: list[Stand]  #: nodes, those that need a look first
    overview: Overview
    reasons: Mapping[str, Reason]  #: by shape, of the first shapes
    rates: Rates
    series: list[Second]
    running: list[FunctionRow]  #: what runs longest
    lately: list[Span]  #: what took longest lately
    failures: Failures


class Sight:
    """Looks at a namespace again and again."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.history = History(cluster.store)

    @property
    def store(self) -> Store:
        """What is read."""
        return self.cluster.store

    def look(self) -> Look:
        """Read all of it once. Bounded by nodes and shapes, however much waits. Raises `StoreUnavailable`."""
        self.history.read()
        stands = sorted(read_stands(self.store), key=_urgency)
        overview = read_overview(self.store, stands)
        now_ms = self.history.window.now_ms
        since_ms = now_ms - LATELY_S * 1000
        return Look(
            at_ms=now_ms,
            stands=stands,
            overview=overview,
            reasons=read_reasons(self.store, overview.shapes[:MOST_REASONS]),
            rates=self.history.rates(RATES_S),
            series=self.history.series(SERIES_S),
            running=read_slowest(self.store, [stand.node.name for stand in stands], MOST_SLOW),
            lately=slowest_of(self.history.spans(since_ms), since_ms, MOST_SLOW),
            failures=read_failures(self.store, most=MOST_FAILED),
        )


def _urgency(stand: Stand) -> tuple[bool, float]:
    return urgency(stand.node.state, fullness(stand.node))


Reads = Callable[[Sight], T]
"""What one page reads beside that."""
