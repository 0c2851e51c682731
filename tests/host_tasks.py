"""Functions that tests run on hosts of their own."""

from __future__ import annotations

import os

from handoff import this_node


def where(value: object = None) -> tuple[str, str, object]:
    """Say on which node this runs, and by which network it is reached."""
    return this_node(), os.readlink("/proc/self/ns/net"), value
