"""Handoff: RQ that knows what every host has.

Functions declare what they cost, nodes publish what they have, and each function runs on a node where it fits.
"""

from handoff.allocator import Allocator, SimpleAllocator
from handoff.cluster import Cluster
from handoff.constraints import Not
from handoff.current import Current, current
from handoff.dag import DAG, Argument
from handoff.default import (
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
    NotSerializable,
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
from handoff.explain import Explanation
from handoff.function import Collocated, Function
from handoff.handles import Handle
from handoff.local import LocalCluster
from handoff.reservation import Reservation, ResourceTracker
from handoff.runhandle import RunHandle, RunSummary
from handoff.runs import Progress, RunResult
from handoff.serializer import Serializer
from handoff.simple import SimpleResourceTracker
from handoff.tracker import RedisResourceTracker
from handoff.variants import After
from handoff.work import Verdict

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
    "Handle",
    "HandoffError",
    "Infeasible",
    "InvalidFunction",
    "InvalidNode",
    "InvalidResources",
    "LocalCluster",
    "MissingFunction",
    "NodeIsLeased",
    "NodeLost",
    "Not",
    "NotSerializable",
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
    "Serializer",
    "SimpleAllocator",
    "SimpleResourceTracker",
    "StoreUnavailable",
    "TooLarge",
    "UnknownFunction",
    "UnknownNode",
    "UnknownRun",
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
    "this_node",
]
