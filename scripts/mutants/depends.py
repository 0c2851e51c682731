"""Defects in how functions wait for others outside of runs."""

from __future__ import annotations

from mutants.mutant import Mutant

DEPENDENCIES = "handoff/ledger/lua/libraries/jobs/dependencies.lua"
RELEASING = "handoff/ledger/lua/libraries/jobs/releasing.lua"
SWEEP = "handoff/ledger/lua/libraries/housekeeping/awaited_sweep.lua"
TESTS = "tests/client/functions/test_function_depends.py::"

MUTANTS = (
    Mutant(
        "depends-end-unseen",
        "the end of a function lets nobody go that waits for it",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "    Leftovers.add('release', status, job.id)\n",
        "",
        (TESTS + "TestUntilAllHaveEnded::test_it_is_started_by_that_very_finish[real]",),
    ),
    Mutant(
        "depends-first",
        "the first of several lets it go",
        DEPENDENCIES,
        "  return left <= 0",
        "  return true",
        (TESTS + "TestUntilAllHaveEnded::test_it_is_placed_by_the_finish_of_the_last[real-handle]",),
    ),
    Mutant(
        "depends-failure",
        "a failure lets it go though that is not allowed",
        DEPENDENCIES,
        "(status == 'failed' and Job.option(job, 'depends') == '1')",
        "status == 'failed'",
        (TESTS + "TestWhereOneDoesNotFinish::test_it_stays_deferred_unless_a_failure_is_allowed[real-failed]",),
    ),
    Mutant(
        "depends-missing",
        "it may depend on what is not there",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "    if missing then",
        "    if false then",
        (TESTS + "TestOnWhatHasEnded::test_one_that_is_not_there_is_refused_and_nothing_is_written[real]",),
    ),
    Mutant(
        "depends-replaced",
        "another of an id that is waited for is not waited for",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "    if former and former.awaited then",
        "    if false then",
        (TESTS + "TestWhereOneDoesNotFinish::test_it_goes_on_when_another_of_that_id_finishes[real]",),
    ),
    Mutant(
        "depends-canceled",
        "one that is canceled is still among those that wait",
        "handoff/ledger/lua/libraries/jobs/cancel.lua",
        "    Dependencies.leave(job)\n",
        "",
        (TESTS + "TestWhereOneDoesNotFinish::test_it_is_canceled_like_any_other_and_nothing_is_left_of_it[real]",),
    ),
    Mutant(
        "depends-best-rank",
        "of many of which none may go only one slice is looked at",
        RELEASING,
        "    return cost, tonumber(page[#page])",
        "    return cost",
        (TESTS + "TestUntilAllHaveEnded::test_whose_jobs_rq_deleted_keep_nobody_back[real]",),
    ),
    Mutant(
        "depends-deleted-by-rq",
        "what rq deleted is waited for by nobody, and stays",
        SWEEP,
        "      Dependencies.take_off(id, job_id)\n",
        "",
        (TESTS + "TestWhereOneDoesNotFinish::test_what_rq_takes_away_is_left_out[real-delete]",),
    ),
    Mutant(
        "depends-brought-back",
        "a job of rq's own that is brought back is not looked at again",
        SWEEP,
        "    look_again(K.watched, id, 0)\n",
        "",
        (TESTS + "TestOnJobsOfRqsOwn::test_it_goes_on_when_one_that_has_failed_is_brought_back[real]",),
    ),
    Mutant(
        "depends-seen-to-fail",
        "what was seen to fail counts as finished when it is gone",
        SWEEP,
        "    redis.call('ZREM', K.watched, id)\n    look_again(K.awaited, id, Dependencies.SELDOM_MS)\n",
        "    look_again(K.watched, id, OFTEN_MS)\n",
        (TESTS + "TestOnJobsOfRqsOwn::test_one_that_was_seen_to_fail_does_not_count_when_it_is_gone[real]",),
    ),
)
