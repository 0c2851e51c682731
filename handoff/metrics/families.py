"""What is served, under which names: each family with its labels and what it means. Knows nothing of Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from handoff.ledger.nodes import NodeState
from handoff.view.causes import CAUSES
from handoff.view.history import ENDS

Kind = Literal["gauge", "counter", "histogram", "summary"]

STATES = ("queued", "started", "waiting", "delayed", "deferred", "finished", "failed", "canceled")

KINDS = (
    "amounts", "index", "reservations", "places", "lines", "room", "keys", "runs", "schedules",
    "server", "clock", "version", "worker", "layout",
)  # fmt: skip
"""What a finding of the doctor is about: the invariants, then what is around the books."""

NOT_READ = "not_read"
"""The reason of what waits with a shape of which none was read."""


@dataclass(frozen=True, slots=True)
class Family:
    """One name, with all that is told under it."""

    name: str  #: as it is served; of a histogram or a summary without what follows for its parts
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: of labels that have no others


UP = Family("handoff_up", "gauge", "1 if Redis has answered, else 0, and then only counters are served beside it.")
INFO = Family("handoff_info", "gauge", "Always 1: which namespace this is, and which version serves it.",
              ("namespace", "version"))  # fmt: skip
READ_SECONDS = Family("handoff_read_seconds", "gauge", "How long it took to read what is served.")

FUNCTIONS = Family(
    "handoff_functions", "gauge", "Functions by state; of those that have ended what is still kept.",
    ("state",), {"state": STATES},
)  # fmt: skip
WAITING = Family(
    "handoff_waiting_functions", "gauge", "Functions that wait for room, by what keeps the first of their shape.",
    ("reason",), {"reason": (*CAUSES, NOT_READ)},
)  # fmt: skip
WAITING_AMOUNT = Family(
    "handoff_waiting_amount", "gauge", "What all functions that wait for room ask for together.", ("resource",)
)
WAITING_SHAPES = Family("handoff_waiting_shapes", "gauge", "Unlike costs and constraints among what waits for room.")
OLDEST_WAIT = Family(
    "handoff_oldest_wait_seconds", "gauge", "For how long the one has waited that has waited longest for room."
)

NODES = Family("handoff_nodes", "gauge", "Nodes by state.", ("state",), {"state": get_args(NodeState)})
HELD_NODES = Family("handoff_held_nodes", "gauge", "Nodes that are held for a function that was overtaken too often.")
CAPACITY = Family("handoff_capacity", "gauge", "What all nodes that are not lost have together.", ("resource",))
USED = Family("handoff_used", "gauge", "What is reserved of that.", ("resource",))
SHARED_CAPACITY = Family("handoff_shared_capacity", "gauge", "What the cluster has as a whole.", ("resource",))
SHARED_USED = Family("handoff_shared_used", "gauge", "What is reserved of that.", ("resource",))
NODE_UP = Family("handoff_node_up", "gauge", "1 if functions are placed on that node, else 0.", ("node",))
NODE_CAPACITY = Family("handoff_node_capacity", "gauge", "What a node that is not lost has.", ("node", "resource"))
NODE_USED = Family("handoff_node_used", "gauge", "What is reserved of that.", ("node", "resource"))
NODE_FUNCTIONS = Family(
    "handoff_node_functions", "gauge", "Functions on a node: placed and not yet started, or started.",
    ("node", "state"), {"state": ("queued", "started")},
)  # fmt: skip

DECISIONS = Family("handoff_decisions_total", "counter", "Nodes that were chosen: for functions, and for claims.")
STARTS = Family("handoff_starts_total", "counter", "Attempts that have started.")
RETRIES = Family("handoff_retries_total", "counter", "Of these second and later ones.")
ENDED = Family(
    "handoff_attempts_total", "counter", "Attempts that have ended, by what came of them.",
    ("outcome",), {"outcome": ENDS},
)  # fmt: skip
FUNCTION_ENDED = Family(
    "handoff_function_attempts_total", "counter", "The same by what was called; of the first hundred names.",
    ("function", "outcome"), {"outcome": ENDS},
)  # fmt: skip
LOST_NODES = Family("handoff_lost_nodes_total", "counter", "How often a node was lost.")
HOLDS = Family("handoff_holds_total", "counter", "How often a node was held for a function.")
GAPS = Family(
    "handoff_event_gaps_total",
    "counter",
    "How often events were gone before they were read, so that counters lack some.",
)
WAIT = Family("handoff_wait_seconds", "histogram", "From when a function was ready until it started.")
RUN = Family("handoff_run_seconds", "histogram", "How long attempts ran, whatever came of them.")

SCRIPTS = Family(
    "handoff_redis_script_seconds", "summary", "How long Redis took for a call of a script, in which all is decided;"
    " of all namespaces on that server.", ("quantile",),
)  # fmt: skip
MEMORY = Family("handoff_redis_memory_used_bytes", "gauge", "Memory that Redis uses, for all that is on that server.")
MOST_MEMORY = Family("handoff_redis_memory_max_bytes", "gauge", "Memory that Redis may use; 0 = it has no limit.")
EVICTED = Family("handoff_redis_evicted_keys_total", "counter", "Keys that Redis has deleted for want of memory.")
CLIENTS = Family("handoff_redis_clients", "gauge", "Connections that Redis has.")
SAVES = Family("handoff_redis_saves", "gauge", "1 if what Redis last wrote to its disk went well, else 0.")

FINDINGS = Family(
    "handoff_doctor_findings", "gauge", "What the doctor found wrong when it last looked, by what it is about.",
    ("kind",), {"kind": KINDS},
)  # fmt: skip
EXAMINED = Family("handoff_doctor_timestamp_seconds", "gauge", "When it last looked.")
EXAMINING = Family("handoff_doctor_duration_seconds", "gauge", "How long that took.")

FAMILIES = tuple(family for family in list(vars().values()) if isinstance(family, Family))
