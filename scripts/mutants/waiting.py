"""Defects in what waits."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "counters-gone",
        "those that left without overtaking anybody are not counted",
        "handoff/ledger/lua/libraries/waiting/counters.lua",
        "  add(GONE)\n",
        "",
        (
            "tests/ledger/cases/test_case_order.py::TestOvertaking::test_those_in_front_that_start_in_their_turn_put_off_no_hold[real]",
        ),
    ),
    Mutant(
        "fill-joined",
        "a variant that does not count yet is started by tokens that come free",
        "handoff/ledger/lua/libraries/waiting/fill.lua",
        "    local joined = variant.after == 0 or Lines.has(shape, job.id)\n",
        "    local joined = true\n",
        (
            "tests/ledger/scheduling/test_scheduling_shared.py::test_shared_resources[real-tokens that come free start no variant before its time]",
        ),
    ),
    Mutant(
        "granting-earlier",
        "a hold is not taken over by who comes before the last holder",
        "handoff/ledger/lua/libraries/waiting/granting.lua",
        "  return tonumber(last[i + 1] or 0) > rank, last[i]",
        "  return false",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py::test_bounded_overtaking[real-a pinned function that is earlier takes over the hold on its node]",
        ),
    ),
    Mutant(
        "limits-none",
        "no limit of placements is taken for the default",
        "handoff/ledger/lua/libraries/waiting/limits.lua",
        "  return Number.whole(found[1]) or DEFAULT_COUNT, Number.whole(found[2]) or DEFAULT_MS",
        "  return Number.whole(found[1], 1) or DEFAULT_COUNT, Number.whole(found[2]) or DEFAULT_MS",
        ("tests/why/explain/test_explain_overtaking.py::TestOvertaking::test_no_limit_is_none[real]",),
    ),
    Mutant(
        "lines-able",
        "how many could hold a shape is remembered after nobody waits for it",
        "handoff/ledger/lua/libraries/waiting/lines.lua",
        "    Judged.drop(shape.text)\n",
        "",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py::test_who_could_be_held_nowhere_has_a_node_held_once_one_has_opened[real-quiet]",
        ),
    ),
    Mutant(
        "notes-families",
        "a head that lacks gpus is not overtaken by who uses memory of them",
        "handoff/ledger/lua/libraries/waiting/notes.lua",
        "      most = math.max(most, grown[Resource.family(resource)] or 0)",
        "      most = math.max(most, grown[resource] or 0)",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[real-who lacks memory of a device is left the other devices too]",
        ),
    ),
    Mutant(
        "overtaking-late-more",
        "of many that are late only eight are looked at in a tick",
        "handoff/ledger/lua/libraries/waiting/overtaking.lua",
        ("      if count == WINDOW then\n        return true\n      end\n"),
        ("      if count == WINDOW then\n        return false\n      end\n"),
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py::test_many_that_could_be_held_nowhere_keep_nobody_behind_them_from_a_hold[real]",
        ),
    ),
    Mutant(
        "columns-sum",
        "1.5 devices are looked for among devices",
        "handoff/ledger/lua/libraries/waiting/shape_columns.lua",
        "units > Resource.UNIT and units % Resource.UNIT ~= 0 and IndexName.sum(resource) or resource",
        "resource",
        (
            "tests/ledger/test_many_shapes.py::test_what_wants_one_and_a_half_is_found_where_the_node_has_no_devices_only[real-devices]",
        ),
    ),
    Mutant(
        "index-term-empty",
        "bitmaps of constraints that nobody has stay",
        "handoff/ledger/lua/libraries/waiting/shape_index.lua",
        "      redis.call('DEL', K.shape_term .. term.text)\n",
        "      local _ = term\n",
        (
            "tests/ledger/test_many_shapes.py::test_of_constraints_that_nobody_has_any_more_the_index_keeps_nothing[real]",
        ),
    ),
    Mutant(
        "search-scope",
        "among many shapes those that are pinned to the node are not found",
        "handoff/ledger/lua/libraries/waiting/shape_search.lua",
        "    redis.call('BITOP', 'OR', from, K.shape_scope, K.shape_scope .. Shape.scope_of(keeper.name))\n",
        "    redis.call('BITOP', 'OR', from, K.shape_scope, K.shape_scope)\n",
        ("tests/ledger/test_many_shapes.py::test_what_is_pinned_to_a_node_that_grows_is_found[real]",),
    ),
    Mutant(
        "start-variant",
        "who waits is started by the shape that was found, not by its first that fits",
        "handoff/ledger/lua/libraries/waiting/start.lua",
        ("    if Lines.has(other, job.id) and Fit.now(node, other, job.rank + 0) then\n      return i\n    end\n"),
        "",
        (
            "tests/ledger/scheduling/test_scheduling_several_costs.py::test_variants[real-a node that joins is taken by the earliest variant that it has room for]",
        ),
    ),
    Mutant(
        "waiting-deferred",
        "what rq deleted stays in its deferred registry",
        "handoff/ledger/lua/libraries/waiting/waiting.lua",
        "  Lobby.leave(job_id)\n",
        "",
        ("tests/ledger/cases/test_case_rq.py::TestRqsTools::test_a_deleted_hash_leaves_nothing_in_rqs_registry[real]",),
    ),
    Mutant(
        "lines-stood-there",
        "who comes again under the id of a deleted head, among many, leaves the line without a head",
        "handoff/ledger/lua/libraries/waiting/lines.lua",
        "  local was_there = Firsts.put_all(key, joining) < #joining / 2\n",
        "  local was_there = Firsts.put_all(key, joining) < 0\n",
        (
            "tests/ledger/submits/test_many_under_old_ids.py::test_the_first_of_a_line_that_comes_again_lets_the_second_go_first[real-2-delete]",
        ),
    ),
    Mutant(
        "wake-rank",
        "of the shapes that newly fit the one of the worst rank starts first",
        "handoff/ledger/lua/libraries/waiting/wake.lua",
        "  while place > 1 and heads[place - 1].rank > head.rank do\n",
        "  while place > 1 and heads[place - 1].rank < head.rank do\n",
        ("tests/ledger/test_few_shapes.py::test_of_ten_shapes_those_start_whose_rank_is_best[real]",),
    ),
    Mutant(
        "wake-memory",
        "room for memory wakes nobody who wants it",
        "handoff/ledger/lua/libraries/waiting/wake.lua",
        "        ranges[#ranges + 1] = {Resource.memory(resource), before, free}\n",
        "        local _ = resource\n",
        (
            "tests/ledger/scheduling/test_scheduling_devices.py::test_devices_and_their_memory[real-several claims of memory share a device, and the fullest that still has so much is taken]",
        ),
    ),
)
