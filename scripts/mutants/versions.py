"""Defects in what several versions on one server rely on."""

from __future__ import annotations

from mutants.mutant import Mutant

LAYOUT = "tests/ledger/versions/test_layout.py"

KINDS = "tests/ledger/versions/test_unknown_kinds.py"

LOOP = "tests/worker/loop/test_loop_layout.py"

MUTANTS = (
    Mutant(
        "layout-unguarded",
        "a script goes on with data of a newer layout",
        "handoff/ledger/lua/assembly.py",
        "            *([] if files.header(self.name).is_unguarded else [_REFUSAL]),",
        "            *([] if files.header(self.name).args else [_REFUSAL]),",
        (f"{LAYOUT}::test_no_script_does_anything_with_data_of_a_newer_layout[real-submit]",),
    ),
    Mutant(
        "layout-unnoted",
        "nobody notes which layout the data has",
        "handoff/ledger/lua/libraries/time/clock.lua",
        "    if layout then",
        "    if not layout then",
        (f"{LAYOUT}::test_whatever_is_written_first_says_which_layout_it_has[real-a function]",),
    ),
    Mutant(
        "layout-unmarked",
        "data without a layout is taken for any",
        "handoff/ledger/lua/libraries/layout.lua",
        "found or (is_used and UNMARKED) or Call.layout",
        "found or Call.layout",
        (f"{LAYOUT}::TestOlderData::test_a_newer_client_refuses_it_and_changes_nothing[real-False]",),
    ),
    Mutant(
        "upgrade-served",
        "the data is brought up to date under agents of an older version",
        "handoff/ledger/lua/operations/housekeeping/upgrade.lua",
        "if #served > 0 then",
        "if #served > MOST_NAMED then",
        (f"{LAYOUT}::TestOlderData::test_it_is_not_brought_up_to_date_while_an_older_agent_lives[real]",),
    ),
    Mutant(
        "upgrade-timeless",
        "leases of older agents that are gone never run out",
        "handoff/ledger/lua/operations/housekeeping/upgrade.lua",
        "Clock.note()\n",
        "",
        (f"{LAYOUT}::TestOlderData::test_leases_of_older_agents_that_are_gone_run_out_while_newer_ones_wait[real]",),
    ),
    Mutant(
        "unknown-timer",
        "a timer of an unknown kind is dropped",
        "handoff/ledger/lua/libraries/housekeeping/due.lua",
        "      Unknown.set_behind(K.timers, timer.text, timer.at)",
        "      Timers.drop(timer.text)",
        (f"{KINDS}::test_timers_of_unknown_kinds_stay_and_those_behind_them_are_not_held_up[real-timers]",),
    ),
    Mutant(
        "unknown-leftover",
        "what is left over of an unknown kind is tried for ever",
        "handoff/ledger/lua/libraries/settle.lua",
        "redis.call('EXISTS', K.abandoned, K.dirty) == 0 and not Leftovers.are_stored()",
        "false",
        (f"{KINDS}::test_what_is_left_over_of_unknown_kinds_stays_and_holds_up_nothing[real]",),
    ),
    Mutant(
        "layout-lease",
        "an agent that is too old lets run what others may have started again",
        "workers/handoff_worker/agent/ending.py",
        "self._heard_s + USED_OF_LEASE * self._lease_s",
        "self._heard_s + 2 * self._lease_s",
        (f"{LOOP}::test_what_does_not_end_is_killed_before_others_may_start_it_again[real]",),
    ),
)
