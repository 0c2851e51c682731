"""The fields of a run's collocated groups: `<group>|chooser` is the number of the one that looks for a node."""

from __future__ import annotations


def chooser_field(group: int | str) -> str:
    """The field that says who chooses the node of a group."""
    return f"{group}|chooser"
