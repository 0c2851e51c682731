"""Defects in how functions end, and what RQ sees of them."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "cancel-queue",
        "a canceled job stays on its queue",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    Queues.remove(job.origin, job.id)",
        "",
        (
            "tests/ledger/rq/test_rq_jobs.py::TestJobs::test_a_job_is_fetched_in_every_state_without_naming_a_serializer[fake-to_canceled-canceled-.a]",
        ),
    ),
    Mutant(
        "cancel-delayed",
        "a canceled job stays delayed",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "  redis.call('ZREM', K.delayed, job.id)",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_canceled.py::test_cancel_in_every_state[real-what is delayed never becomes ready]",
        ),
    ),
    Mutant(
        "cancel-reserved",
        "what a canceled function had reserved stays",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        ("  elseif job.reserved then\n    return give_back_early(job, outcome)\n  end"),
        "  end",
        ("tests/ledger/runs/test_run_reserve_whole.py::test_canceling_a_run_gives_back_what_it_reserved_whole[real]",),
    ),
    Mutant(
        "cancel-command",
        "the agent of a running function is not told of its cancel",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    Commands.stop(job)",
        "",
        ("tests/ledger/test_commands_to_agents.py::test_the_agent_of_a_running_function_is_told_of_its_cancel[fake]",),
    ),
    Mutant(
        "cancel-wake",
        "the room of a canceled function wakes nobody",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    Wake.node(node, 8)",
        "    local _ = node",
        (
            "tests/client/functions/test_function_cancel.py::TestCancel::test_a_canceled_function_makes_room_for_those_that_wait[fake]",
        ),
    ),
    Mutant(
        "cancel-gone",
        "who is canceled while it waits counts as having overtaken",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    Counters.count_gone()",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_overtaking_holds.py::test_bounded_overtaking[real-those in front that are canceled put off no hold]",
        ),
    ),
    Mutant(
        "cancel-same-token",
        "a cancel asked again says that another decided",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    return job.cancel == token",
        "    return false",
        (
            "tests/ledger/test_lost_replies.py::test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost[cancel: delayed-known]",
        ),
    ),
    Mutant(
        "cancel-dirty",
        "the room of what a run gives up wakes nobody",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    Dirty.mark(node.name)",
        "    local _ = node",
        ("tests/ledger/runs/test_run_cancel.py::test_the_room_that_a_canceled_run_gives_up_goes_to_who_waits[real]",),
    ),
    Mutant(
        "cancel-event",
        "no event tells of a cancel",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    Events.emit('canceled', 'job', job.id)",
        "    local _ = job",
        (
            "tests/ledger/scheduling/test_scheduling_canceled.py::test_a_cancel_of_what_has_no_reservation_is_an_event_of_its_own[real-waits]",
        ),
    ),
    Mutant(
        "ending-default-ttl",
        "a job that names no result_ttl is kept for ever",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "Number.whole(job.result_ttl, -1, math.huge) or RESULT_TTL",
        "Number.whole(job.result_ttl, -1, math.huge) or -1",
        ("tests/ledger/test_lifetimes.py::test_a_job_that_names_no_time_is_kept_as_rq_keeps_results[fake]",),
    ),
    Mutant(
        "ending-default-failure-ttl",
        "a job that names no failure_ttl is kept for ever",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "Number.whole(job.failure_ttl, -1, math.huge) or FAILURE_TTL",
        "Number.whole(job.failure_ttl, -1, math.huge) or -1",
        ("tests/ledger/test_lifetimes.py::test_a_job_that_names_no_time_is_kept_as_rq_keeps_failures[fake]",),
    ),
    Mutant(
        "ending-longest-ttl",
        "a ttl beyond what Redis takes is given to it",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "  return ttl > LONGEST_TTL and -1 or ttl",
        "  return ttl",
        (
            "tests/ledger/test_lifetimes.py::test_a_job_that_names_more_than_redis_takes_is_kept_for_ever[fake-4611686018427387904]",
        ),
    ),
    Mutant(
        "ending-word",
        "no word is left of a function of which nothing is kept",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "    Words.leave(job)",
        "",
        ("tests/ledger/test_lifetimes.py::test_the_word_of_a_function_that_is_not_kept_is_kept_for_ten_minutes[fake]",),
    ),
    Mutant(
        "ending-results",
        "of results any number is kept",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "'MAXLEN', 10, '*'",
        "'*'",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_of_a_function_that_ends_ever_again_the_last_results_are_kept[fake]",
        ),
    ),
    Mutant(
        "ending-results-expire",
        "results never expire",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "    redis.call('EXPIRE', results, ttl)",
        "",
        ("tests/ledger/test_lifetimes.py::test_a_job_that_names_no_time_is_kept_as_rq_keeps_results[fake]",),
    ),
    Mutant(
        "ending-worker-name",
        "a function that never ran names a worker",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "job.node and queue or ''",
        "queue",
        ("tests/ledger/test_lifetimes.py::test_a_function_that_never_ran_names_no_worker_in_its_result[fake]",),
    ),
    Mutant(
        "ending-timer",
        "the timer of a function that has ended stays",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "    Timers.drop(Timer.of('expire', job.id))",
        "    local _ = job",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_a_limit_of_waiting_that_ended_with_a_cancel_does_not_count_when_it_is_brought_back[fake]",
        ),
    ),
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
            "tests/ledger/rq/test_rq_registries.py::TestRegistries::test_rqs_cleanup_leaves_what_runs_alone_however_long_ago_it_was_started[fake]",
        ),
    ),
    Mutant(
        "failing-doubling",
        "retries all wait equally long",
        "handoff/ledger/lua/libraries/jobs/failing.lua",
        "FIRST_BACKOFF_MS * 2 ^ (attempts - 1)",
        "FIRST_BACKOFF_MS",
        (
            "tests/client/functions/test_function_retries.py::TestRetries::test_a_failed_attempt_is_retried_after_a_delay_that_doubles[fake]",
        ),
    ),
    Mutant(
        "failing-longest",
        "the time before a retry grows without end",
        "handoff/ledger/lua/libraries/jobs/failing.lua",
        "math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ^ (attempts - 1))",
        "(FIRST_BACKOFF_MS * 2 ^ (attempts - 1))",
        (
            "tests/client/functions/test_function_retries.py::TestRetries::test_no_delay_is_longer_than_a_minute_but_for_its_jitter[fake]",
        ),
    ),
    Mutant(
        "failing-callback",
        "nobody runs the on_failure of what ended without an agent",
        "handoff/ledger/lua/libraries/jobs/failing.lua",
        "    redis.call('RPUSH', K.callbacks, job.id)",
        "    local _ = job",
        (
            "tests/client/functions/test_function_lost.py::TestLostNode::test_on_failure_of_a_lost_function_is_handed_to_one_agent[fake-tasks.told]",
        ),
    ),
    Mutant(
        "failing-keep",
        "a job of which nothing is kept is gone before its on_failure",
        "handoff/ledger/lua/libraries/jobs/failing.lua",
        "    job.failure_ttl = '60'",
        "    local _ = job",
        (
            "tests/ledger/test_lifetimes.py::test_a_function_that_is_not_kept_is_kept_until_somebody_runs_its_on_failure[fake]",
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
        ("tests/ledger/test_names_of_queues.py::test_no_function_of_a_namespace_that_begins_alike_is_canceled[fake]",),
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
        ("tests/ledger/test_late_calls.py::test_what_stands_on_the_queue_by_the_time_it_is_denied_stays_there[fake]",),
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
            "tests/ledger/rq/test_rq_requeue.py::TestRequeued::test_a_canceled_function_that_was_requeued_can_be_canceled_again[fake]",
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
            "tests/ledger/test_heartbeat.py::test_what_was_started_for_an_agent_that_does_not_run_it_is_tried_again[fake]",
        ),
    ),
    Mutant(
        "registries-lt",
        "a registry is looked at when its last entry expires, not its first",
        "handoff/ledger/lua/libraries/jobs/registries.lua",
        "    redis.call('ZADD', K.prune, 'LT', (expires_s + 1) * 1000, key)",
        "    redis.call('ZADD', K.prune, (expires_s + 1) * 1000, key)",
        ("tests/ledger/test_lifetimes.py::test_each_entry_of_a_registry_goes_when_its_own_time_is_over[fake]",),
    ),
    Mutant(
        "registries-prune",
        "registries are never looked at",
        "handoff/ledger/lua/libraries/jobs/registries.lua",
        "    redis.call('ZADD', K.prune, 'LT', (expires_s + 1) * 1000, key)",
        "    local _ = key",
        ("tests/ledger/test_lifetimes.py::test_each_entry_of_a_registry_goes_when_its_own_time_is_over[fake]",),
    ),
    Mutant(
        "words-for-ever",
        "the word of a function never goes",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "word, 'PX', WORD_MS)",
        "word)",
        ("tests/ledger/test_lifetimes.py::test_the_word_of_a_function_that_is_not_kept_is_kept_for_ten_minutes[fake]",),
    ),
    Mutant(
        "words-run",
        "no word is left of a run that has ended",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "    redis.call('SET', K.words .. run, word, 'PX', RUN_WORD_MS)",
        "    local _ = run",
        (
            "tests/ledger/test_asking_again_after_the_end.py::test_a_run_that_has_failed_and_is_not_kept_is_not_run_again[fake]",
        ),
    ),
    Mutant(
        "words-run-short",
        "no word is left where a run is kept for some seconds",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "  if left_ms >= 0 and left_ms < RUN_WORD_MS then",
        "  if left_ms == 0 then",
        (
            "tests/ledger/test_asking_again_after_the_end.py::test_a_run_that_is_kept_for_less_time_than_anybody_may_ask_is_not_run_again[fake]",
        ),
    ),
    Mutant(
        "words-run-long",
        "a word is left also where the run is kept longer",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "  if left_ms >= 0 and left_ms < RUN_WORD_MS then",
        "  if left_ms >= 0 then",
        (
            "tests/ledger/test_asking_again_after_the_end.py::test_a_run_that_is_kept_long_enough_leaves_no_word_beside_it[fake]",
        ),
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
        ("tests/ledger/test_heartbeat.py::test_a_worker_has_an_end_before_its_first_heartbeat[fake]",),
    ),
    Mutant(
        "parcels-whole",
        "a large value is taken for whole of which a part is missing",
        "handoff/ledger/lua/libraries/jobs/parcels.lua",
        "  return redis.call('STRLEN', K.parcel .. token) == size",
        "  return redis.call('STRLEN', K.parcel .. token) > 0",
        (
            "tests/ledger/test_large_values.py::TestResults::test_where_not_all_of_it_is_there_the_function_goes_on_until_it_is[fake-a part]",
        ),
    ),
    Mutant(
        "sending-counted",
        "a reply to an agent is as large as all functions in it together",
        "handoff/ledger/lua/libraries/jobs/sending.lua",
        "  Call.sent_bytes = Call.sent_bytes + size\n",
        "",
        (
            "tests/ledger/test_large_values.py::TestArguments::test_a_reply_to_an_agent_is_never_large_however_many_functions_are_in_it[fake]",
        ),
    ),
)
