"""How much of a real GPU cluster stays unallocated under the ATC'23 protocol; beside it the published policies."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import Figure
from handoff import Cluster, Function, ResourcesUnavailable
from handoff.local.server import RedisServer
from support.atc23 import Decision, Protocol, Request, Unallocated, find_trace, how_to_get_it

SEEDS = range(42, 47)

PUBLISHED = "published at 130 %: Random 12.5, BestFit 6.9, FGD 4.6"
"""Weng et al., "Beware of Fragmentation", USENIX ATC'23, with the default list of requests."""


class NoTrace(Exception):
    """The trace is not here; the message says how to get it."""


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Run the whole protocol once for every seed; neither a size nor repeats can be chosen. Raises `NoTrace`."""
    trace = find_trace()
    if trace is None:
        raise NoTrace(how_to_get_it())
    outcomes = []
    rates = []
    for seed in SEEDS:
        outcome, seconds = _run(trace, seed)
        outcomes.append(outcome)
        rates.append(outcome.offered / seconds)
        tell(f"quality: seed {seed} leaves {outcome.at_130:.2%}")
    offered = round(sum(outcome.offered for outcome in outcomes) / len(outcomes))
    mean_100, mean_130 = (
        sum(values) / len(values) * 100
        for values in ([outcome.at_100 for outcome in outcomes], [outcome.at_130 for outcome in outcomes])
    )
    seeds = f"seeds {SEEDS[0]}-{SEEDS[-1]}"
    return [
        Figure("quality", "GPUs unallocated at 100 %", [o.at_100 * 100 for o in outcomes], "%", offered,
               f"mean {mean_100:.2f}, {seeds}"),
        Figure("quality", "GPUs unallocated at 130 %", [o.at_130 * 100 for o in outcomes], "%", offered,
               f"mean {mean_130:.2f}, {seeds}; {PUBLISHED}"),
        Figure("quality", "decisions", rates, "/s", offered, "one client, placed or refused, 1,213 nodes"),
    ]  # fmt: skip


def _run(trace: Path, seed: int) -> tuple[Unallocated, float]:
    protocol = Protocol(trace, seed)
    with RedisServer() as server, Cluster(server.url) as cluster:
        for node in protocol.nodes:
            cluster.register_node(node.name, node.capabilities())

        def decide(request: Request) -> Decision:
            try:
                claimed = cluster.tracker.allocate_and_claim([Function("f", "os:getpid", cost=request.cost())])
            except ResourcesUnavailable:
                return None
            return claimed["f"].node, claimed["f"].devices.get("gpu", [])

        started_s = time.perf_counter()
        outcome = protocol.run(decide)
        return outcome, time.perf_counter() - started_s
