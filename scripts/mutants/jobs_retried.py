"""Defects in what is tried again, and when."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "retry-after-last",
        "what is said of the last attempt holds for none that follow",
        "handoff/ledger/lua/libraries/jobs/failing.lua",
        "asked[math.min(attempts, #asked)]",
        "asked[attempts]",
        (
            "tests/client/functions/test_function_retries.py::TestRetries::test_seconds_that_are_given_pass_between_attempts_and_the_last_of_them_between_all_others[real]",
        ),
    ),
    Mutant(
        "retry-on-subclass",
        "only the very class of what is raised is looked for",
        "workers/handoff_worker/inside/failure.py",
        "for kind in type(error).__mro__ if",
        "for kind in type(error).__mro__[:1] if",
        (
            "tests/worker/inside/test_execution_results.py::test_what_a_function_raises_is_tried_again_as_it_asks[options2-True]",
        ),
    ),
    Mutant(
        "retry-never",
        "what is never to be tried again is",
        "workers/handoff_worker/inside/failure.py",
        " and not _is_one(error, never)",
        "",
        (
            "tests/worker/inside/test_execution_results.py::test_what_a_function_raises_is_tried_again_as_it_asks[options5-False]",
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
            "tests/client/functions/test_function_lost.py::TestLostNode::test_on_failure_of_a_lost_function_is_handed_to_one_agent[real-tasks.told]",
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
)
