"""Defects in runs of graphs."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "consequences-woken",
        "who waits in front of one that became ready is not tried before it",
        "handoff/ledger/lua/libraries/runs/consequences.lua",
        "    budget = budget - most + Wake.node(node, most, tonumber(job.rank))\n",
        "    budget = budget - most\n",
        (
            "tests/ledger/runs/test_run_readiness.py",
            "tests/ledger/runs/test_run_order.py",
        ),
    ),
    Mutant(
        "expiry-groups",
        "a group of a run that has ended stays on its node",
        "handoff/ledger/lua/libraries/runs/expiry.lua",
        "    redis.call('SREM', K.groups_on .. page[i + 1], GroupField.on_node(step.run, group))\n",
        "    local _ = group\n",
        (
            "tests/ledger/runs/test_run_groups_move.py",
            "tests/ledger/runs/test_run_groups.py",
        ),
    ),
    Mutant(
        "groups-resign-deleted",
        "others wait behind a chooser that rq deleted",
        "handoff/ledger/lua/libraries/runs/groups.lua",
        ("  if group then\n    Groups.resign(run, group, number)\n  end\n"),
        "",
        ("tests/ledger/runs/test_run_rq.py",),
    ),
    Mutant(
        "inputs-bulk",
        "large results are sent along",
        "handoff/ledger/lua/libraries/runs/inputs.lua",
        ("    Call.sent[id] = not Job.get(id, 'bulk')\n      and redis"),
        "    Call.sent[id] = redis",
        (
            "tests/ledger/runs/test_run_readiness.py",
            "tests/ledger/runs/test_run_order.py",
        ),
    ),
    Mutant(
        "leftovers-save",
        "what a script leaves over is forgotten when it ends",
        "handoff/ledger/lua/libraries/runs/leftovers.lua",
        "    redis.call('ZADD', K.leftovers, Call.leftovers[i][2], Call.leftovers[i][1])\n",
        "    local _ = i\n",
        (
            "tests/client/runs/test_run_results.py",
            "tests/ledger/runs/test_run_loading.py",
        ),
    ),
    Mutant(
        "readiness-skip-message",
        "what is skipped does not name who failed",
        "handoff/ledger/lua/libraries/runs/readiness.lua",
        "  local culprit = before or name or step.number\n",
        "  local culprit = name or step.number\n",
        (
            "tests/ledger/runs/test_run_failures.py",
            "tests/ledger/runs/test_run_keeping.py",
        ),
    ),
    Mutant(
        "regroup-back",
        "a group of a node that is open again chooses again",
        "handoff/ledger/lua/libraries/runs/regrouping.lua",
        (
            "  if node and node.state == 'up' and not Node.is_closing(node) then\n"
            "    -- It is back.\n"
            "    return Steps.STEP\n"
            "  end\n"
        ),
        "",
        ("tests/ledger/runs/test_run_groups_move.py",),
    ),
    Mutant(
        "run-resign-deleted",
        "others wait behind a chooser that rq deleted",
        "handoff/ledger/lua/libraries/runs/run.lua",
        "    Groups.resign_everywhere(run, number)\n",
        "    local _ = number\n",
        ("tests/ledger/runs/test_run_rq.py",),
    ),
    Mutant(
        "run-sweep-deleted",
        "what rq deleted keeps its run from its end",
        "handoff/ledger/lua/libraries/runs/run_sweep.lua",
        "    Run.leave(job, 'canceled')\n",
        "    local _ = job\n",
        ("tests/ledger/runs/test_run_rq.py",),
    ),
    Mutant(
        "stopping-deleted",
        "what rq deleted of a run that is stopped keeps it from its end",
        "handoff/ledger/lua/libraries/runs/stopping.lua",
        "      Run.leave(job, 'canceled', run)\n",
        "      local _ = job\n",
        ("tests/ledger/test_limit_of_a_run.py",),
    ),
    Mutant(
        "tokens-counter",
        "the counter of a run's tokens stays when it has ended",
        "handoff/ledger/lua/libraries/runs/tokens.lua",
        "  Counters.forget(token)\n",
        "",
        (
            "tests/ledger/runs/test_run_limits.py",
            "tests/ledger/test_limit_of_a_run.py",
        ),
    ),
    Mutant(
        "whole-variant",
        "what is reserved whole starts as its first variant",
        "handoff/ledger/lua/libraries/runs/whole.lua",
        "      return i\n",
        "      return 1\n",
        (
            "tests/ledger/runs/test_run_reserve_whole.py",
            "tests/ledger/runs/test_run_failures.py",
        ),
    ),
)
