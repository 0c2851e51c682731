"""Defects in what recurs."""

from __future__ import annotations

from mutants.mutant import Mutant

FIRE = "handoff/ledger/lua/operations/client/fire.lua"
EVERY = "handoff/ledger/lua/operations/client/every.lua"
TESTS = "tests/client/test_recurring.py"
PLANTED = "tests/doctor/test_planted_schedules.py::test_what_would_be_late_or_never_come_is_found_and_mended"
LOST = "tests/ledger/test_lost_replies.py::test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost"

MUTANTS = (
    Mutant(
        "recurring-due",
        "whoever comes second submits a moment again",
        FIRE,
        "(known[2] ~= due or known[5])",
        "known[5]",
        (f"{TESTS}::TestMoments::test_two_that_have_read_it_before_either_wrote_submit_it_once[real]",),
    ),
    Mutant(
        "recurring-by-hand",
        "what is run by hand is counted twice where a reply is lost",
        FIRE,
        "if not is_repeated then",
        "if true then",
        (f"{LOST}[schedule: run by hand-known]",),
    ),
    Mutant(
        "recurring-replaced",
        "what was run by hand and is replaced before that is answered is run once more",
        FIRE,
        "local is_repeated = due == '' and was_submitted()",
        "local is_repeated = false",
        (f"{TESTS}::TestByHand::test_asked_again_after_it_was_replaced_it_runs_once[real]",),
    ),
    Mutant(
        "recurring-removed",
        "who has removed it is told that nobody knows it where a reply is lost",
        "handoff/ledger/lua/operations/client/remove_schedule.lua",
        "return {Answers.of(token) or 'unknown'}",
        "return {'unknown'}",
        (f"{LOST}[schedule: removed-known]",),
    ),
    Mutant(
        "recurring-skip",
        "a moment is run beside the run before",
        FIRE,
        "known[4] == 'skip' and runs_still(known[3])",
        "false",
        (f"{TESTS}::TestOverlap::test_a_moment_is_left_out_or_not_while_the_run_before_goes_on[real-skip-1]",),
    ),
    Mutant(
        "recurring-kept",
        "what is said again begins anew, and what was due is lost",
        EVERY,
        "if not is_kept then",
        "if true then",
        (f"{TESTS}::TestAgain::test_said_again_with_the_same_moments_it_keeps_what_is_due[fake]",),
    ),
    Mutant(
        "recurring-unreadable",
        "what cannot be read stays so though it is said anew",
        EVERY,
        " and Number.whole(known[3])",
        "",
        ("tests/doctor/test_planted_schedules.py::test_what_nobody_can_read_is_told_until_it_is_said_anew",),
    ),
    Mutant(
        "recurring-unlisted",
        "what recurs and stands in no list is not looked at by the doctor",
        "handoff/doctor/walk_rest.py",
        'parts[0] == "schedule:" and parts[1] not in walk.schedules:',
        'parts[0] == "schedule:" and parts[1] in walk.schedules:',
        (f"{PLANTED}[real-one that ticks do not find]",),
    ),
    Mutant(
        "recurring-late",
        "what would be run late is as it has to be",
        "handoff/doctor/schedules.py",
        "if found is None or found != _moment(fields):",
        "if found is None:",
        (f"{PLANTED}[real-one that is looked for too late]",),
    ),
    Mutant(
        "recurring-mended",
        "what rests is run once it was mended",
        "handoff/ledger/lua/operations/operator/mend_schedule.lua",
        "if known[2] or not due then",
        "if not due then",
        (f"{PLANTED}[real-one that rests and would be run]",),
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
        (f"{TESTS}::TestRefused::test_what_somebody_has_bent_is_paused_and_keeps_nobody_from_theirs[real]",),
    ),
)
