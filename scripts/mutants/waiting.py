"""Defects in what waits."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "counters-gone",
        "those that left without overtaking anybody are not counted",
        "handoff/ledger/lua/libraries/waiting/counters.lua",
        "  redis.call('HINCRBY', K.overtaking, GONE, 1)\n",
        "",
        (
            "tests/ledger/cases/test_case_order.py",
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py",
        ),
    ),
    Mutant(
        "fill-joined",
        "a variant that does not count yet is started by tokens that come free",
        "handoff/ledger/lua/libraries/waiting/fill.lua",
        "    local joined = variant.after == 0 or redis.call('ZSCORE', K.shape .. shape.text, job.id)\n",
        "    local joined = true\n",
        (
            "tests/ledger/test_hint_of_work.py",
            "tests/ledger/test_walk_over_tokens.py",
        ),
    ),
    Mutant(
        "granting-earlier",
        "a hold is not taken over by who comes before the last holder",
        "handoff/ledger/lua/libraries/waiting/granting.lua",
        "  return tonumber(last[i + 1] or 0) > rank, last[i]",
        "  return false",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py",
            "tests/ledger/test_heads_that_nobody_could_hold.py",
        ),
    ),
    Mutant(
        "limits-none",
        "no limit of placements is taken for the default",
        "handoff/ledger/lua/libraries/waiting/limits.lua",
        "  return tonumber(found[1] or DEFAULT_COUNT), tonumber(found[2] or DEFAULT_MS)",
        "  return tonumber(found[1] ~= '0' and found[1] or DEFAULT_COUNT), tonumber(found[2] or DEFAULT_MS)",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_bound.py",
            "tests/why/explain/test_explain_overtaking.py",
        ),
    ),
    Mutant(
        "lines-able",
        "how many could hold a shape is remembered after nobody waits for it",
        "handoff/ledger/lua/libraries/waiting/lines.lua",
        "    redis.call('HDEL', K.able, shape.text)\n",
        "",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py",
            "tests/ledger/scheduling/test_scheduling_canceled.py",
        ),
    ),
    Mutant(
        "notes-families",
        "a head that lacks gpus is not overtaken by who uses memory of them",
        "handoff/ledger/lua/libraries/waiting/notes.lua",
        "      most = math.max(most, grown[Resource.family(resource)] or 0)",
        "      most = math.max(most, grown[resource] or 0)",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py",
            "tests/ledger/scheduling/test_scheduling_shared.py",
        ),
    ),
    Mutant(
        "overtaking-late-more",
        "of many that are late only eight are looked at in a tick",
        "handoff/ledger/lua/libraries/waiting/overtaking.lua",
        ("      if count == WINDOW then\n        return true\n      end\n"),
        ("      if count == WINDOW then\n        return false\n      end\n"),
        ("tests/ledger/test_heads_that_nobody_could_hold.py",),
    ),
    Mutant(
        "columns-sum",
        "1.5 devices are looked for among devices",
        "handoff/ledger/lua/libraries/waiting/shape_columns.lua",
        "units > Resource.UNIT and units % Resource.UNIT ~= 0 and IndexName.sum(resource) or resource",
        "resource",
        (
            "tests/client/runs/test_run_handle.py",
            "tests/ledger/test_walk_over_tokens.py",
        ),
    ),
    Mutant(
        "index-term-empty",
        "bitmaps of constraints that nobody has stay",
        "handoff/ledger/lua/libraries/waiting/shape_index.lua",
        "      redis.call('DEL', K.shape_term .. term.text)\n",
        "      local _ = term\n",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py",
            "tests/client/runs/test_run_handle.py",
        ),
    ),
    Mutant(
        "search-scope",
        "among many shapes those that are pinned to the node are not found",
        "handoff/ledger/lua/libraries/waiting/shape_search.lua",
        "    redis.call('BITOP', 'OR', from, K.shape_scope, K.shape_scope .. Shape.scope_of(keeper.name))\n",
        "    redis.call('BITOP', 'OR', from, K.shape_scope, K.shape_scope)\n",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py",
            "tests/ledger/cases/test_case_order.py",
        ),
    ),
    Mutant(
        "few-tried",
        "among few shapes who was tried with as many tokens is tried again",
        "handoff/ledger/lua/libraries/waiting/shapes.lua",
        "      if keeper.cap[want[1]] and want[2] > (keeper.tried[want[1]] or 0) then",
        "      if keeper.cap[want[1]] then",
        (
            "tests/ledger/scheduling/test_scheduling_shared.py",
            "tests/ledger/runs/test_run_repeats.py",
        ),
    ),
    Mutant(
        "start-variant",
        "who waits is started by the shape that was found, not by its first that fits",
        "handoff/ledger/lua/libraries/waiting/start.lua",
        (
            "    if redis.call('ZSCORE', K.shape .. other.text, job.id) and Fit.now(node, other, rank) then\n"
            "      return i\n"
            "    end\n"
        ),
        "",
        (
            "tests/ledger/scheduling/test_scheduling_several_costs.py",
            "tests/ledger/scheduling/test_scheduling_order.py",
        ),
    ),
    Mutant(
        "waiting-deferred",
        "what rq deleted stays in its deferred registry",
        "handoff/ledger/lua/libraries/waiting/waiting.lua",
        "  redis.call('ZREM', K.rq_deferred .. Call.lobby, job_id)\n",
        "",
        (
            "tests/ledger/cases/test_case_rq.py",
            "tests/ledger/rq/test_rq_verbs.py",
        ),
    ),
    Mutant(
        "wake-memory",
        "room for memory wakes nobody who wants it",
        "handoff/ledger/lua/libraries/waiting/wake.lua",
        "        ranges[#ranges + 1] = {Resource.memory(resource), before, free}\n",
        "        local _ = resource\n",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/scheduling/test_scheduling_devices.py",
        ),
    ),
)
