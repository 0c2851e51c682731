"""Why a benchmark of graphs has no figure."""

from __future__ import annotations


class Absent(Exception):
    """A peer or a data set is not here; the message says how to get it."""


class Failed(Exception):
    """A graph was not run as it should have been, by us or by a peer."""
