"""What a line of a table is of: a node, a shape, a function, or failures of one kind. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.view.failures import FailureGroup
from handoff.view.overview import Waiting


@dataclass(frozen=True, slots=True)
class OfNode:
    """A node."""

    name: str


@dataclass(frozen=True, slots=True)
class OfFunction:
    """A function, by its RQ job id."""

    id: str


@dataclass(frozen=True, slots=True)
class OfShape:
    """Functions that wait for the same."""

    waiting: Waiting


@dataclass(frozen=True, slots=True)
class OfFailures:
    """Functions of one name that have failed with one type of error."""

    group: FailureGroup


Subject = OfNode | OfFunction | OfShape | OfFailures
