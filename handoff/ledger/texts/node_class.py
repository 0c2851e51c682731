"""A class of alike nodes: what the index says of their capacities, and their labels, `cpu=80000,gpu#idle=2@zone=a`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handoff.ledger.texts.cost import read_cost, write_cost
from handoff.ledger.texts.labels import read_labels


@dataclass(frozen=True, slots=True)
class NodeClass:
    """What all its nodes have."""

    values: Mapping[str, int]  #: by names of the index
    labels: Mapping[str, str]


def read_node_class(text: str) -> NodeClass:
    """Read a class."""
    values, _, labels = text.partition("@")
    return NodeClass(read_cost(values), read_labels(labels))


def write_node_class(values: Mapping[str, int], labels: str) -> str:
    """Write the class of a node; `labels` as text."""
    return f"{write_cost(values)}@{labels}"
