"""Defects in the books of nodes."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "capabilities-devices",
        "devices that are reserved come back free when a node is registered anew",
        "handoff/ledger/lua/libraries/nodes/recount.lua",
        "        device.share = device.share - units",
        "        local _ = units",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_registering_again_changes_the_capabilities_and_keeps_what_is_reserved[real]",
        ),
    ),
    Mutant(
        "capabilities-memory",
        "memory that is reserved comes back free when a node is registered anew",
        "handoff/ledger/lua/libraries/nodes/recount.lua",
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
            "tests/ledger/scheduling/test_scheduling_drained.py::test_a_node_that_left_while_it_was_drained_comes_back_drained[real]",
        ),
    ),
    Mutant(
        "capabilities-hold",
        "a node that changes stays held",
        "handoff/ledger/lua/libraries/nodes/capabilities.lua",
        "  Holds.lift(node)",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py::test_bounded_overtaking[real-a node that is registered anew is held no more]",
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
        ("tests/ledger/test_forgetting_nodes.py::test_a_node_that_was_lost_an_hour_ago_is_forgotten[real]",),
    ),
    Mutant(
        "classes-spoken",
        "nodes that a constraint names are not looked at by name",
        "handoff/ledger/lua/libraries/nodes/classes.lua",
        "        names[#names + 1] = value",
        "        local _ = value",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py::test_infeasible_names_the_nearest_node_and_what_is_missing_there[real-a pin]",
        ),
    ),
    Mutant(
        "distance-gap",
        "of nodes that lack one thing the first is near, not the one that lacks least of it",
        "handoff/ledger/lua/libraries/nodes/distance.lua",
        "  return one.gap < other.gap or (one.gap == other.gap and",
        "  return (one.gap == one.gap and",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[real-a node is held for one, and at most half of the live nodes are, rounded up]",
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
        "index-put-free-was",
        "of two changes in one script the index knows the second only",
        "handoff/ledger/lua/libraries/nodes/index.lua",
        "  if known then\n    known.is = is\n",
        "  if false then\n    known.is = is\n",
        (
            "tests/ledger/runs/test_run_loading.py::test_what_follows_in_more_steps_than_one_script_takes_follows_all_the_same[real]",
        ),
    ),
    Mutant(
        "leases-late",
        "a node that is late is up for whoever names it",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        "  return node.state == 'up' and not node.bent and not Leases.is_late(node.name)",
        "  return node.state == 'up' and not node.bent",
        ("tests/ledger/test_many_leases.py::test_nothing_is_placed_on_those_that_are_late[real]",),
    ),
    Mutant(
        "node-closing",
        "a quiet node counts as open",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        "  return node.quiet ~= nil or node.draining ~= nil",
        "  return node.draining ~= nil",
        ("tests/why/test_status_nodes.py::TestNodes::test_a_node_that_was_told_to_take_no_more_is_quiet[real]",),
    ),
    Mutant(
        "node-over",
        "a node that is lowered below what it holds counts as open",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        "  return is_up(node) and not node.over and not Node.is_closing(node)",
        "  return is_up(node) and not Node.is_closing(node)",
        (
            "tests/ledger/test_closed_nodes.py::test_a_node_lowered_below_what_it_holds_still_starts_what_stands_on_its_queue[real]",
        ),
    ),
    Mutant(
        "node-unlisted-use",
        "what is used of a resource that was taken away is forgotten",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        ("  if units ~= 0 then\n    node.used[resource] = units"),
        ("  if false then\n    node.used[resource] = units"),
        (
            "tests/ledger/scheduling/test_scheduling_shared.py::test_shared_resources[real-taken away it is a resource of the nodes again]",
        ),
    ),
    Mutant(
        "node-devices-fullest",
        "a share takes the emptiest device",
        "handoff/ledger/lua/libraries/nodes/node_devices.lua",
        "(not best or device.share < best.share)",
        "(not best or device.share > best.share)",
        (
            "tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_a_share_takes_the_fullest_device_that_still_has_room[real]",
        ),
    ),
    Mutant(
        "node-devices-memory-whole",
        "whole claims take devices of which memory is reserved",
        "handoff/ledger/lua/libraries/nodes/node_devices.lua",
        "    if missing > 0 and device.share == Resource.UNIT and device.memory == device.total then",
        "    if missing > 0 and device.share == Resource.UNIT then",
        (
            "tests/ledger/scheduling/test_scheduling_devices.py::test_devices_and_their_memory[real-a whole claim takes untouched devices only, those with the lowest indices]",
        ),
    ),
    Mutant(
        "labels-drop",
        "the bitmap of a label that no node has stays",
        "handoff/ledger/lua/libraries/nodes/node_labels.lua",
        "    redis.call('DEL', K.label .. label)",
        "    local _ = label",
        (
            "tests/ledger/scheduling/test_scheduling_labels.py::test_labels_and_constraints[real-what runs stays when the labels change, and who waits for the old ones does so in vain]",
        ),
    ),
    Mutant(
        "planes-from",
        "a comparison forgets which nodes it was restricted to",
        "handoff/ledger/lua/libraries/nodes/planes.lua",
        ("  if from then\n    redis.call('BITOP', 'AND', result, result, from)\n  end\n"),
        "",
        (
            "tests/ledger/scheduling/test_scheduling_shared.py::test_shared_resources[real-tokens go to the best rank that has room somewhere]",
        ),
    ),
    Mutant(
        "removal-index",
        "the index is kept when the last node has gone",
        "handoff/ledger/lua/libraries/nodes/removal.lua",
        "    Index.drop()\n",
        "    local _ = node\n",
        (
            "tests/why/test_status_function.py::TestFunction::test_where_it_stands_is_said_in_a_sentence[real-cost6-lose_its_node-failed-failed on a after 1 attempt, when node a was lost]",
        ),
    ),
    Mutant(
        "reservations-over",
        "a node that was over stays so when all that it holds fits again",
        "handoff/ledger/lua/libraries/nodes/excess.lua",
        "    Node.set_field(node, 'over', nil)\n",
        "    local _ = node\n",
        (
            "tests/ledger/scheduling/test_scheduling_devices.py::test_devices_and_their_memory[real-a device that is registered with less memory takes no more until all that it holds fits again]",
        ),
    ),
    Mutant(
        "standing-able",
        "who could hold a shape is not judged anew when nodes change",
        "handoff/ledger/lua/libraries/nodes/standing.lua",
        "  Judged.forget()\n",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py::test_what_no_node_could_hold_is_judged_anew_whenever_nodes_change[real-a look at which a node could hold it saves it]",
        ),
    ),
    Mutant(
        "values-share-memory",
        "a device of which memory is reserved serves shares",
        "handoff/ledger/lua/libraries/nodes/values.lua",
        "    share = math.max(share, whole_memory and units or 0)",
        "    share = math.max(share, units)",
        ("tests/ledger/test_redis_tracker.py::TestRedisResourceTracker::test_functions_share_devices_by_memory[real]",),
    ),
)
