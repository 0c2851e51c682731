"""What a test's cluster is made with, checked before anything of it is made."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from handoff.client.cluster import Cluster
from handoff.errors import InvalidNode, shown
from handoff.words.capabilities import parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.names import check_node_name
from handoff.words.resources import Number

NODES: Mapping[str, Mapping[str, Number]] = {"node": {"cpu": 4, "memory": 16_000}}
"""What there is where a test names no nodes."""

OF_NODES = ("nodes", "labels", "device_memory")


def check_settings(given: Mapping[str, Any]) -> None:
    """Raise `TypeError` for a setting that there is none of or that is not by node, and what a node raises."""
    known = [*OF_NODES, *(name for name in inspect.signature(Cluster).parameters if name != "url")]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise TypeError(f"there is no setting {name!r}: {advice}")
    for name in OF_NODES:
        if not isinstance(given.get(name), Mapping | None):
            raise TypeError(f"{name} is {shown(given[name])}: give a mapping by node, such as {{'a': {{'cpu': 2}}}}")
    nodes = NODES if given.get("nodes") is None else given["nodes"]
    labels, memory = given.get("labels") or {}, given.get("device_memory") or {}
    for name in {*labels, *memory}:
        if name not in nodes:
            raise InvalidNode(name, "labels and device_memory are for nodes that are given: add it to nodes")
    for name, capabilities in nodes.items():
        check_node_name(name)
        parse_capabilities(capabilities, memory.get(name))
        parse_labels(name, labels.get(name))
