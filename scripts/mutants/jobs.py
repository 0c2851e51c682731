"""Defects in functions as jobs of RQ."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "admit-join-variant",
        "a variant whose time has come is not tried, it only waits",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        (
            "  local node = Find.may_fit(shape, rank) and Find.node(shape, rank, Placing.strategy_of(job))\n"
            "  if node then\n"
            "    Waiting.stop"
        ),
        ("  local node = nil\n  if node then\n    Waiting.stop"),
        (
            "tests/ledger/scheduling/test_scheduling_several_costs.py",
            "tests/ledger/scheduling/test_scheduling_order.py",
        ),
    ),
    Mutant(
        "adopt-demand",
        "a job of rq's own gets no slot",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        "{{Resource.SLOTS, Resource.UNIT}}",
        "{{Resource.SLOTS, 0}}",
        (
            "tests/ledger/rq/test_rq_requeue.py",
            "tests/ledger/test_lifetimes.py",
        ),
    ),
    Mutant(
        "cancel-same-token",
        "a cancel asked again says that another decided",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    return job.cancel == token\n",
        "    return false\n",
        (
            "tests/client/functions/test_function_cancel.py",
            "tests/ledger/test_commands_to_agents.py",
        ),
    ),
    Mutant(
        "ending-timer",
        "the timer of a function that has ended stays",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "    Timers.drop(Timer.of('expire', job.id))\n",
        "    local _ = job\n",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py",
            "tests/why/test_status_function.py",
        ),
    ),
    Mutant(
        "executions-timer",
        "the limit of waiting strikes a function that runs",
        "handoff/ledger/lua/libraries/jobs/executions.lua",
        "    Timers.drop(Timer.of('expire', job.id))\n",
        "    local _ = job\n",
        (
            "tests/ledger/runs/test_run_keeping.py",
            "tests/ledger/scheduling/test_scheduling_timed.py",
        ),
    ),
    Mutant(
        "failing-keep",
        "a job of which nothing is kept is gone before its on_failure",
        "handoff/ledger/lua/libraries/jobs/failing.lua",
        "    job.failure_ttl = '60'\n",
        "    local _ = job\n",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py",
            "tests/ledger/scheduling/test_scheduling_infeasible.py",
        ),
    ),
    Mutant(
        "fitness-again",
        "fitness is looked at once only",
        "handoff/ledger/lua/libraries/jobs/fitness.lua",
        "  Timers.set(Timer.of('unfit', job.id), Call.now + ms)\n",
        "",
        (
            "tests/ledger/test_jobs.py",
            "tests/ledger/scheduling/test_scheduling_timed.py",
        ),
    ),
    Mutant(
        "job-before",
        "jobs are handed on in reverse",
        "handoff/ledger/lua/libraries/jobs/job.lua",
        "  return tonumber(one.rank or math.huge) < tonumber(other.rank or math.huge)",
        "  return tonumber(one.rank or math.huge) > tonumber(other.rank or math.huge)",
        (
            "tests/ledger/runs/test_run_order.py",
            "tests/ledger/test_forgetting_nodes.py",
        ),
    ),
    Mutant(
        "lobby-list",
        "RQ is not told of the lobby when something waits",
        "handoff/ledger/lua/libraries/jobs/lobby.lua",
        "  Queues.list(Call.lobby)\n",
        "",
        (
            "tests/ledger/test_brought_back_by_rq.py",
            "tests/client/runs/test_run_handle.py",
        ),
    ),
    Mutant(
        "placing-hint",
        "no hint for new work",
        "handoff/ledger/lua/libraries/jobs/placing.lua",
        "    Queues.hint(queue)\n",
        "    local _ = queue\n",
        (
            "tests/ledger/test_hint_of_work.py",
            "tests/ledger/test_forgetting_nodes.py",
        ),
    ),
    Mutant(
        "queues-ours",
        "jobs of namespaces that begin alike are taken for one's own",
        "handoff/ledger/lua/libraries/jobs/queues.lua",
        "  return queue == Call.lobby or Queues.node_of(queue or '') ~= nil",
        "  return string.sub(queue or '', 1, #Call.lobby) == Call.lobby",
        (
            "tests/ledger/rq/test_rq_jobs.py",
            "tests/ledger/scheduling/test_scheduling_timed.py",
        ),
    ),
    Mutant(
        "reconcile-long-queue",
        "on a long queue all that is reserved counts as queued",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "        return redis.call('LPOS', key, job_id)\n",
        "        return true\n",
        ("tests/ledger/test_books_against_queues.py",),
    ),
    Mutant(
        "registries-lt",
        "a registry is looked at when its last entry expires, not its first",
        "handoff/ledger/lua/libraries/jobs/registries.lua",
        "    redis.call('ZADD', K.prune, 'LT', (expires_s + 1) * 1000, key)",
        "    redis.call('ZADD', K.prune, (expires_s + 1) * 1000, key)",
        (
            "tests/ledger/test_lifetimes.py",
            "tests/ledger/rq/test_rq_registries.py",
        ),
    ),
    Mutant(
        "take-closing",
        "a node that somebody empties starts what stands on its queue",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        "  if Node.is_closing(node) then\n",
        "  if false then\n",
        (
            "tests/ledger/test_closed_nodes.py",
            "tests/ledger/test_hint_of_work.py",
        ),
    ),
    Mutant(
        "words-run",
        "no word is left of a run that has ended",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "    redis.call('SET', K.words .. run, word, 'PX', RUN_WORD_MS)\n",
        "    local _ = run\n",
        (
            "tests/ledger/runs/test_run_keeping.py",
            "tests/client/runs/test_run_results.py",
        ),
    ),
    Mutant(
        "worker-beat",
        "a heartbeat does not renew the worker's key",
        "handoff/ledger/lua/libraries/jobs/worker.lua",
        (
            "  redis.call('HSET', key, 'last_heartbeat', Timestamp.now())\n"
            "  redis.call('PEXPIRE', key, 3 * tonumber(node.lease_ms))\n"
        ),
        "  redis.call('HSET', key, 'last_heartbeat', Timestamp.now())\n",
        (
            "tests/ledger/test_heartbeat.py",
            "tests/ledger/rq/test_rq_workers.py",
        ),
    ),
)
