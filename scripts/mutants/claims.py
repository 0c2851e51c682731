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
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_a_full_node_that_satisfies_it_tells_what_is_missing[real]",
        ),
    ),
    Mutant(
        "claims-wake",
        "the room of a claim that ran out wakes nobody",
        "handoff/ledger/lua/libraries/claims/claims.lua",
        "    Wake.node(node, MOST_ENDED)\n",
        "",
        ("tests/ledger/test_one_tick.py::test_the_room_of_a_claim_whose_time_is_over_goes_to_who_waits[fake]",),
    ),
    Mutant(
        "shortage-excess",
        "a node that is over lacks nothing for what it holds",
        "handoff/ledger/lua/libraries/claims/shortage.lua",
        "  return node.over and Excess.of(node) or {}",
        "  return {}",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_memory_of_devices_that_becomes_a_sum_is_blocked_until_it_is_released[real]",
        ),
    ),
)
