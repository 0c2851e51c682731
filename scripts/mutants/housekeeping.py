"""Defects in housekeeping, events and what is left over."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "sweep-lost",
        "lost nodes are never forgotten",
        "handoff/ledger/lua/libraries/housekeeping/book_sweep.lua",
        "      Removal.remove(Node.load(name))\n",
        "      local _ = name\n",
        ("tests/ledger/test_forgetting_nodes.py",),
    ),
    Mutant(
        "callbacks-room",
        "more callbacks are handed out than the caller can run",
        "handoff/ledger/lua/libraries/housekeeping/callbacks.lua",
        "  for _ = 1, room do",
        "  for _ = 1, room + 1 do",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py",
            "tests/client/runs/test_run_handle.py",
        ),
    ),
    Mutant(
        "due-after-gone",
        "a function that is gone before any of its variants counts stays among those that wait",
        "handoff/ledger/lua/libraries/housekeeping/due.lua",
        "    Waiting.forget(id)\n",
        "    local _ = id\n",
        (
            "tests/ledger/scheduling/test_scheduling_several_costs.py",
            "tests/ledger/scheduling/test_scheduling_strategies.py",
        ),
    ),
    Mutant(
        "queues-past",
        "what rq requeues where a node was is not found",
        "handoff/ledger/lua/libraries/housekeeping/queue_sweep.lua",
        "  local is_empty = not is_known and adopt_queue(queue)\n",
        "  local is_empty = not is_known\n",
        (
            "tests/ledger/rq/test_rq_requeue.py",
            "tests/ledger/test_forgetting_nodes.py",
        ),
    ),
    Mutant(
        "settle-again",
        "of a group that chose in the last step the others go on waiting",
        "handoff/ledger/lua/libraries/settle.lua",
        ("  if Leftovers.any() and budget > 0 then\n    Consequences.work_off(budget)\n  end\n"),
        "",
        (
            "tests/client/functions/test_function_handle.py",
            "tests/ledger/runs/test_run_groups.py",
        ),
    ),
    Mutant(
        "events-bound",
        "the stream of events has no bound",
        "handoff/ledger/lua/libraries/time/events.lua",
        "'MAXLEN', '~', '10000', '*'",
        "'*'",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_bound.py",
            "tests/ledger/cases/test_case_rq.py",
        ),
    ),
    Mutant(
        "timestamp-year",
        "January and February are of the year before",
        "handoff/ledger/lua/libraries/time/timestamp.lua",
        "  local year = yoe + era * 400 + (month <= 2 and 1 or 0)",
        "  local year = yoe + era * 400",
        (
            "tests/ledger/test_times_as_rq_writes_them.py",
            "tests/ledger/rq/test_rq_jobs.py",
        ),
    ),
)
