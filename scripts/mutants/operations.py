"""Defects in operations."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "allocate-again",
        "an allocation asked again after one of its nodes was lost answers as if it were not",
        "handoff/ledger/lua/operations/client/allocate.lua",
        "    is_whole = is_whole and node and node.state == 'up'\n",
        "    is_whole = is_whole and node\n",
        (
            "tests/ledger/cases/test_case_leases.py",
            "tests/ledger/test_redis_tracker.py",
        ),
    ),
    Mutant(
        "attend-timer",
        "to be there does not put off the end of an attached run",
        "handoff/ledger/lua/operations/client/attend.lua",
        "Timers.keep_off(Timer.of('attached', run), ms)\n",
        "",
        (
            "tests/client/runs/test_run_attached.py",
            "tests/ledger/runs/test_run_cancel.py",
        ),
    ),
    Mutant(
        "cancel-ours",
        "functions of other namespaces can be canceled",
        "handoff/ledger/lua/operations/client/cancel.lua",
        ("if job and not Queues.is_ours(job.origin) then\n  return {'unknown'}\nend\n"),
        "",
        (
            "tests/ledger/cases/test_case_rq.py",
            "tests/ledger/rq/test_rq_requeue.py",
        ),
    ),
    Mutant(
        "cancel-run-loading",
        "a graph that is being loaded cannot be canceled",
        "handoff/ledger/lua/operations/client/cancel_run.lua",
        ("if fields[1] == 'loading' then\n  Run.drop(run)\n  Settle.go_on(32)\n  return {'canceled'}\nend\n"),
        "",
        (
            "tests/ledger/runs/test_run_loading.py",
            "tests/client/runs/test_run_handle.py",
        ),
    ),
    Mutant(
        "explain-held",
        "holds that keep a function back are not told",
        "handoff/ledger/lua/operations/client/explain.lua",
        "    is_told = is_told or is_kept_back(node, each.shape)\n",
        "    local _ = each\n",
        (
            "tests/why/explain/test_explain_overtaking.py",
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py",
        ),
    ),
    Mutant(
        "load-before",
        "the run before a graph that is dropped is not found",
        "handoff/ledger/lua/operations/client/load.lua",
        "    redis.call('HSET', K.run .. run, 'before', other)\n",
        "    local _ = other\n",
        (
            "tests/client/runs/test_run_handle.py",
            "tests/ledger/runs/test_run_again.py",
        ),
    ),
    Mutant(
        "probe-claims",
        "whether something fits is told as for a function that waits",
        "handoff/ledger/lua/operations/client/probe.lua",
        "Fit.CLAIMS) and 1 or 0}",
        "0) and 1 or 0}",
        (
            "tests/ledger/cases/test_case_leases.py",
            "tests/client/refused/test_refused_amounts.py",
        ),
    ),
    Mutant(
        "release-again",
        "a release asked again says that another did it",
        "handoff/ledger/lua/operations/client/release.lua",
        "  return {redis.call('GET', K.released .. id) == token and 'released' or 'gone'}",
        "  return {'gone'}",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/ledger/cases/test_case_leases.py",
        ),
    ),
    Mutant(
        "request-again",
        "a request asked again claims twice",
        "handoff/ledger/lua/operations/client/request.lua",
        "if record then\n",
        "if false then\n",
        (
            "tests/ledger/test_redis_tracker.py",
            "tests/client/functions/test_function_allocator.py",
        ),
    ),
    Mutant(
        "submit-due",
        "what is due already is delayed",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        "  if date > Call.wall or delay_ms > 0 then",
        "  if date >= Call.wall or delay_ms > 0 then",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py",
            "tests/ledger/test_hint_of_work.py",
        ),
    ),
    Mutant(
        "tick-lock",
        "everybody ticks at once",
        "handoff/ledger/lua/operations/housekeeping/tick.lua",
        "  return {'busy'}\n",
        "  local _ = token\n",
        ("tests/ledger/test_walk_over_tokens.py",),
    ),
    Mutant(
        "beat-forgotten",
        "an agent is not told to stop what Redis has forgotten",
        "handoff/ledger/lua/operations/node/beat.lua",
        "    forgotten[#forgotten + 1] = ARGV[i]\n",
        "    local _ = i\n",
        (
            "tests/ledger/test_epochs.py",
            "tests/client/functions/test_function_cancel.py",
        ),
    ),
    Mutant(
        "finish-more",
        "an exchange asked again does not say that work is left over",
        "handoff/ledger/lua/operations/node/finish.lua",
        ("Take.started_under(node, op), Settle.is_done() and 0 or 1}\nend"),
        ("Take.started_under(node, op), 0}\nend"),
        (
            "tests/ledger/cases/test_case_order.py",
            "tests/ledger/runs/test_run_repeats.py",
        ),
    ),
    Mutant(
        "quiet-hold",
        "a node that falls quiet stays held",
        "handoff/ledger/lua/operations/node/quiet.lua",
        ("Holds.lift(node)\nNode.set_field(node, 'quiet', '1')"),
        "Node.set_field(node, 'quiet', '1')",
        (
            "tests/ledger/test_heads_that_nobody_could_hold.py",
            "tests/ledger/cases/test_case_order.py",
        ),
    ),
    Mutant(
        "register-lost",
        "a lost node that came back is forgotten after an hour",
        "handoff/ledger/lua/operations/node/register.lua",
        "redis.call('ZREM', K.lost, name)\n",
        "",
        (
            "tests/ledger/test_forgetting_nodes.py",
            "tests/ledger/test_epochs.py",
        ),
    ),
    Mutant(
        "deregister-drained",
        "a node that was deregistered by hand comes back drained",
        "handoff/ledger/lua/operations/operator/deregister.lua",
        ("if incarnation == '' then\n  redis.call('SREM', K.drained, name)\nend\n"),
        "",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py",
            "tests/ledger/test_redis_tracker.py",
        ),
    ),
    Mutant(
        "undrain-timer",
        "the deadline of a drain strikes after it was taken back",
        "handoff/ledger/lua/operations/operator/drain.lua",
        ("    Timers.drop(Timer.of('drain', name))\n    Node.set_field(node, 'draining', nil)"),
        "    Node.set_field(node, 'draining', nil)",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py",
            "tests/ledger/test_closed_nodes.py",
        ),
    ),
    Mutant(
        "nodes-lease",
        "what is left of a lease may be less than nothing",
        "handoff/ledger/lua/libraries/nodes/leases.lua",
        "math.max(0, ends - Call.uptime - (unheard_ms or 0))",
        "ends - Call.uptime - (unheard_ms or 0)",
        (
            "tests/ledger/runs/test_run_keeping.py",
            "tests/ledger/test_asking_again_after_the_end.py",
        ),
    ),
    Mutant(
        "register-static-leased",
        "a static node takes the name of an agent",
        "handoff/ledger/lua/operations/operator/register_node.lua",
        ("  if node.state == 'up' then\n    return {'leased', node.holder}\n  end\n"),
        "",
        (
            "tests/ledger/cases/test_case_leases.py",
            "tests/ledger/cases/test_case_order.py",
        ),
    ),
    Mutant(
        "share-given-up",
        "what is shared no longer is not tried on nodes that have it",
        "handoff/ledger/lua/operations/operator/share.lua",
        "    Dirty.mark(name)\n",
        "    local _ = name\n",
        (
            "tests/ledger/scheduling/test_scheduling_shared.py",
            "tests/client/runs/test_run_why.py",
        ),
    ),
)
