"""Defects in what RQ sees of functions and of nodes."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "executions-timer",
        "the limit of waiting strikes a function that runs",
        "handoff/ledger/lua/libraries/jobs/executions.lua",
        "    Timers.drop(Timer.of('expire', job.id))",
        "    local _ = job",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py::test_delays_and_waits_that_are_over[real-what has started has waited long enough, once for all]",
        ),
    ),
    Mutant(
        "executions-finish",
        "the execution of what has ended stays",
        "handoff/ledger/lua/libraries/jobs/executions.lua",
        "keys[2 * i - 1], keys[2 * i] = K.rq_execution .. id, K.rq_executions",
        "keys[2 * i - 1], keys[2 * i] = K.rq_executions .. id, K.rq_executions",
        (
            "tests/ledger/rq/test_rq_registries.py::TestRegistries::test_a_function_that_runs_longer_than_a_heartbeat_is_one_execution_of_its_agent[real]",
        ),
    ),
    Mutant(
        "executions-finish-list",
        "executions of a job stay listed",
        "handoff/ledger/lua/libraries/jobs/executions.lua",
        "K.rq_execution .. id, K.rq_executions .. Reservation.parts(id)\n",
        "K.rq_execution .. id, K.rq_execution .. id\n",
        (
            "tests/ledger/rq/test_rq_registries.py::TestRegistries::test_a_function_that_runs_longer_than_a_heartbeat_is_one_execution_of_its_agent[fake]",
        ),
    ),
    Mutant(
        "executions-wip-inf",
        "RQ's own cleanup may take what runs for abandoned",
        "handoff/ledger/lua/libraries/jobs/executions.lua",
        "  redis.call('ZADD', K.rq_wip .. queue, '+inf', id)",
        "  redis.call('ZADD', K.rq_wip .. queue, Call.now / 1000, id)",
        (
            "tests/ledger/rq/test_rq_registries.py::TestRegistries::test_rqs_cleanup_leaves_what_runs_alone_however_long_ago_it_was_started[real]",
        ),
    ),
    Mutant(
        "commands-first",
        "an agent is told of what a full server refuses then",
        "handoff/ledger/lua/libraries/jobs/commands.lua",
        "  Call.commands[#Call.commands + 1] = {K.rq_channel .. queue, command}",
        "  redis.pcall('PUBLISH', K.rq_channel .. queue, command)",
        (
            "tests/ledger/store/test_store_unavailable.py::TestFull::test_an_agent_is_told_nothing_of_a_cancel_that_a_full_server_refuses",
        ),
    ),
    Mutant(
        "queues-hint-taken",
        "a hint though the same script takes the work",
        "handoff/ledger/lua/libraries/jobs/queues.lua",
        "    job_id = table.remove(coming, 1)\n",
        "    job_id = table.remove(coming, 1)\n    Commands.work(queue)\n",
        ("tests/ledger/test_hint_of_work.py::test_what_the_same_call_takes_needs_no_hint[fake]",),
    ),
    Mutant(
        "queues-ours",
        "jobs of namespaces that begin alike are taken for one's own",
        "handoff/ledger/lua/libraries/jobs/queues.lua",
        "  return queue == Call.lobby or Queues.node_of(queue or '') ~= nil",
        "  return string.sub(queue or '', 1, #Call.lobby) == Call.lobby",
        ("tests/ledger/test_names_of_queues.py::test_no_function_of_a_namespace_that_begins_alike_is_canceled[real]",),
    ),
    Mutant(
        "reconcile-long-queue",
        "on a long queue all that is reserved counts as queued",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "not redis.call('LPOS', key, job_id)) then\n      missing",
        "false) then\n      missing",
        (
            "tests/ledger/test_books_against_queues.py::test_what_was_taken_off_a_queue_stands_there_again[fake-a long queue]",
        ),
    ),
    Mutant(
        "reconcile-not-queued",
        "nothing that is reserved counts as queued",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "  return redis.call('LPOS', Queues.settle(Queues.of(node.name)), job_id) ~= false",
        "  return false",
        ("tests/ledger/test_late_calls.py::test_what_stands_on_the_queue_by_the_time_it_is_denied_stays_there[real]",),
    ),
    Mutant(
        "reconcile-slice",
        "of a page of Redis's own that is larger only the last are looked at",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "before > 0 and Cursor.write(cursor, before) or ",
        "",
        (
            "tests/ledger/test_heartbeat.py::test_of_reservations_that_redis_keeps_packed_each_that_does_not_run_is_lost",
        ),
    ),
    Mutant(
        "reconcile-canceled",
        "an agent is not told at its beat to stop what was canceled",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "if not is_its_own or (cancel and cancel ~= '') or evicted == placement then",
        "if not is_its_own or evicted == placement then",
        (
            "tests/ledger/rq/test_rq_requeue.py::TestRequeued::test_a_canceled_function_that_was_requeued_can_be_canceled_again[real]",
        ),
    ),
    Mutant(
        "reconcile-evicted",
        "nor what is past the deadline of a drain",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "if not is_its_own or (cancel and cancel ~= '') or evicted == placement then",
        "if not is_its_own or (cancel and cancel ~= '') then",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py::test_drain[real-what still runs at the deadline is stopped]",
        ),
    ),
    Mutant(
        "reconcile-readmit",
        "what was taken off a queue is not placed again",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        ("    Reservations.give_back(node, id, 'gone')\n    Admit.job(job)"),
        "    Reservations.give_back(node, id, 'gone')",
        (
            "tests/ledger/test_books_against_queues.py::test_what_was_taken_off_a_queue_stands_there_again[fake-a short queue]",
        ),
    ),
    Mutant(
        "reconcile-wake",
        "room that comes back so wakes nobody",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "  Wake.node(node, 8)",
        "",
        (
            "tests/ledger/rq/test_rq_verbs.py::TestVerbs::test_the_room_of_what_rq_took_off_the_queue_of_a_static_node_comes_back[fake-job.cancel()]",
        ),
    ),
    Mutant(
        "reconcile-namesake",
        "an agent is not told to stop a job whose id was given anew",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "local is_its_own = last == placement and (",
        "local is_its_own = (",
        (
            "tests/ledger/cases/test_case_rq.py::TestRqsTools::test_what_runs_of_a_deleted_job_is_stopped_though_its_namesake_runs_too[real]",
        ),
    ),
    Mutant(
        "reconcile-lost-start",
        "what was started for an agent that does not run it stays started",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "      Recovery.one(node, id, 'unknown')",
        "      local _ = id",
        (
            "tests/ledger/test_heartbeat.py::test_what_was_started_for_an_agent_that_does_not_run_it_is_tried_again[real]",
        ),
    ),
    Mutant(
        "registries-lt",
        "a registry is looked at when its last entry expires, not its first",
        "handoff/ledger/lua/libraries/jobs/registries.lua",
        "    redis.call('ZADD', K.prune, 'LT', (expires_s + 1) * 1000, key)",
        "    redis.call('ZADD', K.prune, (expires_s + 1) * 1000, key)",
        ("tests/ledger/test_lifetimes.py::test_each_entry_of_a_registry_goes_when_its_own_time_is_over[real]",),
    ),
    Mutant(
        "registries-prune",
        "registries are never looked at",
        "handoff/ledger/lua/libraries/jobs/registries.lua",
        "    redis.call('ZADD', K.prune, 'LT', (expires_s + 1) * 1000, key)",
        "    local _ = key",
        ("tests/ledger/test_lifetimes.py::test_each_entry_of_a_registry_goes_when_its_own_time_is_over[real]",),
    ),
    Mutant(
        "worker-beat",
        "a heartbeat does not renew the worker's key",
        "handoff/ledger/lua/libraries/jobs/worker.lua",
        (
            "'total_working_time', string.format('%.3f', worked_ms / 1000))\n"
            "  redis.call('PEXPIRE', key, 3 * tonumber(node.lease_ms))"
        ),
        "'total_working_time', string.format('%.3f', worked_ms / 1000))",
        (
            "tests/ledger/test_heartbeat.py::test_a_worker_whose_key_has_expired_has_an_end_again_with_the_next_heartbeat[fake]",
        ),
    ),
    Mutant(
        "worker-count",
        "what a worker did is not counted",
        "handoff/ledger/lua/libraries/jobs/worker.lua",
        "  if failed > 0 then",
        "  if false then",
        (
            "tests/ledger/rq/test_rq_workers.py::TestWorkers::test_it_says_at_its_heartbeats_whether_something_runs_and_counts_what_it_did[fake]",
        ),
    ),
    Mutant(
        "worker-forget",
        "a node that goes stays a worker of its queue",
        "handoff/ledger/lua/libraries/jobs/worker.lua",
        "  redis.call('SREM', K.rq_queue_workers .. queue, key)",
        "",
        ("tests/ledger/test_forgetting_nodes.py::test_a_node_that_was_lost_an_hour_ago_is_forgotten[fake]",),
    ),
    Mutant(
        "worker-register-expiry",
        "the key of a worker that never beats stays",
        "handoff/ledger/lua/libraries/jobs/worker.lua",
        ("state_of(node), unpack(fields))\n  redis.call('PEXPIRE', key, 3 * tonumber(node.lease_ms))"),
        "state_of(node), unpack(fields))",
        ("tests/ledger/test_heartbeat.py::test_a_worker_has_an_end_before_its_first_heartbeat[real]",),
    ),
    Mutant(
        "rqs-own-worker",
        "what a worker of RQ's own has run is not given back when somebody looks",
        "handoff/ledger/records.py",
        "    if worker and not is_queue_of(ledger.namespace, worker):",
        "    if worker == '*':",
        ("tests/ledger/rq/test_rq_own_workers.py::test_what_has_failed_under_it_gives_its_room_back_too[real]",),
    ),
    Mutant(
        "dependents-failed",
        "a job of RQ's own waits for ever for what has failed, though that was allowed",
        "handoff/ledger/dependents.py",
        '        allowed = (b"finished", b"failed") if allows_failure else (b"finished",)',
        '        allowed = (b"finished",)',
        (
            "tests/ledger/rq/test_rq_dependents.py::test_of_what_has_not_finished_only_a_failure_that_is_allowed_lets_it_start[real-failed, which is allowed]",
        ),
    ),
    Mutant(
        "executions-forget",
        "what rq cancels while it runs, and what is lost then, stays among RQ's executions",
        "handoff/ledger/lua/libraries/nodes/recovery.lua",
        "    Executions.forget(Queues.of(node.name), id)\n",
        "",
        (
            "tests/ledger/rq/test_rq_workers.py::TestWorkers::test_nothing_is_left_of_what_rq_cancels_while_it_runs_and_ends_before_the_next_heartbeat",
        ),
    ),
)
