"""What Redis must have for so many functions and nodes: memory, bytes of the append-only file, and time of one core.

A server of its own for each case, set as workers/README.md says. Functions have one small argument and return nothing.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from benchmarks.figures import Figure
from benchmarks.functions import nothing
from benchmarks.script_time import BATCH, COST, LEASE_MS
from handoff import Cluster, Function
from handoff.ledger.result_entry import encode_value
from handoff.local.server import RedisServer
from handoff.serializer import Serializer
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.machine.holder import this_process

PART = "sizing"

NODES = 1_000
LOOKS_PER_S = 2
"""How often an idle agent asks for work."""

DEFAULT_STREAM_NODE = 4096
"""What Redis has where nobody sets stream-node-max-bytes."""

_NONE = encode_value(Serializer.dumps(None))


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure every case with `size` functions."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for repeat in range(repeats):
        for case in (_waiting, _ran, _ran_many_at_once, _ran_with_the_default, _idle_nodes):
            for key, value in case(size).items():
                found[key].append(value)
        tell(f"{PART} {repeat + 1}/{repeats}")
    return [Figure(PART, what, values, unit, size) for (what, unit), values in found.items()]


def _waiting(size: int) -> dict[tuple[str, str], float]:
    with RedisServer() as server, Cluster(server.url) as cluster:
        cluster.register_node("small", {"cpu": 0.5})
        _submit(cluster, 1)
        cluster.connection.xtrim(cluster.store.keys("events"), maxlen=0)
        before = _memory(cluster)
        _submit(cluster, size)
        events = cluster.connection.memory_usage(cluster.store.keys("events"), samples=0) or 0
        return {("a function that waits", "bytes"): (_memory(cluster) - before - events) / size}


def _ran(size: int) -> dict[tuple[str, str], float]:
    with RedisServer(appendonly=True) as server, Cluster(server.url) as cluster:
        client: Any = cluster.connection
        written, spent_s = _written(client), _cpu_s(client)
        kept = _run(cluster, size)
        events = cluster.store.keys("events")
        return {
            ("a function that has finished", "bytes"): kept,
            ("an event", "bytes"): client.memory_usage(events, samples=0) / client.xlen(events),
            ("append-only file of a function", "bytes"): (_written(client) - written) / size,
            ("server, of a function", "us"): (_cpu_s(client) - spent_s) / size * 1e6,
            ("functions of one core of the server", "/s"): size / (_cpu_s(client) - spent_s),
        }


def _ran_many_at_once(size: int) -> dict[tuple[str, str], float]:
    with RedisServer(appendonly=True) as server, Cluster(server.url) as cluster:
        spent_s = _cpu_s(cluster.connection)
        _run(cluster, size, _submit_many)
        us = (_cpu_s(cluster.connection) - spent_s) / size * 1e6
        return {("server, of a function that is submitted with others", "us"): us}


def _ran_with_the_default(size: int) -> dict[tuple[str, str], float]:
    with RedisServer() as server, Cluster(server.url) as cluster:
        cluster.connection.config_set("stream-node-max-bytes", DEFAULT_STREAM_NODE)
        what = f"a function that has finished, stream-node-max-bytes {DEFAULT_STREAM_NODE}"
        return {(what, "bytes"): _run(cluster, size)}


def _idle_nodes(size: int) -> dict[tuple[str, str], float]:
    """As many looks as functions of the other cases, and a heartbeat of each node."""
    with RedisServer() as server, Cluster(server.url) as cluster:
        client: Any = cluster.connection
        before = _memory(cluster)
        ledgers = [NodeLedger(cluster.store, f"n{n}", this_process(), uuid.uuid4().hex) for n in range(NODES)]
        for ledger in ledgers:
            ledger.register(parse_capabilities({"cpu": 8, "memory": 64_000, "slots": 8}), LEASE_MS)
        memory = (_memory(cluster) - before) / NODES
        spent_s = _cpu_s(client)
        for number in range(size):
            ledgers[number % NODES].exchange(1 + number // NODES, 8, [])
        return {
            ("a node", "bytes"): memory,
            (f"{NODES:,} idle nodes, of one core", "%"): (_cpu_s(client) - spent_s) / size * NODES * LOOKS_PER_S * 100,
        }


def _submit(cluster: Cluster, count: int) -> None:
    for _ in range(count):
        cluster.submit(Function("f", nothing, cost=COST))


def _submit_many(cluster: Cluster, count: int) -> None:
    cluster.submit_many([Function(f"f{number}", nothing, cost=COST) for number in range(count)])


def _run(cluster: Cluster, size: int, submit: Callable[[Cluster, int], None] = _submit) -> float:
    """Submit and finish functions. -> bytes that each leaves while its result is kept"""
    ledger = NodeLedger(cluster.store, "large", this_process(), uuid.uuid4().hex)
    ledger.register(parse_capabilities({name: amount * BATCH for name, amount in COST.items()}), LEASE_MS)
    before = _memory(cluster)
    submit(cluster, size)
    op, results = 0, list[Result]()
    while True:
        op += 1
        started = ledger.exchange(op, BATCH, results).started
        if not started:
            break
        results = [Result(each.id, "finished", _NONE) for each in started]
    events = cluster.connection.memory_usage(cluster.store.keys("events"), samples=0) or 0
    return (_memory(cluster) - before - events) / size


def _memory(cluster: Cluster) -> int:
    client: Any = cluster.connection
    return int(client.info("memory")["used_memory"])


def _written(client: Any) -> int:
    return int(client.info("persistence")["aof_current_size"])


def _cpu_s(client: Any) -> float:
    spent = client.info("cpu")
    return float(spent["used_cpu_user_main_thread"] + spent["used_cpu_sys_main_thread"])
