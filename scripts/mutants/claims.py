"""Defects in claims."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "all-undo",
        "what was claimed stays where not all can be",
        "handoff/ledger/lua/libraries/claims/all_or_nothing.lua",
        "      undo(caller, done, 1)\n",
        "      local _ = done\n",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/cases/test_case_leases.py",
        ),
    ),
    Mutant(
        "claims-wake",
        "the room of a claim that ran out wakes nobody",
        "handoff/ledger/lua/libraries/claims/claims.lua",
        "    Wake.node(node, MOST_ENDED)\n",
        "",
        ("tests/ledger/cases/test_case_leases.py",),
    ),
    Mutant(
        "shortage-excess",
        "a node that is over lacks nothing for what it holds",
        "handoff/ledger/lua/libraries/claims/shortage.lua",
        "  return node.over and Excess.of(node) or {}",
        "  return {}",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py",
        ),
    ),
)
