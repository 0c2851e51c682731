"""Defects in runs of graphs."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "slices-kinds",
        "a slice of a graph names kinds that stand in an earlier one",
        "handoff/ledger/slices.py",
        "slice_, kinds, cost = [], {}, 0.0",
        "slice_, cost = [], 0.0",
        (
            "tests/ledger/runs/test_run_loading.py::test_what_functions_have_in_common_stands_once_in_each_slice_and_in_each_of_their_hashes[real]",
        ),
    ),
    Mutant(
        "consequences-woken",
        "who waits in front of one that became ready is not tried before it",
        "handoff/ledger/lua/libraries/runs/consequences.lua",
        "    budget = budget - most + Wake.node(node, most, tonumber(job.rank))\n",
        "    budget = budget - most\n",
        (
            "tests/ledger/runs/test_run_order.py::test_what_waited_gets_the_room_that_came_free_before_a_later_one_that_becomes_ready[real]",
        ),
    ),
    Mutant(
        "expiry-groups",
        "a group of a run that has ended stays on its node",
        "handoff/ledger/lua/libraries/runs/expiry.lua",
        "    redis.call('SREM', K.groups_on .. page[i + 1], GroupField.on_node(step.run, group))\n",
        "    local _ = group\n",
        ("tests/ledger/runs/test_run_groups_move.py::test_a_group_whose_node_is_lost_chooses_again[real]",),
    ),
    Mutant(
        "groups-resign-deleted",
        "others wait behind a chooser that rq deleted",
        "handoff/ledger/lua/libraries/runs/groups.lua",
        ("  if group then\n    Groups.resign(run, group, number)\n  end\n"),
        "",
        (
            "tests/ledger/runs/test_run_rq.py::test_what_rq_cancels_or_deletes_never_keeps_a_run_from_its_end[real-chooses-delete-go on]",
        ),
    ),
    Mutant(
        "inputs-bulk",
        "large results are sent along",
        "handoff/ledger/lua/libraries/runs/inputs.lua",
        ("    Call.sent[id] = not Job.get(id, 'bulk')\n      and redis"),
        "    Call.sent[id] = redis",
        (
            "tests/ledger/runs/test_run_readiness.py::test_what_takes_many_or_large_results_is_left_to_read_them_itself[real]",
        ),
    ),
    Mutant(
        "leftovers-save",
        "what a script leaves over is forgotten when it ends",
        "handoff/ledger/lua/libraries/runs/leftovers.lua",
        "    redis.call('ZADD', K.leftovers, Call.leftovers[i][2], Call.leftovers[i][1])\n",
        "    local _ = i\n",
        (
            "tests/ledger/runs/test_run_groups_move.py::test_the_last_of_a_group_that_waits_for_a_node_goes_elsewhere_when_that_is_closed[real-lose]",
        ),
    ),
    Mutant(
        "readiness-skip-message",
        "what is skipped does not name who failed",
        "handoff/ledger/lua/libraries/runs/readiness.lua",
        "  local culprit = before or name or step.number\n",
        "  local culprit = name or step.number\n",
        (
            "tests/ledger/runs/test_run_failures.py::test_what_is_skipped_names_the_function_that_failed_and_not_the_one_between[real]",
        ),
    ),
    Mutant(
        "run-resign-deleted",
        "others wait behind a chooser that rq deleted",
        "handoff/ledger/lua/libraries/runs/run.lua",
        "    Groups.resign_everywhere(run, number)\n",
        "    local _ = number\n",
        (
            "tests/ledger/runs/test_run_rq.py::test_what_rq_cancels_or_deletes_never_keeps_a_run_from_its_end[real-chooses-delete-go on]",
        ),
    ),
    Mutant(
        "run-sweep-deleted",
        "what rq deleted keeps its run from its end",
        "handoff/ledger/lua/libraries/runs/run_sweep.lua",
        "    Run.leave(job, 'canceled')\n",
        "    local _ = job\n",
        (
            "tests/ledger/runs/test_run_rq.py::test_what_rq_cancels_or_deletes_never_keeps_a_run_from_its_end[real-queued-delete-fail fast]",
        ),
    ),
    Mutant(
        "stopping-deleted",
        "what rq deleted of a run that is stopped keeps it from its end",
        "handoff/ledger/lua/libraries/runs/stopping.lua",
        "      Run.leave(job, 'canceled', run)\n",
        "      local _ = job\n",
        (
            "tests/ledger/runs/test_run_rq.py::test_what_rq_deleted_does_not_keep_a_run_that_is_canceled_from_its_end[real]",
        ),
    ),
    Mutant(
        "tokens-counter",
        "the counter of a run's tokens stays when it has ended",
        "handoff/ledger/lua/libraries/runs/tokens.lua",
        "  Counters.forget(token)\n",
        "",
        (
            "tests/ledger/runs/test_run_limits.py::test_of_what_a_run_with_a_limit_overtook_nothing_is_counted_when_it_has_ended[real]",
        ),
    ),
    Mutant(
        "whole-variant",
        "what is reserved whole starts as its first variant",
        "handoff/ledger/lua/libraries/runs/whole.lua",
        "      return i\n",
        "      return 1\n",
        (
            "tests/ledger/runs/test_run_reserve_whole.py::test_of_several_costs_a_function_starts_with_the_one_that_was_reserved_for_it[real]",
        ),
    ),
)
