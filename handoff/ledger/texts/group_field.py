"""The fields of a run's collocated groups: `<group>|chooser` is the number of the one that looks for a node.

`<group>|node` is the node that it has chosen, which knows the group as `<run>|<group>`.
"""

from __future__ import annotations


def chooser_field(group: int | str) -> str:
    """The field that says who chooses the node of a group."""
    return f"{group}|chooser"


def node_field(group: int | str) -> str:
    """The field that says which node a group has chosen."""
    return f"{group}|node"


def read_on_node(text: str) -> tuple[str, str]:
    """Read how a node knows a group. -> run, group"""
    run, _, group = text.rpartition("|")
    return run, group


def parked_line(run: str, group: int | str) -> str:
    """Names the line of those that are parked behind the chooser of a group."""
    return f"{run}:{group}"


def run_of_parked(line: str) -> str:
    """The run of such a line."""
    return line.rpartition(":")[0]
