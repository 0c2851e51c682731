"""Handoff: RQ that knows what every host has.

Functions declare what they cost, nodes publish what they have, and each function runs on a node where it fits.
"""

from handoff.allocator import Allocator, SimpleAllocator
from handoff.cluster import Cluster
from handoff.constraints import Not
from handoff.current import Current, current
from handoff.default import (
    connect,
    deregister_node,
    discover_nodes,
    enqueue,
    register_node,
    resources_available,
    submit,
    this_node,
)
from handoff.errors import (
    DuplicateFunction,
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    Infeasible,
    InvalidFunction,
    InvalidNode,
    InvalidResources,
    NodeIsLeased,
    NodeLost,
    NotSerializable,
    ResourcesUnavailable,
    StoreUnavailable,
    TooLarge,
    UnknownFunction,
    UnknownNode,
    WaitExpired,
)
from handoff.explain import Explanation
from handoff.function import Collocated, Function
from handoff.handles import Handle
from handoff.local import LocalCluster
from handoff.reservation import Reservation, ResourceTracker
from handoff.serializer import Serializer
from handoff.simple import SimpleResourceTracker
from handoff.tracker import RedisResourceTracker
from handoff.variants import After
from handoff.work import Verdict

__all__ = [
    "After",
    "Allocator",
    "Cluster",
    "Collocated",
    "Current",
    "DuplicateFunction",
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
    "NodeIsLeased",
    "NodeLost",
    "Not",
    "NotSerializable",
    "RedisResourceTracker",
    "Reservation",
    "ResourceTracker",
    "ResourcesUnavailable",
    "Serializer",
    "SimpleAllocator",
    "SimpleResourceTracker",
    "StoreUnavailable",
    "TooLarge",
    "UnknownFunction",
    "UnknownNode",
    "Verdict",
    "WaitExpired",
    "connect",
    "current",
    "deregister_node",
    "discover_nodes",
    "enqueue",
    "register_node",
    "resources_available",
    "submit",
    "this_node",
]
