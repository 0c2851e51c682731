"""Whether Redis answers and takes our operations, and how many nodes are up: what a probe asks, once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from handoff.ledger.nodes import NodeState, read_nodes
from handoff.ledger.server_faults import ask
from handoff.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Ping:
    """What a server has answered."""

    redis: str  #: its address
    version: str | None  #: None where it does not say
    round_trip_s: float  #: how long it took to answer, on an open connection
    operations: Literal["functions", "scripts"]  #: how it takes them: as scripts where it has, or permits, no functions
    nodes: Mapping[NodeState, int]


def ping(store: Store) -> Ping:
    """Ask a server once, and bring it our operations. Raises what commands raise, and that at once."""
    # The first connects.
    store.read_once("PING")
    began_s = time.perf_counter()
    store.read_once("PING")
    round_trip_s = time.perf_counter() - began_s
    store.attempt("nodes")
    states = [node.state for node in read_nodes(store)]
    return Ping(
        redis=store.address,
        version=ask(store).version,
        round_trip_s=round_trip_s,
        operations=store.asking.form,
        nodes={state: states.count(state) for state in get_args(NodeState)},
    )
