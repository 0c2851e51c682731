"""Why functions wait, as one word each, so that they can be counted by it. Pure."""

from __future__ import annotations

from typing import Literal, get_args

from handoff.ledger.nodes import SHARED
from handoff.why.explanation import Explanation
from handoff.why.holders import RUN_LIMIT

Cause = Literal["infeasible", "later", "short", "closed", "held", "shared", "run_limit", "starting"]
"""What keeps a function from starting.

`infeasible`: no live node could hold it, even when idle. `later`: none of its costs counts yet. `short`: no node that
could hold it has room. `closed`: those that have room take nothing now. `held`: one has room, and is held for another.
`shared`: the cluster as a whole is short of something. `run_limit`: its run has as many placed as its max_concurrency
allows. `starting`: there is room, and whoever comes by next starts it.
"""

CAUSES: tuple[Cause, ...] = get_args(Cause)


def cause_of(why: Explanation) -> Cause:
    """What keeps one from starting that waits for room, by what explains it."""
    if why.state == "infeasible":
        return "infeasible"
    if why.short and all(kind["joins_s"] is not None for kind in why.short):
        return "later"
    able = [kind for kind in why.short if not kind["never"] and kind["node"] != SHARED]
    if not any(kind["room"] for kind in able):
        return "short" if any(kind["missing"] or kind["apart"] for kind in able) else "closed"
    if not any(kind["room"] > kind["withheld"] for kind in able):
        return "held"
    # What all share is told of only where it keeps the function from starting.
    for kind in why.short:
        if kind["node"] == SHARED:
            return "held" if kind["room"] else "run_limit" if RUN_LIMIT in kind["missing"] else "shared"
    return "starting"
