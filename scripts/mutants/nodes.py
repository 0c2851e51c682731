"""Defects in the books of nodes, the index and holds."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "capabilities-devices",
        "devices that are reserved come back free when a node is registered anew",
        "handoff/ledger/lua/libraries/nodes/capabilities.lua",
        "        device.share = device.share - units",
        "        local _ = units",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_registering_again_changes_the_capabilities_and_keeps_what_is_reserved[fake]",
        ),
    ),
    Mutant(
        "capabilities-memory",
        "memory that is reserved comes back free when a node is registered anew",
        "handoff/ledger/lua/libraries/nodes/capabilities.lua",
        "        device.memory = device.memory - units",
        "        local _ = units",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_registering_again_with_more_or_less_memory_keeps_what_is_reserved[fake]",
        ),
    ),
    Mutant(
        "capabilities-drained",
        "who left while it was drained comes back open",
        "handoff/ledger/lua/libraries/nodes/capabilities.lua",
        "    redis.call('HSET', K.node .. name, 'draining', '0')",
        "    local _ = name",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py::test_a_node_that_left_while_it_was_drained_comes_back_drained[fake]",
        ),
    ),
    Mutant(
        "capabilities-hold",
        "a node that changes stays held",
        "handoff/ledger/lua/libraries/nodes/capabilities.lua",
        "  Holds.lift(node)",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[fake-a node that is registered anew is held no more]",
        ),
    ),
    Mutant(
        "capabilities-dirty",
        "a node that joins or grows is not tried with what waits",
        "handoff/ledger/lua/libraries/nodes/capabilities.lua",
        "    Dirty.mark(node.name)",
        "    local _ = node",
        (
            "tests/client/functions/test_function_order.py::TestOrder::test_a_node_that_joins_takes_what_waits_by_rank[fake]",
        ),
    ),
    Mutant(
        "classes-leave-last",
        "an empty class stays",
        "handoff/ledger/lua/libraries/nodes/classes.lua",
        "    redis.call('ZREM', K.classes, class)",
        "    local _ = class",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py::test_drain[fake-a static node stays drained when it is registered again, and when an agent takes it over]",
        ),
    ),
    Mutant(
        "classes-spoken",
        "nodes that a constraint names are not looked at by name",
        "handoff/ledger/lua/libraries/nodes/classes.lua",
        "        names[#names + 1] = value",
        "        local _ = value",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py::test_infeasible_names_the_nearest_node_and_what_is_missing_there[fake-a pin]",
        ),
    ),
    Mutant(
        "constraints-negated",
        "Not takes a node without the label for one that has it",
        "handoff/ledger/lua/libraries/nodes/constraints.lua",
        "  return (term.is[value or ''] or false) ~= term.negated",
        "  return value ~= nil and (term.is[value or ''] or false) ~= term.negated",
        (
            "tests/ledger/scheduling/test_scheduling_labels.py::test_labels_and_constraints[fake-Not excludes its values, and takes a node without the label]",
        ),
    ),
    Mutant(
        "constraints-whole-devices",
        "a group that wants 1.5 devices is sent where there is one",
        "handoff/ledger/lua/libraries/nodes/constraints.lua",
        "math.ceil(units / Resource.UNIT)",
        "math.floor(units / Resource.UNIT)",
        (
            "tests/ledger/runs/test_run_devices.py::test_a_group_that_wants_a_part_of_a_device_more_goes_where_there_is_one_more[fake]",
        ),
    ),
    Mutant(
        "constraints-shared-capacity",
        "a group looks on nodes for tokens that all share",
        "handoff/ledger/lua/libraries/nodes/constraints.lua",
        "    if not Shared.load().cap[resource] then\n      wants[#wants + 1] = want\n    end",
        "    wants[#wants + 1] = want",
        (
            "tests/ledger/runs/test_run_groups.py::test_no_node_need_have_what_a_group_wants_of_what_the_cluster_shares[fake]",
        ),
    ),
    Mutant(
        "dirty-turn-back",
        "the cursor of shared tokens is not moved back when somebody joins",
        "handoff/ledger/lua/libraries/nodes/dirty.lua",
        "  if after and after >= rank then",
        "  if false then",
        (
            "tests/ledger/test_walk_over_tokens.py::test_who_joins_in_front_of_where_the_walk_has_come_is_not_passed_over[fake]",
        ),
    ),
    Mutant(
        "distance-gap",
        "of nodes that lack one thing the first is near, not the one that lacks least of it",
        "handoff/ledger/lua/libraries/nodes/distance.lua",
        "  return one.gap < other.gap or (one.gap == other.gap and",
        "  return (one.gap == one.gap and",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[fake-a node is held for one, and at most half of the live nodes are, rounded up]",
        ),
    ),
    Mutant(
        "excess-unlisted",
        "devices that are no longer listed are no excess",
        "handoff/ledger/lua/libraries/nodes/excess.lua",
        "      if not device or (is_memory and not device.total) then",
        "      if device and is_memory and not device.total then",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_a_device_removed_while_held_comes_back_only_by_being_listed_again[fake]",
        ),
    ),
    Mutant(
        "excess-memory",
        "memory beyond what a device has by now is no excess",
        "handoff/ledger/lua/libraries/nodes/excess.lua",
        "      if device.total and device.memory < 0 then",
        "      if false then",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_registering_again_with_more_or_less_memory_keeps_what_is_reserved[fake]",
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
        "handoff/ledger/lua/libraries/nodes/feasible.lua",
        "  if only and redis.call('EXISTS', K.shape .. only) == 1 then",
        "  if only then",
        (
            'tests/ledger/scheduling/test_scheduling_infeasible.py::test_what_no_node_could_hold_is_judged_anew_whenever_nodes_change[fake-on_infeasible="raise" refuses what no live node could hold, and takes what has to wait]',
        ),
    ),
    Mutant(
        "feasible-open-tokens",
        "who wants more tokens than there are has a node held",
        "handoff/ledger/lua/libraries/nodes/feasible.lua",
        "    if shared.cap[want[1]] and shared.cap[want[1]] < want[2] then\n      return false\n    end",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[fake-who wants more tokens than the cluster has holds neither a node nor tokens]",
        ),
    ),
    Mutant(
        "feasible-open-pin",
        "a pinned function that its node could not hold has tokens held",
        "handoff/ledger/lua/libraries/nodes/feasible.lua",
        "    return node and Feasible.on(node, shape) or false",
        "    return node ~= nil",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[fake-who is pinned to a node that is closed holds no tokens]",
        ),
    ),
    Mutant(
        "find-may-fit-hold",
        "who comes before the head that a hold keeps back is not tried",
        "handoff/ledger/lua/libraries/nodes/find.lua",
        "  return (grown or redis.call('EXISTS', K.holds) == 1)",
        "  return grown",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[fake-who stands before it does not overtake it, and goes where a node is held for it]",
        ),
    ),
    Mutant(
        "find-may-fit-grown",
        "who becomes ready is not tried on the room that has just come free: it waits first",
        "handoff/ledger/lua/libraries/nodes/find.lua",
        "  return (grown or redis.call('EXISTS', K.holds) == 1)",
        "  return redis.call('EXISTS', K.holds) == 1",
        (
            "tests/ledger/runs/test_run_order.py::test_what_becomes_ready_and_gets_the_room_that_came_free_has_not_waited[fake]",
        ),
    ),
    Mutant(
        "fit-tokens-hold",
        "tokens that are held for somebody go to who comes later",
        "handoff/ledger/lua/libraries/nodes/fit.lua",
        "(not Values.has(shared.free, want) or Holds.bars(shared, shape, rank))",
        "not Values.has(shared.free, want)",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[fake-tokens whose number changes are held no more]",
        ),
    ),
    Mutant(
        "fit-claims-hold",
        "claims take what is held for a function",
        "handoff/ledger/lua/libraries/nodes/fit.lua",
        "Fit.CLAIMS = math.huge",
        "Fit.CLAIMS = 0",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[fake-a claim through the tracker is later than every function]",
        ),
    ),
    Mutant(
        "fronts-behind",
        "heads that no open node could hold stay in front of all others",
        "handoff/ledger/lua/libraries/nodes/fronts.lua",
        "  redis.call('ZADD', K.fronts, 'XX', Number.text(rank + BEHIND), shape_text)",
        "  local _ = rank",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py::test_many_that_could_be_held_nowhere_keep_nobody_behind_them_from_a_hold[fake]",
        ),
    ),
    Mutant(
        "fronts-recall",
        "and if they are put behind, they are never recalled",
        "handoff/ledger/lua/libraries/nodes/fronts.lua",
        "    redis.call('ZINCRBY', K.fronts, Number.text(-BEHIND), shape_text)",
        "    local _ = shape_text",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py::test_who_could_be_held_nowhere_has_a_node_held_once_one_has_opened[fake-drained]",
        ),
    ),
    Mutant(
        "holds-dirty",
        "the room of a hold that has ended is tried with nobody",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        ("  Dirty.mark(node.name)\n  if node.name == Shared.NAME then"),
        "  if node.name == Shared.NAME then",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[fake-it starts elsewhere if there is room sooner, and what was held is free]",
        ),
    ),
    Mutant(
        "holds-close-shared",
        "a hold on tokens outlives them",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        ("    Holds.lift(shared)\n    Dirty.forget(Shared.NAME)"),
        "    Dirty.forget(Shared.NAME)",
        (
            "tests/ledger/test_limit_of_a_run.py::test_tokens_that_are_held_for_somebody_may_go_with_their_run[fake-it was the only run]",
        ),
    ),
    Mutant(
        "holds-rank",
        "a holder is kept back by its own hold",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        "  if not hold or rank <= hold.rank then",
        "  if not hold or rank < hold.rank then",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[fake-a pinned function holds its own node]",
        ),
    ),
    Mutant(
        "holds-families",
        "a hold keeps back who uses nothing that is lacked",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        ("      if Resource.family(want[1]) == lacked then\n        return true\n      end"),
        ("      if lacked then\n        return true\n      end"),
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[fake-a claim through the tracker is later than every function]",
        ),
    ),
    Mutant(
        "holds-family",
        "a hold on gpus lets who wants memory of them pass",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        "      if Resource.family(want[1]) == lacked then",
        "      if want[1] == lacked then",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[fake-who lacks whole devices is left their memory too]",
        ),
    ),
    Mutant(
        "holds-tried",
        "tokens that were held count as tried with those who were barred",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        "    Shared.set_tried({})",
        "    local _ = node",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[fake-a holder of tokens that is canceled frees them]",
        ),
    ),
    Mutant(
        "index-put-free-was",
        "of two changes in one script the index knows the second only",
        "handoff/ledger/lua/libraries/nodes/index.lua",
        "was = known and known.was or was",
        "was = was",
        (
            "tests/ledger/runs/test_run_loading.py::test_what_follows_in_more_steps_than_one_script_takes_follows_all_the_same[fake]",
        ),
    ),
    Mutant(
        "lapse-epoch",
        "epochs begin anew where Redis was emptied",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "math.max(tonumber(redis.call('GET', K.epoch) or 0) + 1, Call.now)",
        "(tonumber(redis.call('GET', K.epoch) or 0) + 1)",
        (
            "tests/ledger/test_epochs.py::test_an_agent_from_before_redis_was_emptied_is_not_taken_for_the_one_that_came_after[fake]",
        ),
    ),
    Mutant(
        "lapse-epoch-same",
        "two agents that come in one millisecond have one epoch",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "math.max(tonumber(redis.call('GET', K.epoch) or 0) + 1, Call.now)",
        "Call.now",
        ("tests/ledger/test_epochs.py::test_two_agents_that_come_in_one_millisecond_have_two_epochs[fake]",),
    ),
    Mutant(
        "lapse-hold",
        "a lost node stays held",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  Holds.lift(node)",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[fake-a node that is lost is held no more]",
        ),
    ),
    Mutant(
        "lapse-groups",
        "the groups of a lost node do not choose again",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  Groups.disband(node)",
        "",
        (
            "tests/ledger/runs/test_run_groups_move.py::test_the_last_of_a_group_that_waits_for_a_node_goes_elsewhere_when_that_is_closed[fake-lose]",
        ),
    ),
    Mutant(
        "lapse-leases",
        "an agent's call does not see that its lease is over",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        ("  Lapse.leases()\n  local node = Node.load(name)"),
        "  local node = Node.load(name)",
        (
            "tests/ledger/cases/test_case_leases.py::TestLeases::test_a_finish_after_the_lease_is_over_is_stale_though_nobody_has_noticed[fake]",
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
        "node-closing",
        "a quiet node counts as open",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        "  return node.quiet ~= nil or node.draining ~= nil",
        "  return node.draining ~= nil",
        ("tests/why/test_status_nodes.py::TestNodes::test_a_node_that_was_told_to_take_no_more_is_quiet[fake]",),
    ),
    Mutant(
        "node-over",
        "a node that is lowered below what it holds counts as open",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        "  return node.state == 'up' and not node.over and not Node.is_closing(node)",
        "  return node.state == 'up' and not Node.is_closing(node)",
        (
            "tests/ledger/test_closed_nodes.py::test_a_node_lowered_below_what_it_holds_still_starts_what_stands_on_its_queue[fake]",
        ),
    ),
    Mutant(
        "node-unlisted-use",
        "what is used of a resource that was taken away is forgotten",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        ("  if units ~= 0 then\n    node.used[resource] = units"),
        ("  if false then\n    node.used[resource] = units"),
        (
            "tests/ledger/scheduling/test_scheduling_shared.py::test_shared_resources[fake-taken away it is a resource of the nodes again]",
        ),
    ),
    Mutant(
        "node-devices-fullest",
        "a share takes the emptiest device",
        "handoff/ledger/lua/libraries/nodes/node_devices.lua",
        "(not best or device.share < best.share)",
        "(not best or device.share > best.share)",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_a_share_takes_the_fullest_device_that_still_has_room[fake]",
        ),
    ),
    Mutant(
        "node-devices-memory-whole",
        "whole claims take devices of which memory is reserved",
        "handoff/ledger/lua/libraries/nodes/node_devices.lua",
        "    if missing > 0 and device.share == Resource.UNIT and device.memory == device.total then",
        "    if missing > 0 and device.share == Resource.UNIT then",
        (
            "tests/ledger/scheduling/test_scheduling_devices.py::test_devices_and_their_memory[fake-a whole claim takes untouched devices only, those with the lowest indices]",
        ),
    ),
    Mutant(
        "labels-drop",
        "the bitmap of a label that no node has stays",
        "handoff/ledger/lua/libraries/nodes/node_labels.lua",
        "    redis.call('DEL', K.label .. label)",
        "    local _ = label",
        (
            "tests/ledger/scheduling/test_scheduling_labels.py::test_labels_and_constraints[fake-what runs stays when the labels change, and who waits for the old ones does so in vain]",
        ),
    ),
    Mutant(
        "planes-from",
        "a comparison forgets which nodes it was restricted to",
        "handoff/ledger/lua/libraries/nodes/planes.lua",
        ("  if from then\n    redis.call('BITOP', 'AND', result, result, from)\n  end\n"),
        "",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/test_forgetting_nodes.py",
        ),
    ),
    Mutant(
        "recovery-placement",
        "what is left of an earlier placement counts as the function's own",
        "handoff/ledger/lua/libraries/nodes/recovery.lua",
        "  if not job or job.placement ~= number then",
        "  if not job then",
        (
            "tests/client/functions/test_function_result.py",
            "tests/client/functions/test_function_lost.py",
        ),
    ),
    Mutant(
        "removal-index",
        "the index is kept when the last node has gone",
        "handoff/ledger/lua/libraries/nodes/removal.lua",
        "    Index.drop()\n",
        "    local _ = node\n",
        (
            "tests/ledger/rq/test_rq_requeue.py",
            "tests/why/test_status_function.py",
        ),
    ),
    Mutant(
        "reservations-over",
        "a node that was over stays so when all that it holds fits again",
        "handoff/ledger/lua/libraries/nodes/reservations.lua",
        "    Node.set_field(node, 'over', nil)\n",
        "    local _ = node\n",
        (
            "tests/ledger/scheduling/test_scheduling_devices.py",
            "tests/ledger/test_redis_tracker.py",
        ),
    ),
    Mutant(
        "shared-withdraw-use",
        "what is still used of what is shared no longer is not written",
        "handoff/ledger/lua/libraries/nodes/shared.lua",
        "  Node.set_unlisted_use(shared, resource, shared.used[resource] or 0)\n",
        "",
        (
            "tests/client/functions/test_function_allocator.py",
            "tests/ledger/test_redis_tracker.py",
        ),
    ),
    Mutant(
        "standing-able",
        "who could hold a shape is not judged anew when nodes change",
        "handoff/ledger/lua/libraries/nodes/standing.lua",
        "  redis.call('DEL', K.able)\n",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py",
            "tests/why/explain/test_explain_overtaking.py",
        ),
    ),
    Mutant(
        "strategies-balanced",
        "load_balanced takes the first that fits",
        "handoff/ledger/lua/libraries/nodes/strategies.lua",
        "  return name == 'load_balanced' and load_balanced or Strategies.first_available",
        "  return Strategies.first_available",
        (
            "tests/ledger/scheduling/test_scheduling_strategies.py",
            "tests/ledger/test_redis_tracker.py",
        ),
    ),
    Mutant(
        "values-share-memory",
        "a device of which memory is reserved serves shares",
        "handoff/ledger/lua/libraries/nodes/values.lua",
        "    share = math.max(share, whole_memory and units or 0)",
        "    share = math.max(share, units)",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/scheduling/test_scheduling_devices.py",
        ),
    ),
)
