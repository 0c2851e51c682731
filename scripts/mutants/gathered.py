"""Defects in waiting for many functions at once, and in canceling them."""

from __future__ import annotations

from mutants.mutant import Mutant

ENDS = "handoff/ledger/ends.py"
GATHERED = "handoff/client/gathered.py"

MAPPED = "tests/client/functions/test_function_map.py"
TESTS = "tests/client/functions/test_function_gather.py"
CANCELED = "tests/client/functions/test_function_cancel_many.py::TestCanceled"
CANCEL = "handoff/ledger/lua/operations/client/cancel_many.lua"

MUTANTS = (
    Mutant(
        "map-under-way",
        "who interrupts map is not told of the batch that is under way",
        "handoff/client/mapped.py",
        "                under_way = made\n",
        "",
        (f"{MAPPED}::TestInterrupted::test_while_a_batch_is_sent_it_has_the_handles_of_what_may_stand[real]",),
    ),
    Mutant(
        "map-infeasible",
        "of calls none of which fits anywhere all are sent",
        "handoff/client/mapped.py",
        "                if _is_vain(said):",
        "                if False:",
        (f"{MAPPED}::TestRefused::test_what_fits_nowhere_is_read_no_further[fake]",),
    ),
    Mutant(
        "cancel-many-running",
        "what was to be left alone is canceled while it runs",
        CANCEL,
        "(running == 1 or job.status ~= 'started')",
        "(running == 1 or job.status ~= 'running')",
        (f"{CANCELED}::test_what_has_started_can_be_left_alone[real]",),
    ),
    Mutant(
        "cancel-many-gone",
        "a cancel of many that is asked again does not know what it canceled and nothing is kept of",
        CANCEL,
        "    is_ours = canceled == token",
        "    is_ours = false",
        (
            "tests/ledger/test_lost_replies.py::test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost[cancel: many, of which some wait, one runs and nothing is kept of one-known]",
        ),
    ),
    Mutant(
        "cancel-many-order",
        "what waits starts in the room of what is canceled in front of it",
        "handoff/ledger/functions.py",
        "[*dict.fromkeys(job_ids)][::-1]",
        "[*dict.fromkeys(job_ids)]",
        (f"{CANCELED}::test_nothing_among_them_starts_in_the_room_of_another_and_what_else_waits_does[fake]",),
    ),
    Mutant(
        "gather-late",
        "who waits for many goes on behind his time for as long as some end",
        ENDS,
        "        while self._left and not self._is_over:",
        "        while self._left:",
        (f"{TESTS}::TestGather::test_that_others_go_on_to_end_does_not_keep_it_behind_its_time[real-False]",),
    ),
    Mutant(
        "gather-late-error",
        "of one that failed just before the time is over it is said that it has not ended",
        GATHERED,
        'ends.are_late or (end.status != "finished" and not keep_errors)',
        "ends.are_late",
        (f"{TESTS}::TestGather::test_one_that_has_failed_in_time_is_told_and_not_that_others_are_late[real]",),
    ),
    Mutant(
        "gather-last-look",
        "what ends just before the time is over is not given",
        ENDS,
        "            if found := await self._look():",
        "            if (found := await self._look()) and not self._is_over:",
        (f"{TESTS}::TestGather::test_where_the_last_ends_in_the_last_moment_there_are_all_results[real]",),
    ),
    Mutant(
        "completed-bring",
        "a handle comes without the result, which may expire",
        GATHERED,
        "                handle.ended = record",
        "                pass",
        (f"{TESTS}::TestAsCompleted::test_a_handle_brings_its_result_which_may_expire_meanwhile[fake]",),
    ),
    Mutant(
        "completed-memory",
        "all that has ended is read at once, however large",
        GATHERED,
        "        count = min(MOST_AHEAD, 2 * len(some), left * len(some) // max(1, size))",
        "        count = MOST_AHEAD",
        (f"{TESTS}::TestAsCompleted::test_what_is_large_is_not_brought_and_is_read_when_it_is_asked_for[real]",),
    ),
)
