"""How long the server is held by one call of a script, by its own statistics, at ten and at a thousand nodes."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable

from benchmarks.figures import Figure
from benchmarks.functions import nothing
from handoff import Cluster
from handoff.ledger.result_entry import encode_value
from handoff.local.server import RedisServer
from handoff.serializer import Serializer
from handoff.words.capabilities import Capabilities, parse_capabilities
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.started import Started
from handoff_worker.machine.holder import this_process

NODES = (10, 1_000)
COST = {"cpu": 1, "memory": 500}
BATCH = 8
LEASE_MS = 3_600_000
"""Longer than any run: what a heartbeat costs is not asked here."""

_NONE = encode_value(Serializer.dumps(None))


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure every case at every number of nodes, `size` functions each."""
    times: dict[str, list[float]] = defaultdict(list)
    for repeat in range(repeats):
        for nodes in NODES:
            for what, case in _CASES.items():
                with RedisServer() as server, Cluster(server.url) as cluster:
                    # Too small for the function, so that what the search has to pass over is the same everywhere.
                    for number in range(nodes - 1):
                        cluster.register_node(f"small{number}", {"cpu": 0.5, "memory": 400})
                    times[f"{what}, {nodes:,} nodes"].append(case(cluster, size))
            tell(f"script {repeat + 1}/{repeats}: {nodes:,} nodes")
    return [Figure("script", what, values, "us", size) for what, values in times.items()]


def _submit_placed(cluster: Cluster, size: int) -> float:
    cluster.register_node("large", {"cpu": size + 1, "memory": 500 * (size + 1)})
    return _script_us(cluster, size, lambda: _submit(cluster, size))


def _submit_joining(cluster: Cluster, size: int) -> float:
    cluster.register_node("large", {"cpu": 1, "memory": 500})
    _submit(cluster, 2)
    return _script_us(cluster, size, lambda: _submit(cluster, size))


def _finish(batch: int) -> Callable[[Cluster, int], float]:
    """Deliver `batch` results a call, which starts as many of those that wait."""

    def case(cluster: Cluster, size: int) -> float:
        ledger = NodeLedger(cluster.store, "large", this_process(), uuid.uuid4().hex)
        ledger.register(_room_for(batch), LEASE_MS)
        _submit(cluster, size + batch)
        running: list[Started] = ledger.exchange(1, batch, []).started

        def deliver() -> None:
            nonlocal running
            for op in range(2, 2 + size // batch):
                results = [Result(started.id, "finished", _NONE) for started in running]
                running = ledger.exchange(op, batch, results).started

        return _script_us(cluster, size // batch * batch, deliver)

    return case


def _room_for(functions: int) -> Capabilities:
    return parse_capabilities({"cpu": functions, "memory": 500 * functions, "slots": functions})


def _submit(cluster: Cluster, count: int) -> None:
    for _ in range(count):
        cluster.enqueue(nothing, cost=COST)


def _script_us(cluster: Cluster, count: int, act: Callable[[], None]) -> float:
    """Microseconds of script time that `act` takes, for each of `count`."""
    cluster.connection.config_resetstat()
    act()
    statistics = cluster.connection.info("commandstats")
    calls = [name for name in statistics if name.startswith(("cmdstat_eval", "cmdstat_fcall"))]
    spent: float = sum(statistics[name]["usec"] for name in calls)
    return spent / count


_CASES: dict[str, Callable[[Cluster, int], float]] = {
    "submit, placed": _submit_placed,
    "submit, joins what waits": _submit_joining,
    "finish one and start one": _finish(1),
    f"each of {BATCH} in one finish": _finish(BATCH),
}
