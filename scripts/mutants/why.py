"""Defects in what is told of why something waits."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "changes-later",
        "a variant that does not count yet is not told of",
        "handoff/ledger/lua/libraries/why/changes.lua",
        "      return {'variant', each.number, node.name}\n",
        "      local _ = node\n",
        (
            "tests/why/explain/test_explain_change.py::TestSmallestChange::test_one_whose_later_variant_could_be_held_waits_and_is_not_infeasible[real]",
        ),
    ),
    Mutant(
        "holders-shared-node",
        "of tokens it is not told on which node they are held",
        "handoff/ledger/lua/libraries/why/holders.lua",
        "    node = job_id and Job.get(job_id, 'node') or redis.call('HGET', K.claims, record.id) or ''\n",
        "    node = ''\n",
        (
            "tests/why/explain/test_explain_short.py::TestWhatIsShort::test_what_is_lacked_of_what_the_cluster_shares_is_told_with_who_holds_it_where[real]",
        ),
    ),
    Mutant(
        "near-barred",
        "a node that is held for others is told as the nearest",
        "handoff/ledger/lua/libraries/why/near.lua",
        "  local nodes = Scratch.without(Constraints.among(shape.terms, K.open), Holds.barred(shape, rank))\n",
        "  local nodes = Constraints.among(shape.terms, K.open)\n",
        (
            "tests/why/explain/test_explain_change.py::TestSmallestChange::test_a_node_that_is_held_for_another_is_no_place_to_lower_for[real]",
        ),
    ),
    Mutant(
        "meant-there",
        "a name that there is is told as one that may be meant",
        "handoff/ledger/lua/libraries/why/meant.lua",
        "    local found = resources[want[1]] and {} or near(want[1], resources)\n",
        "    local found = near(want[1], resources)\n",
        (
            "tests/why/explain/test_explain_meant.py::test_what_may_be_meant_is_told_by_submit_explain_and_error[real--cpu 9 wanted, a has 4]",
        ),
    ),
    Mutant(
        "nearest-drained",
        "that a drained node could hold it is not told",
        "handoff/ledger/lua/libraries/why/nearest.lua",
        "      return drained[i]\n",
        "      local _ = drained\n",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py::test_what_no_node_could_hold_is_judged_anew_whenever_nodes_change[real-a drained node is none that could hold it]",
        ),
    ),
    Mutant(
        "nearest-lost",
        "that a lost node could hold it is not told",
        "handoff/ledger/lua/libraries/why/nearest.lua",
        "      return lost[i], tonumber(lost[i + 1])\n",
        "      local _ = lost\n",
        (
            "tests/why/explain/test_explain_short.py::TestWhatIsShort::test_the_verdict_names_a_lost_node_that_could_hold_it[real]",
        ),
    ),
    Mutant(
        "closed-quiet",
        "of a node that is quiet nothing is said",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        "  return node.quiet and 'quiet' or ",
        "  return ",
        (
            "tests/why/explain/test_explain_short.py::TestWhatIsShort::test_a_node_that_takes_nothing_is_not_told_as_short[real]",
        ),
    ),
    Mutant(
        "explain-behind",
        "what is deferred is not followed past what waits for others itself",
        "handoff/why/explain.py",
        '        if standings[member.number].status != "deferred":\n',
        "        if member:\n",
        (
            "tests/client/runs/test_run_why.py::TestWhy::test_what_is_deferred_is_followed_to_what_does_not_wait_for_others[real]",
        ),
    ),
    Mutant(
        "by-class-held",
        "how many with room are held for others is not told",
        "handoff/ledger/lua/libraries/why/short_by_class.lua",
        "      room, withheld = redis.call('BITCOUNT', roomy), redis.call('BITCOUNT', Scratch.both(roomy, barred))\n",
        "      room, withheld = redis.call('BITCOUNT', roomy), 0\n",
        (
            "tests/why/explain/test_explain_overtaking.py::TestOvertaking::test_who_is_kept_back_by_that_is_told_for_whom[real]",
        ),
    ),
)
