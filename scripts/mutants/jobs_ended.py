"""Defects in how functions end."""

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
            "tests/ledger/rq/test_rq_jobs.py::TestJobs::test_a_job_is_fetched_in_every_state_without_naming_a_serializer[real-to_canceled-canceled-.a]",
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
        ("tests/ledger/test_commands_to_agents.py::test_the_agent_of_a_running_function_is_told_of_its_cancel[real]",),
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
        ("tests/ledger/test_lifetimes.py::test_a_job_that_names_no_time_is_kept_as_rq_keeps_results[real]",),
    ),
    Mutant(
        "ending-default-failure-ttl",
        "a job that names no failure_ttl is kept for ever",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "Number.whole(job.failure_ttl, -1, math.huge) or FAILURE_TTL",
        "Number.whole(job.failure_ttl, -1, math.huge) or -1",
        ("tests/ledger/test_lifetimes.py::test_a_job_that_names_no_time_is_kept_as_rq_keeps_failures[real]",),
    ),
    Mutant(
        "ending-longest-ttl",
        "a ttl beyond what Redis takes is given to it",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "  return ttl > LONGEST_TTL and -1 or ttl",
        "  return ttl",
        (
            "tests/ledger/test_lifetimes.py::test_a_job_that_names_more_than_redis_takes_is_kept_for_ever[real-4611686018427387904]",
        ),
    ),
    Mutant(
        "ending-word",
        "no word is left of a function of which nothing is kept",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "    Words.leave(job)",
        "",
        ("tests/ledger/test_lifetimes.py::test_the_word_of_a_function_that_is_not_kept_is_kept_for_ten_minutes[real]",),
    ),
    Mutant(
        "ending-results",
        "of results any number is kept",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "'MAXLEN', 10, '*'",
        "'*'",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_of_a_function_that_ends_ever_again_the_last_results_are_kept[real]",
        ),
    ),
    Mutant(
        "ending-results-expire",
        "results never expire",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "    redis.call('EXPIRE', results, ttl)",
        "",
        ("tests/ledger/test_lifetimes.py::test_a_job_that_names_no_time_is_kept_as_rq_keeps_results[real]",),
    ),
    Mutant(
        "ending-worker-name",
        "a function that never ran names a worker",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "job.node and queue or ''",
        "queue",
        ("tests/ledger/test_lifetimes.py::test_a_function_that_never_ran_names_no_worker_in_its_result[real]",),
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
        "words-for-ever",
        "the word of a function never goes",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "word, 'PX', WORD_MS)",
        "word)",
        ("tests/ledger/test_lifetimes.py::test_the_word_of_a_function_that_is_not_kept_is_kept_for_ten_minutes[real]",),
    ),
    Mutant(
        "words-run",
        "no word is left of a run that has ended",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "    redis.call('SET', K.words .. run, word, 'PX', RUN_WORD_MS)",
        "    local _ = run",
        (
            "tests/ledger/test_asking_again_after_the_end.py::test_a_run_that_has_failed_and_is_not_kept_is_not_run_again[real]",
        ),
    ),
    Mutant(
        "words-run-short",
        "no word is left where a run is kept for some seconds",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "  if left_ms >= 0 and left_ms < RUN_WORD_MS then",
        "  if left_ms == 0 then",
        (
            "tests/ledger/test_asking_again_after_the_end.py::test_a_run_that_is_kept_for_less_time_than_anybody_may_ask_is_not_run_again[real]",
        ),
    ),
    Mutant(
        "words-run-long",
        "a word is left also where the run is kept longer",
        "handoff/ledger/lua/libraries/jobs/words.lua",
        "  if left_ms >= 0 and left_ms < RUN_WORD_MS then",
        "  if left_ms >= 0 then",
        (
            "tests/ledger/test_asking_again_after_the_end.py::test_a_run_that_is_kept_long_enough_leaves_no_word_beside_it[real]",
        ),
    ),
    Mutant(
        "parcels-whole",
        "a large value is taken for whole of which a part is missing",
        "handoff/ledger/lua/libraries/jobs/parcels.lua",
        "  return redis.call('STRLEN', K.parcel .. token) == size",
        "  return redis.call('STRLEN', K.parcel .. token) > 0",
        (
            "tests/ledger/test_large_values.py::TestResults::test_where_not_all_of_it_is_there_the_function_goes_on_until_it_is[real-a part]",
        ),
    ),
    Mutant(
        "sending-counted",
        "a reply to an agent is as large as all functions in it together",
        "handoff/ledger/lua/libraries/jobs/sending.lua",
        "  Call.sent_bytes = Call.sent_bytes + size\n",
        "",
        (
            "tests/ledger/test_large_values.py::TestArguments::test_a_reply_to_an_agent_is_never_large_however_many_functions_are_in_it[real]",
        ),
    ),
)
