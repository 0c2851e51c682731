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
            "tests/why/explain/test_explain_change.py",
            "tests/ledger/scheduling/test_scheduling_several_costs.py",
        ),
    ),
    Mutant(
        "holders-shared-node",
        "of tokens it is not told on which node they are held",
        "handoff/ledger/lua/libraries/why/holders.lua",
        "    node = job_id and Job.get(job_id, 'node') or redis.call('HGET', K.claims, record.id) or ''\n",
        "    node = ''\n",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_ends.py",
            "tests/ledger/scheduling/test_scheduling_shared.py",
        ),
    ),
    Mutant(
        "near-barred",
        "a node that is held for others is told as the nearest",
        "handoff/ledger/lua/libraries/why/near.lua",
        "  local nodes = Scratch.without(Constraints.among(shape.terms, K.open), Holds.barred(shape, rank))\n",
        "  local nodes = Constraints.among(shape.terms, K.open)\n",
        (
            "tests/why/explain/test_explain_overtaking.py",
            "tests/ledger/scheduling/test_scheduling_timed.py",
        ),
    ),
    Mutant(
        "nearest-drained",
        "that a drained node could hold it is not told",
        "handoff/ledger/lua/libraries/why/nearest.lua",
        "        return node.name\n",
        "        local _ = node\n",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py",
            "tests/ledger/test_heads_that_nobody_could_hold.py",
        ),
    ),
    Mutant(
        "releases-held-tokens",
        "who waits for tokens that are held for another is told who has to end",
        "handoff/ledger/lua/libraries/why/releases.lua",
        ("  if shared.over or Holds.bars(shared, shape, rank) then\n    return nil\n  end\n"),
        "",
        (
            "tests/ledger/scheduling/test_scheduling_shared.py",
            "tests/client/runs/test_run_why.py",
        ),
    ),
    Mutant(
        "by-class-held",
        "how many with room are held for others is not told",
        "handoff/ledger/lua/libraries/why/short_by_class.lua",
        "      room, withheld = redis.call('BITCOUNT', roomy), redis.call('BITCOUNT', Scratch.both(roomy, barred))\n",
        "      room, withheld = redis.call('BITCOUNT', roomy), 0\n",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_nodes.py",
            "tests/why/test_status_function.py",
        ),
    ),
)
