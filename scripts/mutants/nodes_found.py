"""Defects in how a node is found, held and lost."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "constraints-negated",
        "Not takes a node without the label for one that has it",
        "handoff/ledger/lua/libraries/nodes/constraints.lua",
        "  return (term.is[value or ''] or false) ~= term.negated",
        "  return value ~= nil and (term.is[value or ''] or false) ~= term.negated",
        (
            "tests/ledger/scheduling/test_scheduling_labels.py::test_labels_and_constraints[real-Not excludes its values, and takes a node without the label]",
        ),
    ),
    Mutant(
        "constraints-whole-devices",
        "a group that wants 1.5 devices is sent where there is one",
        "handoff/ledger/lua/libraries/nodes/constraints.lua",
        "math.ceil(units / Resource.UNIT)",
        "math.floor(units / Resource.UNIT)",
        (
            "tests/ledger/runs/test_run_devices.py::test_a_group_that_wants_a_part_of_a_device_more_goes_where_there_is_one_more[real]",
        ),
    ),
    Mutant(
        "constraints-shared-capacity",
        "a group looks on nodes for tokens that all share",
        "handoff/ledger/lua/libraries/nodes/constraints.lua",
        ("    if not Shared.load().cap[resource] then\n      wants[#wants + 1] = want\n    end"),
        "    wants[#wants + 1] = want",
        (
            "tests/ledger/runs/test_run_groups.py::test_no_node_need_have_what_a_group_wants_of_what_the_cluster_shares[real]",
        ),
    ),
    Mutant(
        "dirty-turn-back",
        "the cursor of shared tokens is not moved back when somebody joins",
        "handoff/ledger/lua/libraries/nodes/dirty.lua",
        "  if after and after >= rank then",
        "  if false then",
        (
            "tests/ledger/test_walk_over_tokens.py::test_who_joins_in_front_of_where_the_walk_has_come_is_not_passed_over[real]",
        ),
    ),
    Mutant(
        "feasible-tokens",
        "more tokens than the cluster has count as feasible",
        "handoff/ledger/lua/libraries/nodes/feasible.lua",
        "      enough = enough and (shared.cap[want[1]] or want[2]) >= want[2]",
        "",
        (
            "tests/why/explain/test_explain_short.py::TestWhatIsShort::test_more_than_the_cluster_shares_is_infeasible[fake]",
        ),
    ),
    Mutant(
        "feasible-kept",
        "what is remembered of who could hold a shape is remembered of demands that do not wait",
        "handoff/ledger/lua/libraries/nodes/judged.lua",
        "  if redis.call('EXISTS', Writes.settle(K.shape .. shape_text)) == 1 then",
        "  if true then",
        (
            'tests/ledger/scheduling/test_scheduling_infeasible.py::test_what_no_node_could_hold_is_judged_anew_whenever_nodes_change[real-on_infeasible="raise" refuses what no live node could hold, and takes what has to wait]',
        ),
    ),
    Mutant(
        "judged-nearest",
        "a change of nodes leaves what was nearest before it",
        "handoff/ledger/lua/libraries/nodes/judged.lua",
        "  redis.call('DEL', K.able, K.nearest)",
        "  redis.call('DEL', K.able)",
        ("tests/ledger/test_remembered_nearest.py::test_what_changes_it_has_it_forgotten[real-a node that joins]",),
    ),
    Mutant(
        "judged-most",
        "of misspelt demands any number is kept",
        "handoff/ledger/lua/libraries/nodes/judged.lua",
        "  if redis.call('HLEN', K.nearest) >= MOST_DEMANDS then",
        "  if false then",
        ("tests/ledger/test_remembered_nearest.py::test_more_misspelt_ones_than_are_kept_leave_no_more[real]",),
    ),
    Mutant(
        "judged-known",
        "what was found nearest is found out anew each time",
        "handoff/ledger/lua/libraries/nodes/judged.lua",
        "  return redis.call('HGET', K.nearest, demand_text) or nil",
        "  return nil",
        ("tests/ledger/test_remembered_nearest.py::test_what_was_found_is_told_again_without_comparing_anew[fake]",),
    ),
    Mutant(
        "nearest-ties",
        "of nodes that lack the same the last one is named",
        "handoff/ledger/lua/libraries/why/nearest.lua",
        "(order == 0 and name < best.name)",
        "(order == 0 and name > best.name)",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py::test_infeasible_names_the_nearest_node_and_what_is_missing_there[real-as many short, with the same gap: by name]",
        ),
    ),
    Mutant(
        "feasible-open-tokens",
        "who wants more tokens than there are has a node held",
        "handoff/ledger/lua/libraries/nodes/feasible.lua",
        ("    if shared.cap[want[1]] and shared.cap[want[1]] < want[2] then\n      return false\n    end"),
        "",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[real-who wants more tokens than the cluster has holds neither a node nor tokens]",
        ),
    ),
    Mutant(
        "feasible-open-pin",
        "a pinned function that its node could not hold has tokens held",
        "handoff/ledger/lua/libraries/nodes/feasible.lua",
        "    return node and Feasible.on(node, shape) or false",
        "    return node ~= nil",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[real-who is pinned to a node that is closed holds no tokens]",
        ),
    ),
    Mutant(
        "find-only",
        "the only node that is open is taken though it does not fit",
        "handoff/ledger/lua/libraries/nodes/find.lua",
        "return only and Fit.now(only, shape, rank) and only or nil",
        "return only or nil",
        (
            "tests/ledger/scheduling/test_scheduling_several_costs.py::test_variants[real-the first variant that fits now is taken]",
        ),
    ),
    Mutant(
        "find-may-fit-hold",
        "who comes before the head that a hold keeps back is not tried",
        "handoff/ledger/lua/libraries/nodes/find.lua",
        "(grown or Holds.are_any())",
        "grown",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[real-who stands before it does not overtake it, and goes where a node is held for it]",
        ),
    ),
    Mutant(
        "find-may-fit-grown",
        "who becomes ready is not tried on the room that has just come free: it waits first",
        "handoff/ledger/lua/libraries/nodes/find.lua",
        "(grown or Holds.are_any())",
        "Holds.are_any()",
        (
            "tests/ledger/runs/test_run_order.py::test_what_becomes_ready_and_gets_the_room_that_came_free_has_not_waited[real]",
        ),
    ),
    Mutant(
        "fit-tokens-hold",
        "tokens that are held for somebody go to who comes later",
        "handoff/ledger/lua/libraries/nodes/fit.lua",
        "(not Values.has(shared.free, want) or Holds.bars(shared, shape, rank))",
        "not Values.has(shared.free, want)",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[real-tokens whose number changes are held no more]",
        ),
    ),
    Mutant(
        "fit-claims-hold",
        "claims take what is held for a function",
        "handoff/ledger/lua/libraries/nodes/fit.lua",
        "Fit.CLAIMS = math.huge",
        "Fit.CLAIMS = 0",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[real-a claim through the tracker is later than every function]",
        ),
    ),
    Mutant(
        "fronts-behind",
        "heads that no open node could hold stay in front of all others",
        "handoff/ledger/lua/libraries/nodes/fronts.lua",
        "  redis.call('ZADD', K.fronts, 'XX', Number.text(rank + BEHIND), shape_text)",
        "  local _ = rank",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py::test_many_that_could_be_held_nowhere_keep_nobody_behind_them_from_a_hold[real]",
        ),
    ),
    Mutant(
        "fronts-recall",
        "and if they are put behind, they are never recalled",
        "handoff/ledger/lua/libraries/nodes/fronts.lua",
        "    redis.call('ZINCRBY', K.fronts, Number.text(-BEHIND), shape_text)",
        "    local _ = shape_text",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py::test_who_could_be_held_nowhere_has_a_node_held_once_one_has_opened[real-drained]",
        ),
    ),
    Mutant(
        "holds-dirty",
        "the room of a hold that has ended is tried with nobody",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        ("  Dirty.mark(node.name)\n  if node.name == Shared.NAME then"),
        "  if node.name == Shared.NAME then",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[real-it starts elsewhere if there is room sooner, and what was held is free]",
        ),
    ),
    Mutant(
        "holds-close-shared",
        "a hold on tokens outlives them",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        "    Holds.lift(shared)",
        "",
        (
            "tests/ledger/test_limit_of_a_run.py::test_tokens_that_are_held_for_somebody_may_go_with_their_run[real-it was the only run]",
        ),
    ),
    Mutant(
        "holds-rank",
        "a holder is kept back by its own hold",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        "  if not hold or rank <= hold.rank then",
        "  if not hold or rank < hold.rank then",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[real-a pinned function holds its own node]",
        ),
    ),
    Mutant(
        "holds-families",
        "a hold keeps back who uses nothing that is lacked",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        ("      if Resource.family(want[1]) == lacked then\n        return true\n      end"),
        ("      if lacked then\n        return true\n      end"),
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[real-a claim through the tracker is later than every function]",
        ),
    ),
    Mutant(
        "holds-family",
        "a hold on gpus lets who wants memory of them pass",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        "      if Resource.family(want[1]) == lacked then",
        "      if want[1] == lacked then",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[real-who lacks whole devices is left their memory too]",
        ),
    ),
    Mutant(
        "holds-tried",
        "tokens that were held count as tried with those who were barred",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        "    Shared.set_tried({})",
        "    local _ = node",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[real-a holder of tokens that is canceled frees them]",
        ),
    ),
    Mutant(
        "lapse-epoch",
        "epochs begin anew where Redis was emptied",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "math.max((Number.whole(redis.call('GET', K.epoch)) or 0) + 1, Call.now)",
        "((Number.whole(redis.call('GET', K.epoch)) or 0) + 1)",
        (
            "tests/ledger/test_epochs.py::test_an_agent_from_before_redis_was_emptied_is_not_taken_for_the_one_that_came_after[fake]",
        ),
    ),
    Mutant(
        "lapse-epoch-same",
        "two agents that come in one millisecond have one epoch",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "math.max((Number.whole(redis.call('GET', K.epoch)) or 0) + 1, Call.now)",
        "Call.now",
        ("tests/ledger/test_epochs.py::test_two_agents_that_come_in_one_millisecond_have_two_epochs[real]",),
    ),
    Mutant(
        "lapse-hold",
        "a lost node stays held",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  Holds.lift(node)",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[real-a node that is lost is held no more]",
        ),
    ),
    Mutant(
        "lapse-groups",
        "the groups of a lost node do not choose again",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  Groups.disband(node)",
        "",
        (
            "tests/ledger/runs/test_run_groups_move.py::test_the_last_of_a_group_that_waits_for_a_node_goes_elsewhere_when_that_is_closed[real-lose]",
        ),
    ),
    Mutant(
        "lapse-late",
        "nodes that are late are found",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "    redis.call('BITOP', 'XOR', bitmap, bitmap, late)",
        "",
        ("tests/ledger/test_many_leases.py::test_nothing_is_placed_on_those_that_are_late[real]",),
    ),
    Mutant(
        "lapse-leases",
        "an agent's call does not see that its lease is over",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  Lapse.leases(name)\n",
        "",
        (
            "tests/ledger/cases/test_case_leases.py::TestLeases::test_a_finish_after_the_lease_is_over_is_stale_though_nobody_has_noticed[real]",
        ),
    ),
    Mutant(
        "lapse-own-epoch",
        "an agent of an earlier epoch writes",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  return node and node.epoch == epoch and node or nil",
        "  return node",
        (
            "tests/ledger/test_epochs.py::test_an_agent_from_before_redis_was_emptied_is_not_taken_for_the_one_that_came_after[fake]",
        ),
    ),
    Mutant(
        "strategies-balanced",
        "load_balanced takes the first that fits",
        "handoff/ledger/lua/libraries/nodes/strategies.lua",
        "  return name == 'load_balanced' and load_balanced or Strategies.first_available",
        "  return Strategies.first_available",
        (
            "tests/ledger/scheduling/test_scheduling_strategies.py::test_strategies[real-slots count like anything else]",
        ),
    ),
    Mutant(
        "nodes-lease",
        "what is left of a lease may be less than nothing",
        "handoff/ledger/lua/libraries/nodes/leases.lua",
        "math.max(0, ends - Call.uptime - (unheard_ms or 0))",
        "ends - Call.uptime - (unheard_ms or 0)",
        ("tests/ledger/test_heartbeat.py::test_of_a_lease_that_is_over_nothing_is_left[real]",),
    ),
    Mutant(
        "lapse-many-closed",
        "a script that closes thousands of nodes loses some too",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "closed > MANY_CLOSED and {} or ",
        "",
        ("tests/ledger/test_many_leases.py::test_a_script_that_closes_many_loses_none_and_the_next_goes_on[fake]",),
    ),
    Mutant(
        "lapse-late-first",
        "an agent that calls is as late as its turn to be lost comes",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  if name and Leases.left(name) == 0 then",
        "  if name == nil then",
        ("tests/ledger/test_many_leases.py::test_an_agent_that_is_late_is_lost_before_others[real]",),
    ),
    Mutant(
        "lapse-late-upto",
        "what becomes late when others have been closed is found",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "'closed_upto', Number.text(upto))",
        "'closed_upto', Number.text(2 * upto))",
        ("tests/ledger/test_many_leases.py::test_those_that_become_late_later_are_not_found_either[real]",),
    ),
    Mutant(
        "lapse-late-alive",
        "with those that are late all are closed",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "redis.call('BITOP', 'XOR', bitmap, bitmap, late)",
        "redis.call('DEL', bitmap)",
        ("tests/ledger/test_many_leases.py::test_a_node_that_lives_is_found_among_those_that_are_late[real]",),
    ),
)
