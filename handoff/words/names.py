"""The rules for the names that become parts of Redis keys: nodes and namespaces.

Knows neither what a node has nor who runs on it.
"""

from __future__ import annotations

import re

from handoff.errors import InvalidNode, UnknownNode, named

_NODE = re.compile(r"[A-Za-z0-9_.@-]{1,128}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_node_name(name: object) -> bool:
    """Whether a node may be called so."""
    return isinstance(name, str) and _NODE.fullmatch(name) is not None


def check_node_name(name: object) -> str:
    """Return `name` if a node may be called so; else raise `InvalidNode`."""
    if not isinstance(name, str) or not is_node_name(name):
        raise InvalidNode(name, "name a node with 1 to 128 ASCII letters, digits, _, ., @ or -")
    return name


def known_name(name: object) -> str:
    """Return `name` if a node may be called so; else raise `UnknownNode`: there is no such node."""
    if not isinstance(name, str) or not is_node_name(name):
        raise UnknownNode(named(name))
    return name


def check_namespace(name: object) -> str:
    """Return `name` if a namespace may be called so; else raise `InvalidNode`."""
    if not isinstance(name, str) or not _NAMESPACE.fullmatch(name):
        raise InvalidNode(name, "name a namespace with 1 to 64 ASCII letters, digits, _ or -")
    return name
