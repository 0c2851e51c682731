"""Good arguments of what clusters are made with, of which each can be bent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handoff import Cluster, SimpleAllocator

Make = Callable[[Cluster], Any]


def const(value: Any) -> Make:
    return lambda cluster: value


OF_CLUSTER: dict[str, Make] = {
    "url": const("redis://localhost:1/0"),
    "connection": const(None),
    "namespace": const("handoff"),
    "default_cost": const({"cpu": 1}),
    "serializer": const("msgpack"),
    "allocator": const(SimpleAllocator()),
    "strategy": const("first_available"),
    "durability": const("memory"),
    "timeout": const(5),
}

OF_DASHBOARD: dict[str, Make] = {
    "cluster": lambda cluster: cluster,
    "write": const(False),
    "authorize": const(lambda scope: "ada"),
    "hosts": const(["localhost"]),
}

OF_LOCAL: dict[str, Make] = {
    "nodes": const({"a": {"cpu": 1, "gpu": 1}}),
    "labels": const({"a": {"zone": "a"}}),
    "device_memory": const({"a": {"gpu": 1000}}),
    "namespace": const("handoff"),
    "default_cost": const({"cpu": 1}),
    "serializer": const("msgpack"),
    "strategy": const("first_available"),
    "lease": const(6.0),
    "preload": const(["myapp.wsgi", "django:setup"]),
    "log_size": const(64),
    "enforce": const(True),
    "enforce_cpu": const(True),
}
