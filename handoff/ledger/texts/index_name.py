"""Names of what the index keeps of a node.

A resource that is a sum has its own name; of devices there are `gpu#idle` (how many are idle), `gpu#share` (the largest
free share) and `gpu#memory` (the most free memory on one).
"""

from __future__ import annotations


def read_index_name(name: str) -> tuple[str, str]:
    """Read a name. -> the resource, and idle, share, memory, or '' of a sum"""
    resource, _, part = name.partition("#")
    return resource, part
