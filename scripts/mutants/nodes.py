"""Defects in the books of nodes, the index and holds."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "capabilities-devices",
        "devices that are reserved come back free when a node is registered anew",
        "handoff/ledger/lua/libraries/nodes/capabilities.lua",
        "        device.share = device.share - units\n",
        "        local _ = units\n",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/test_heads_that_nobody_could_hold.py",
        ),
    ),
    Mutant(
        "classes-spoken",
        "nodes that a constraint names are not looked at by name",
        "handoff/ledger/lua/libraries/nodes/classes.lua",
        "        names[#names + 1] = value\n",
        "        local _ = value\n",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py",
            "tests/ledger/scheduling/test_scheduling_labels.py",
        ),
    ),
    Mutant(
        "constraints-whole-devices",
        "a group that wants 1.5 devices is sent where there is one",
        "handoff/ledger/lua/libraries/nodes/constraints.lua",
        "math.ceil(units / Resource.UNIT)",
        "math.floor(units / Resource.UNIT)",
        (
            "tests/ledger/runs/test_run_groups.py",
            "tests/ledger/runs/test_run_reserve_whole.py",
        ),
    ),
    Mutant(
        "dirty-turn-back",
        "the cursor of shared tokens is not moved back when somebody joins",
        "handoff/ledger/lua/libraries/nodes/dirty.lua",
        "  if after and after >= rank then\n",
        "  if false then\n",
        (
            "tests/ledger/test_walk_over_tokens.py",
            "tests/ledger/test_limit_of_a_run.py",
        ),
    ),
    Mutant(
        "distance-gap",
        "of nodes that lack one thing the first is near, not the one that lacks least of it",
        "handoff/ledger/lua/libraries/nodes/distance.lua",
        "  return one.gap < other.gap or (one.gap == other.gap and",
        "  return (one.gap == one.gap and",
        (
            "tests/why/explain/test_explain_change.py",
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py",
        ),
    ),
    Mutant(
        "excess-unlisted",
        "devices that are no longer listed are no excess",
        "handoff/ledger/lua/libraries/nodes/excess.lua",
        "      if not device or (is_memory and not device.total) then",
        "      if device and is_memory and not device.total then",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/scheduling/test_scheduling_devices.py",
        ),
    ),
    Mutant(
        "feasible-open-pin",
        "a pinned function that its node could never hold has it held",
        "handoff/ledger/lua/libraries/nodes/feasible.lua",
        "    return node and Feasible.on(node, shape) or false\n",
        "    return node ~= nil\n",
        ("tests/ledger/scheduling/test_scheduling_overtaking_nodes.py",),
    ),
    Mutant(
        "find-may-fit-hold",
        "who comes before the head that a hold keeps back is not tried",
        "handoff/ledger/lua/libraries/nodes/find.lua",
        "  return (grown or redis.call('EXISTS', K.holds) == 1)\n",
        "  return grown\n",
        (
            "tests/ledger/cases/test_case_order.py",
            "tests/ledger/test_limit_of_a_run.py",
        ),
    ),
    Mutant(
        "fit-claims-hold",
        "claims take what is held for a function",
        "handoff/ledger/lua/libraries/nodes/fit.lua",
        "Fit.CLAIMS = math.huge",
        "Fit.CLAIMS = 0",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/why/explain/test_explain_change.py",
        ),
    ),
    Mutant(
        "fronts-recall",
        "and if they are put behind, they are never recalled",
        "handoff/ledger/lua/libraries/nodes/fronts.lua",
        "    redis.call('ZINCRBY', K.fronts, Number.text(-BEHIND), shape_text)\n",
        "    local _ = shape_text\n",
        ("tests/ledger/test_heads_that_nobody_could_hold.py",),
    ),
    Mutant(
        "holds-close-shared",
        "a hold on tokens outlives them",
        "handoff/ledger/lua/libraries/nodes/holds.lua",
        ("    Holds.lift(shared)\n    Dirty.forget(Shared.NAME)\n"),
        "    Dirty.forget(Shared.NAME)\n",
        (
            "tests/ledger/scheduling/test_scheduling_shared.py",
            "tests/ledger/test_brought_back_by_rq.py",
        ),
    ),
    Mutant(
        "index-put-free-was",
        "of two changes in one script the index knows the second only",
        "handoff/ledger/lua/libraries/nodes/index.lua",
        "was = known and known.was or was",
        "was = was",
        (
            "tests/ledger/scheduling/test_scheduling_devices.py",
            "tests/ledger/scheduling/test_scheduling_infeasible.py",
        ),
    ),
    Mutant(
        "lapse-hold",
        "a lost node stays held",
        "handoff/ledger/lua/libraries/nodes/lapse.lua",
        "  Holds.lift(node)\n",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py",
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py",
        ),
    ),
    Mutant(
        "node-closing",
        "a quiet node counts as open",
        "handoff/ledger/lua/libraries/nodes/node.lua",
        "  return node.quiet ~= nil or node.draining ~= nil",
        "  return node.draining ~= nil",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py",
            "tests/why/test_status_nodes.py",
        ),
    ),
    Mutant(
        "node-devices-memory-whole",
        "whole claims take devices of which memory is reserved",
        "handoff/ledger/lua/libraries/nodes/node_devices.lua",
        "    if missing > 0 and device.share == Resource.UNIT and device.memory == device.total then",
        "    if missing > 0 and device.share == Resource.UNIT then",
        (
            "tests/ledger/scheduling/test_scheduling_devices.py",
            "tests/ledger/test_redis_tracker.py",
        ),
    ),
    Mutant(
        "labels-drop",
        "the bitmap of a label that no node has stays",
        "handoff/ledger/lua/libraries/nodes/node_labels.lua",
        "    redis.call('DEL', K.label .. label)\n",
        "    local _ = label\n",
        (
            "tests/ledger/scheduling/test_scheduling_labels.py",
            "tests/ledger/test_redis_tracker.py",
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
