"""What one call costs a server: the commands inside it, which are exact, and its CPU beside the floor program's."""

from __future__ import annotations

from collections import defaultdict
from statistics import mean
from typing import Any

from benchmarks.check.operations import BATCH, OPERATIONS, WARM_UP, Call, Operation
from benchmarks.peers import floor
from benchmarks.peers.server import cpu_s, private_server
from handoff import Cluster

COUNTED = 24
"""Calls whose commands are counted: where they differ (a placement changes as many bits as it happens to) their mean is
taken, which is the same each time."""

CLOCK_READ = 1
"""What a call asks where time goes on. It stands still here: what is due every so often is no call's own."""

AT = 1_800_000_000_000
"""Ms: some moment."""

OUTSIDE = frozenset({"config", "config|resetstat", "eval", "evalsha", "fcall", "info"})
"""What calls, and what counts."""

Costs = dict[str, list[float]]
"""Operation -> what one call of it costs, in each round."""


def commands() -> Costs:
    """Commands that the server does within one call, of each operation."""
    counts: Costs = {}
    for operation in OPERATIONS:
        with private_server(everysec=False) as (url, client), Cluster(url) as cluster:
            cluster.store.now_ms = AT
            call = operation.scene(cluster, WARM_UP + COUNTED)
            for _ in range(WARM_UP):
                call()
            each = mean(_counted(client, call) for _ in range(COUNTED))
            counts[operation.name] = [round(float(each + CLOCK_READ), 1)]
    return counts


def cpu(calls: int, rounds: int) -> Costs:
    """Server CPU of a function in each operation, in that of the floor program's like in the same round."""
    ratios: Costs = defaultdict(list)
    for _ in range(rounds):
        floors = _floors(calls)
        for operation in OPERATIONS:
            spent = server_us(operation, max(1, calls // operation.functions))
            ratios[operation.name].append(spent / floors[operation.floor, operation.functions])
    return ratios


def _counted(client: Any, call: Call) -> int:
    client.config_resetstat()
    call()
    statistics = client.info("commandstats")
    names = {name: name.removeprefix("cmdstat_") for name in statistics}
    return sum(statistics[name]["calls"] for name in names if names[name] not in OUTSIDE)


def server_us(operation: Operation, calls: int) -> float:
    """CPU of the server, in us, for each function of so many calls."""
    with private_server(everysec=False) as (url, client), Cluster(url) as cluster:
        call = operation.scene(cluster, WARM_UP + calls)
        for _ in range(WARM_UP):
            call()
        before_s = cpu_s(client)
        for _ in range(calls):
            call()
        return (cpu_s(client) - before_s) / calls / operation.functions * 1e6


def _floors(count: int) -> dict[tuple[str, int], float]:
    """Half of the floor program and how many at once -> us of each function."""
    floors: dict[tuple[str, int], float] = {}
    count = max(BATCH, count - count % BATCH)
    for batch in (1, BATCH):
        with private_server(everysec=False) as (_, client):
            floors["submit", batch] = floor.submit_us(client, count, batch)
            floors["finish", batch] = floor.finish_us(client, count, batch)
    return floors
