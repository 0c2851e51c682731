"""Handoff: RQ that knows what every host has.

Functions declare what they cost, nodes publish what they have, and each function runs on a node where it fits.
"""

from handoff.books.allocator import Allocator, SimpleAllocator
from handoff.books.reservation import Reservation, ResourceTracker
from handoff.books.simple import SimpleResourceTracker
from handoff.client.cluster import Cluster
from handoff.client.current import Current, current
from handoff.client.default import (
    connect,
    deregister_node,
    discover_nodes,
    enqueue,
    execute,
    register_node,
    resources_available,
    run,
    submit,
    submit_dag,
    this_node,
)
from handoff.client.handle import Handle
from handoff.client.run_handle import RunHandle
from handoff.client.run_summary import RunSummary
from handoff.errors import (
    CyclicDependency,
    DuplicateFunction,
    DuplicateRun,
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    Infeasible,
    InvalidFunction,
    InvalidNode,
    InvalidResources,
    MissingFunction,
    NodeIsLeased,
    NodeLost,
    NotDurable,
    NotSerializable,
    OtherLayout,
    PartlySubmitted,
    ResourcesUnavailable,
    RunCanceled,
    RunTimedOut,
    StoreUnavailable,
    TooLarge,
    UnknownFunction,
    UnknownNode,
    UnknownRun,
    WaitExpired,
)
from handoff.graph.dag import DAG
from handoff.ledger.claims import RedisResourceTracker
from handoff.ledger.exceeded import MemoryExceeded
from handoff.ledger.recurring import Schedule
from handoff.ledger.results import RunResult
from handoff.ledger.retrying import NotRetried
from handoff.ledger.schedules import UnknownSchedule
from handoff.ledger.stream import StreamBehind, StreamRestarted
from handoff.ledger.texts.usage import FunctionUsage
from handoff.ledger.told import FunctionProgress
from handoff.ledger.verdict import Verdict
from handoff.ledger.watching import FunctionState
from handoff.local.cluster import LocalCluster
from handoff.serializer import Serializer
from handoff.tasks import Task, task
from handoff.why.explanation import Explanation
from handoff.why.progress import Progress
from handoff.words.argument import Argument
from handoff.words.constraints import Not
from handoff.words.function import Collocated, Function
from handoff.words.variants import After

__all__ = [
    "DAG",
    "After",
    "Allocator",
    "Argument",
    "Cluster",
    "Collocated",
    "Current",
    "CyclicDependency",
    "DuplicateFunction",
    "DuplicateRun",
    "Explanation",
    "Function",
    "FunctionCanceled",
    "FunctionFailed",
    "FunctionProgress",
    "FunctionState",
    "FunctionUsage",
    "Handle",
    "HandoffError",
    "Infeasible",
    "InvalidFunction",
    "InvalidNode",
    "InvalidResources",
    "LocalCluster",
    "MemoryExceeded",
    "MissingFunction",
    "NodeIsLeased",
    "NodeLost",
    "Not",
    "NotDurable",
    "NotRetried",
    "NotSerializable",
    "OtherLayout",
    "PartlySubmitted",
    "Progress",
    "RedisResourceTracker",
    "Reservation",
    "ResourceTracker",
    "ResourcesUnavailable",
    "RunCanceled",
    "RunHandle",
    "RunResult",
    "RunSummary",
    "RunTimedOut",
    "Schedule",
    "Serializer",
    "SimpleAllocator",
    "SimpleResourceTracker",
    "StoreUnavailable",
    "StreamBehind",
    "StreamRestarted",
    "Task",
    "TooLarge",
    "UnknownFunction",
    "UnknownNode",
    "UnknownRun",
    "UnknownSchedule",
    "Verdict",
    "WaitExpired",
    "connect",
    "current",
    "deregister_node",
    "discover_nodes",
    "enqueue",
    "execute",
    "register_node",
    "resources_available",
    "run",
    "submit",
    "submit_dag",
    "task",
    "this_node",
]
