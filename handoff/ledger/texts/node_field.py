"""The fields of a node's hash that are by resource.

`cap:<r>` has the units that it has, `used:<r>` those that are reserved, `dev:<r>` its devices (`device_field`).
"""

from __future__ import annotations


def read_node_field(field: str) -> tuple[str, str]:
    """Read the name of a field. -> its kind and the resource; of any other field its name and ''"""
    kind, _, resource = field.partition(":")
    return kind, resource


def write_node_field(kind: str, resource: str) -> str:
    """The name of a field that is by resource."""
    return f"{kind}:{resource}"
