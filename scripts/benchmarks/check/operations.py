"""The calls that functions are made of, each in the state in which a busy cluster makes it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.functions import nothing
from handoff import Cluster, Function
from handoff.ledger.result_entry import encode_value
from handoff.serializer import Serializer
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.started import Started
from handoff_worker.machine.holder import this_process

NODE = "node"
COST = {"cpu": 0.1, "memory": 10}
BATCH = 8
LEASE_MS = 3_600_000
"""Longer than any run: what a heartbeat costs is not asked here."""

WARM_UP = 4
"""Calls before any is counted: the first ones bring the library, connections, and what is remembered of texts."""

NO_RESULT = encode_value(Serializer.dumps(None))

Call = Callable[[], None]


class Unexpected(Exception):
    """A call did not do what its name says: what it costs says nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of call."""

    name: str
    scene: Callable[[Cluster, int], Call]  #: makes ready for so many calls, and the calls
    functions: int = 1  #: that one call is about
    floor: str = "finish"  #: which half of the floor program does the like, as many at once


def _submit_joining(cluster: Cluster, calls: int) -> Call:
    cluster.register_node(NODE, {"cpu": 0.1, "memory": 10})
    _submit(cluster, 2, "placed", "waiting")
    return lambda: _submit(cluster, 1, "waiting")


def _submit_placed(cluster: Cluster, calls: int) -> Call:
    cluster.register_node(NODE, {"cpu": calls, "memory": 10 * calls})
    return lambda: _submit(cluster, 1, "placed")


def _submit_together_joining(cluster: Cluster, calls: int) -> Call:
    cluster.register_node(NODE, {"cpu": 0.1, "memory": 10})
    _submit(cluster, 2, "placed", "waiting")
    return lambda: _submit_together(cluster, "waiting")


def _submit_together_placed(cluster: Cluster, calls: int) -> Call:
    cluster.register_node(NODE, {"cpu": BATCH * calls, "memory": 10 * BATCH * calls})
    return lambda: _submit_together(cluster, "placed")


def _finish(batch: int) -> Callable[[Cluster, int], Call]:
    """Deliver `batch` results, which start as many of those that wait."""

    def scene(cluster: Cluster, calls: int) -> Call:
        ledger = _agent(cluster, batch)
        # More than are started: whoever starts the last that waits closes its line as well.
        for _ in range(batch * (calls + WARM_UP)):
            cluster.enqueue(nothing, cost=COST)
        running: list[Started] = ledger.exchange(1, batch, []).started
        op = 1

        def call() -> None:
            nonlocal running, op
            op += 1
            answer = ledger.exchange(op, batch, [Result(each.id, "finished", NO_RESULT) for each in running])
            running = answer.started
            if len(running) != batch or set(answer.outcomes) != {"stored"}:
                raise Unexpected(f"{answer.outcomes} came of {batch} results, and {len(running)} were started")

        return call

    return scene


def _finish_nothing(cluster: Cluster, calls: int) -> Call:
    ledger = _agent(cluster, BATCH)
    op = 0

    def call() -> None:
        nonlocal op
        op += 1
        if ledger.exchange(op, BATCH, []).started:
            raise Unexpected("something was started where nothing waits")

    return call


def _agent(cluster: Cluster, functions: int) -> NodeLedger:
    ledger = NodeLedger(cluster.store, NODE, this_process(), uuid.uuid4().hex)
    room = {"cpu": functions / 10, "memory": 10 * functions, "slots": functions}
    ledger.register(parse_capabilities(room), LEASE_MS)
    return ledger


def _submit(cluster: Cluster, count: int, *states: str) -> None:
    for number in range(count):
        verdict = cluster.enqueue(nothing, cost=COST).verdict
        expected = states[min(number, len(states) - 1)]
        if verdict is None or verdict.state != expected:
            raise Unexpected(f"{verdict} came of a submit that should be {expected}")


def _submit_together(cluster: Cluster, expected: str) -> None:
    handles = cluster.submit_many([Function(f"f{number}", nothing, cost=COST) for number in range(BATCH)])
    if wrong := [handle.verdict for handle in handles if handle.verdict and handle.verdict.state != expected]:
        raise Unexpected(f"{wrong[0]} came of a submit that should be {expected}")


FINISH_ONE = Operation("finish one and start one", _finish(1))
FINISH_IN_BATCHES = Operation(f"finish {BATCH} and start {BATCH}", _finish(BATCH), functions=BATCH)

OPERATIONS = (
    Operation("submit that joins what waits", _submit_joining, floor="submit"),
    Operation("submit placed", _submit_placed, floor="submit"),
    Operation(f"submit {BATCH} that join what waits", _submit_together_joining, functions=BATCH, floor="submit"),
    Operation(f"submit {BATCH} placed", _submit_together_placed, functions=BATCH, floor="submit"),
    Operation("finish that brings nothing", _finish_nothing),
    FINISH_ONE,
    FINISH_IN_BATCHES,
)
