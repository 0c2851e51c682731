"""The samples of each family, made of what was read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate
from typing import NamedTuple

from handoff.ledger.nodes import Node
from handoff.metrics import families
from handoff.metrics.counted import Counted
from handoff.metrics.examined import Examined
from handoff.metrics.families import Family
from handoff.metrics.reading import Figures, Now
from handoff.view.history import BOUNDS_S, Spread
from handoff.view.overview import Overview, Stand
from handoff.view.server import Server
from handoff.why.use import use_of
from handoff.words.resources import Amount

MOST_NODES = 1_000
"""Nodes that are told of one by one: the first that were registered."""


class Sample(NamedTuple):
    """One figure, with the values of its family's labels."""

    labels: tuple[str, ...]
    value: float
    part: str = ""  #: what follows the name, of a histogram or a summary


Samples = Iterator[tuple[Family, Sequence[Sample]]]


def samples_of(namespace: str, figures: Figures) -> Samples:
    """All that is served."""
    yield families.UP, [Sample((), figures.now is not None)]
    yield families.INFO, [Sample((namespace, version("handoff-rq")), 1)]
    if figures.now is not None:
        yield families.READ_SECONDS, [Sample((), figures.now.took_s)]
        yield from _of_functions(figures.now)
        yield from _of_nodes(figures.now.overview, figures.now.stands)
        yield from _of_server(figures.now.server)
    if figures.counted is not None:
        yield from _of_counted(figures.counted)
    if figures.examined is not None:
        yield from _of_examined(figures.examined)


def _one(family: Family, value: float | None) -> Samples:
    if value is not None:
        yield family, [Sample((), value)]


def _each(family: Family, values: Mapping[str, float | Amount]) -> Samples:
    """By the one label there is: 0 for what it may be and is not, so that nothing comes and goes."""
    (label,) = family.labels
    names = dict.fromkeys([*family.values.get(label, ()), *values])
    yield family, [Sample((name,), float(values.get(name, 0))) for name in names]


def _of_functions(now: Now) -> Samples:
    overview = now.overview
    yield from _each(families.FUNCTIONS, {state: getattr(overview, state) for state in families.STATES})
    yield from _each(families.WAITING, now.reasons)
    firsts = [shape for shape in overview.shapes if not shape.second_choice]
    yield from _each(
        families.WAITING_AMOUNT,
        _summed((name, shape.count * of) for shape in firsts for name, of in shape.cost.items()),
    )
    yield from _one(families.WAITING_SHAPES, len(overview.shapes))
    yield from _one(families.OLDEST_WAIT, overview.oldest.waited_s if overview.oldest else 0)


def _summed(pairs: Iterable[tuple[str, float | Amount]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in pairs:
        found[name] = found.get(name, 0.0) + float(value)
    return found


def _of_nodes(overview: Overview, stands: Sequence[Stand]) -> Samples:
    yield from _each(families.NODES, {str(state): count for state, count in overview.nodes.items()})
    yield from _one(families.HELD_NODES, sum(stand.node.hold is not None for stand in stands))
    uses = {stand.node.name: use_of(stand.node) for stand in stands if stand.node.live}
    flat = [(name, use) for node in uses.values() for name, use in node.items()]
    yield from _each(families.CAPACITY, _summed((name, use.capacity) for name, use in flat))
    yield from _each(families.USED, _summed((name, use.used) for name, use in flat))
    yield from _each(families.SHARED_CAPACITY, {name: use.capacity for name, use in overview.shared.items()})
    yield from _each(families.SHARED_USED, {name: use.used for name, use in overview.shared.items()})

    shown = stands[:MOST_NODES]
    each = [(stand.node.name, name, use) for stand in shown for name, use in uses.get(stand.node.name, {}).items()]
    yield families.NODE_UP, [Sample((stand.node.name,), _is_up(stand.node)) for stand in shown]
    yield families.NODE_CAPACITY, [Sample((node, name), float(use.capacity)) for node, name, use in each]
    yield families.NODE_USED, [Sample((node, name), float(use.used)) for node, name, use in each]
    counts = [(stand.node.name, state, getattr(stand, state)) for stand in shown for state in ("queued", "started")]
    yield families.NODE_FUNCTIONS, [Sample((node, state), count) for node, state, count in counts]


def _is_up(node: Node) -> bool:
    return node.state == "up"


def _of_server(server: Server) -> Samples:
    yield from _one(families.MEMORY, server.memory_bytes)
    yield from _one(families.MOST_MEMORY, server.most_memory_bytes)
    yield from _one(families.EVICTED, server.evicted)
    yield from _one(families.CLIENTS, server.clients)
    yield from _one(families.SAVES, server.saves)
    if (scripts := server.scripts) is not None:
        quantiles = [Sample((str(part),), seconds) for part, seconds in sorted(scripts.quantiles.items())]
        totals = [Sample((), scripts.seconds, "_sum"), Sample((), scripts.calls, "_count")]
        yield families.SCRIPTS, [*quantiles, *totals]


def _of_counted(counted: Counted) -> Samples:
    totals = counted.totals
    yield from _one(families.DECISIONS, totals.placed)
    yield from _one(families.STARTS, totals.started)
    yield from _one(families.RETRIES, totals.retried)
    yield from _each(families.ENDED, {**totals.ended})
    yield families.FUNCTION_ENDED, [Sample(key, count) for key, count in sorted(counted.by_name.items())]
    yield from _one(families.LOST_NODES, totals.lost_nodes)
    yield from _one(families.HOLDS, totals.held)
    yield from _one(families.GAPS, totals.missed)
    yield families.WAIT, _buckets(totals.waits)
    yield families.RUN, _buckets(totals.durations)


def _buckets(spread: Spread) -> list[Sample]:
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    upto = list(accumulate(spread.counts))
    buckets = [Sample((bound,), count, "_bucket") for bound, count in zip(bounds, upto, strict=True)]
    return [*buckets, Sample((), spread.total_s, "_sum"), Sample((), upto[-1], "_count")]


def _of_examined(examined: Examined) -> Samples:
    yield from _each(families.FINDINGS, {**examined.findings})
    yield from _one(families.EXAMINED, examined.at_s)
    yield from _one(families.EXAMINING, examined.took_s)
