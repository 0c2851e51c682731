"""Defects in what goes between jobs and agents: what is sent along, what came of attempts, what a roll-back lost."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "firsts-settled",
        "the next page of a line begins with those that have left it",
        "handoff/ledger/lua/libraries/waiting/firsts.lua",
        "redis.call('ZRANGE', Writes.settle(key), 0",
        "redis.call('ZRANGE', key, 0",
        (
            "tests/ledger/test_batches_of_results.py::test_as_many_as_end_start_in_the_order_of_their_ranks_though_they_wait_in_two_lines[real]",
        ),
    ),
    Mutant(
        "rare-written",
        "what was not there when a script began is not there when it has written it",
        "handoff/ledger/lua/libraries/rare.lua",
        "  Call.absent[key] = nil\n  return key",
        "  return key",
        ("tests/ledger/test_batches_of_results.py::test_work_that_a_call_leaves_over_is_told_by_that_call[real]",),
    ),
    Mutant(
        "job-large",
        "nobody looks how large the arguments are of what starts next",
        "handoff/ledger/lua/libraries/jobs/job.lua",
        "      if #fields[i + 1] > MOST_DATA then",
        "      if #fields[i + 1] > MOST_DATA * MOST_DATA then",
        (
            "tests/ledger/test_batches_of_results.py::test_arguments_that_are_large_are_noted_so_that_none_is_read_unseen[real]",
        ),
    ),
    Mutant(
        "reservations-bent-batch",
        "a record that cannot be read is taken off with the others of its batch",
        "handoff/ledger/lua/libraries/nodes/reservations.lua",
        "        is_plain = is_plain and Reservation.is_sound(record)\n",
        "",
        (
            "tests/ledger/test_batches_of_results.py::test_of_a_record_that_was_written_over_in_a_batch_the_others_still_count[real]",
        ),
    ),
    Mutant(
        "sending-large",
        "large arguments are sent along in the midst of other things",
        "handoff/ledger/lua/libraries/jobs/sending.lua",
        "    if redis.call('HSTRLEN', key, field) > LARGE then",
        "    if redis.call('HSTRLEN', key, field) > LARGE * MOST then",
        (
            "tests/ledger/test_large_values.py::TestArguments::test_arguments_that_are_large_are_left_out_and_named[real]",
        ),
    ),
    Mutant(
        "sending-inputs",
        "inputs are sent along however large a reply they make",
        "handoff/ledger/lua/libraries/jobs/sending.lua",
        "  return has_room(size) and inputs or {}",
        "  return inputs",
        (
            "tests/ledger/test_large_values.py::TestArguments::test_results_that_would_make_a_reply_large_are_read_by_the_children[real]",
        ),
    ),
    Mutant(
        "outcome-undo",
        "a start that did not happen has used an attempt",
        "handoff/ledger/lua/libraries/jobs/outcome.lua",
        "    Executions.undo(job)\n",
        "",
        (
            "tests/ledger/test_unstarted.py::test_what_could_not_be_started_runs_elsewhere_and_has_used_no_attempt[real]",
        ),
    ),
    Mutant(
        "outcome-canceled",
        "what was canceled while it could not be started is placed anew",
        "handoff/ledger/lua/libraries/jobs/outcome.lua",
        "  if job.cancel then",
        "  if job.cancel and kind ~= 'unstarted' then",
        ("tests/ledger/test_unstarted.py::test_what_was_canceled_while_it_could_not_be_started_is_canceled[real]",),
    ),
    Mutant(
        "outcome-evicted",
        "what the deadline of a drain has ended is not retried",
        "handoff/ledger/lua/libraries/jobs/outcome.lua",
        "  if kind == 'stopped' and job.evicted == placement then",
        "  if kind == 'stopped' and job.evicted == nil then",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py::test_drain[real-what was stopped is retried elsewhere, as if its node were lost]",
        ),
    ),
    Mutant(
        "recall-same",
        "what ended ends another job of the same id",
        "handoff/ledger/lua/operations/node/recall.lua",
        "job and (job.token or '') == token and (Job.get(job_id, 'created_at') or '') == created_at",
        "job",
        ("tests/ledger/test_rolled_back.py::test_a_job_that_was_submitted_anew_under_the_same_id_is_another[fake]",),
    ),
    Mutant(
        "recall-known",
        "an end that is known is told once more",
        "handoff/ledger/lua/operations/node/recall.lua",
        "  if not is_ready or tonumber(job.attempts or 0) >= attempt then",
        "  if not is_ready then",
        ("tests/ledger/test_rolled_back.py::test_an_end_that_is_known_is_not_told_twice[real]",),
    ),
    Mutant(
        "recall-running",
        "what runs is started beside itself",
        "handoff/ledger/lua/operations/node/recall.lua",
        "  local is_ready = job.status == 'queued'",
        "  local is_ready = ended.kind ~= 'running' and job.status == 'queued'",
        ("tests/ledger/test_rolled_back.py::test_what_runs_and_is_to_start_elsewhere_has_lost_its_attempt[fake]",),
    ),
    Mutant(
        "recall-node",
        "what waits by the books of before is not known to have run anywhere",
        "handoff/ledger/lua/operations/node/recall.lua",
        "'attempts', Number.text(attempt), 'node', name)",
        "'attempts', Number.text(attempt))",
        (
            "tests/ledger/test_rolled_back.py::test_what_waits_by_the_books_has_had_its_attempt_where_it_was[real-failed]",
        ),
    ),
)
