"""Defects in what recurs."""

from __future__ import annotations

from mutants.mutant import Mutant

FIRE = "handoff/ledger/lua/operations/client/fire.lua"
EVERY = "handoff/ledger/lua/operations/client/every.lua"
TESTS = "tests/client/test_recurring.py"

MUTANTS = (
    Mutant(
        "recurring-due",
        "whoever comes second submits a moment again",
        FIRE,
        "(known[2] ~= due or known[5])",
        "known[5]",
        (f"{TESTS}::TestMoments::test_two_that_have_read_it_before_either_wrote_submit_it_once[fake]",),
    ),
    Mutant(
        "recurring-skip",
        "a moment is run beside the run before",
        FIRE,
        "known[4] == 'skip' and runs_still(known[3])",
        "false",
        (f"{TESTS}::TestOverlap::test_a_moment_is_left_out_or_not_while_the_run_before_goes_on[fake-skip-1]",),
    ),
    Mutant(
        "recurring-kept",
        "what is said again begins anew, and what was due is lost",
        EVERY,
        "if known[1] ~= when or known[2] ~= zone or not redis.call('ZSCORE', K.schedules, name) then",
        "if true then",
        (f"{TESTS}::TestAgain::test_said_again_with_the_same_moments_it_keeps_what_is_due[fake]",),
    ),
    Mutant(
        "recurring-fold",
        "what names a time runs twice in the night that has it twice",
        "handoff/words/recurring.py",
        "if is_hourly or not datetime.fromtimestamp(found, zone).fold:",
        "if True:",
        ("tests/words/test_recurring.py::TestNights::test_of_an_hour_that_comes_twice_the_first_counts",),
    ),
    Mutant(
        "recurring-bent",
        "what somebody has bent keeps all others from their moments",
        "handoff/ledger/recurring.py",
        '            await run("pause_schedule", name=name, paused=1, due=0)',
        "            raise",
        (f"{TESTS}::TestRefused::test_what_somebody_has_bent_is_paused_and_keeps_nobody_from_theirs[fake]",),
    ),
)
