"""Defects in what follows from deaths of functions: their own end, and what speaks against a node."""

from __future__ import annotations

from mutants.mutant import Mutant

CORDON = "tests/ledger/test_cordon.py"

POISON = "tests/ledger/test_poison.py"

MUTANTS = (
    Mutant(
        "deaths-three",
        "a function dies a fourth time",
        "handoff/ledger/lua/libraries/jobs/deaths.lua",
        "local MOST_IN_A_ROW = 3",
        "local MOST_IN_A_ROW = 4",
        (f"{POISON}::test_a_function_that_dies_three_times_in_a_row_is_failed_with_the_history_of_it[fake-node]",),
    ),
    Mutant(
        "deaths-asked",
        "whom its agent's end has taken has died",
        "handoff/ledger/texts/loss.lua",
        "  return not cause or cause == ''",
        "  return true",
        (f"{POISON}::test_what_somebody_has_asked_for_is_no_death[fake-told to end]",),
    ),
    Mutant(
        "deaths-row",
        "a failure between two deaths does not end the row",
        "handoff/ledger/lua/libraries/jobs/outcome.lua",
        "  Deaths.outlived(job)\n",
        "",
        (f"{POISON}::test_an_attempt_that_came_to_an_end_of_its_own_begins_a_new_row[fake]",),
    ),
    Mutant(
        "blame-elsewhere",
        "what also died on another node speaks against both",
        "handoff/ledger/lua/libraries/nodes/blame.lua",
        "Call.now - WINDOW_MS, '+inf') == 1 then",
        "Call.now - WINDOW_MS, '+inf') >= 1 then",
        (f"{CORDON}::test_a_function_that_also_died_elsewhere_speaks_against_no_node[real]",),
    ),
    Mutant(
        "blame-for-ever",
        "what died an hour ago speaks against a node",
        "handoff/ledger/lua/libraries/nodes/blame.lua",
        "local WINDOW_MS = 600000",
        "local WINDOW_MS = 6000000",
        (f"{CORDON}::test_five_deaths_count_where_they_were_within_ten_minutes[real-600001-up]",),
    ),
    Mutant(
        "blame-together",
        "ten functions that die with their node speak ten times against it",
        "handoff/ledger/lua/libraries/nodes/blame.lua",
        "  if node and not node.blamed then",
        "  if node then",
        (f"{CORDON}::test_what_dies_together_with_its_node_counts_once[real]",),
    ),
    Mutant(
        "cordon-third",
        "half of the live nodes are closed",
        "handoff/ledger/lua/libraries/nodes/cordon.lua",
        "  return 3 * closed <= live",
        "  return 2 * closed <= live",
        (
            f"{CORDON}::test_of_one_or_two_nodes_none_is_closed[real-2]",
            f"{CORDON}::test_no_more_than_a_third_of_the_live_nodes_is_closed[fake]",
        ),
    ),
    Mutant(
        "cordon-last",
        "the last node is closed that could hold what waits",
        "handoff/ledger/lua/libraries/nodes/cordon.lua",
        "needed = needed or (Fit.idle(node, shape) and not fits_any(others, shape))",
        "needed = false",
        (f"{CORDON}::test_the_last_node_that_could_hold_what_waits_is_not_closed[real-by a label]",),
    ),
    Mutant(
        "cordon-again",
        "the last node is closed that could hold what is tried again",
        "handoff/ledger/lua/libraries/nodes/cordon.lua",
        "needed = needed or (job and could_only_be_here(node, job, others)) or false",
        "needed = needed",
        (f"{CORDON}::test_nor_is_the_last_for_what_died_there_and_is_tried_again[real]",),
    ),
)
