"""Defects in housekeeping, events and what is left over."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "sweep-lost",
        "lost nodes are never forgotten",
        "handoff/ledger/lua/libraries/housekeeping/book_sweep.lua",
        "        Removal.remove(node)\n",
        "      local _ = name\n",
        (
            "tests/ledger/test_forgetting_nodes.py::test_a_lost_node_is_not_forgotten_before_all_that_it_held_is_given_back[fake]",
        ),
    ),
    Mutant(
        "callbacks-room",
        "more callbacks are handed out than the caller can run",
        "handoff/ledger/lua/libraries/housekeeping/callbacks.lua",
        "  for _ = 1, room do",
        "  for _ = 1, room + 1 do",
        ("tests/ledger/test_one_tick.py::test_no_more_callbacks_are_handed_out_than_the_caller_can_run[fake]",),
    ),
    Mutant(
        "queues-past",
        "what rq requeues where a node was is not found",
        "handoff/ledger/lua/libraries/housekeeping/queue_sweep.lua",
        "  local is_empty = not is_known and adopt_queue(queue)\n",
        "  local is_empty = not is_known\n",
        (
            "tests/ledger/rq/test_rq_requeue.py::TestRequeued::test_a_function_requeued_where_its_node_is_gone_runs_elsewhere[fake]",
        ),
    ),
    Mutant(
        "settle-again",
        "of a group that chose in the last step the others go on waiting",
        "handoff/ledger/lua/libraries/settle.lua",
        ("  if Leftovers.any() and budget > 0 then\n    Consequences.work_off(budget)\n  end\n"),
        "",
        ("tests/ledger/test_one_tick.py::test_a_group_that_a_tick_gave_a_node_is_placed_in_the_same_tick[fake]",),
    ),
    Mutant(
        "events-bound",
        "the stream of events has no bound",
        "handoff/ledger/lua/libraries/time/events.lua",
        "'MAXLEN', '~', '10000', '*'",
        "'*'",
        ("tests/ledger/test_one_tick.py::test_the_stream_of_events_is_bounded[fake]",),
    ),
    Mutant(
        "timestamp-year",
        "January and February are of the year before",
        "handoff/ledger/lua/libraries/time/timestamp.lua",
        "  local year = yoe + era * 400 + (month <= 2 and 1 or 0)",
        "  local year = yoe + era * 400",
        (
            "tests/ledger/test_times_as_rq_writes_them.py::test_rq_reads_the_moment_that_was_meant[fake-2000-02-29T12:00:00.000]",
        ),
    ),
    Mutant(
        "clock-gap",
        "an outage counts for leases",
        "handoff/ledger/lua/libraries/time/clock.lua",
        "    is_gap = passed > longest",
        "    is_gap = false",
        ("tests/ledger/test_outages.py::test_an_outage_costs_no_function_that_runs[fake-13000]",),
    ),
    Mutant(
        "clock-gap-again",
        "leases never end where somebody calls rarely",
        "handoff/ledger/lua/libraries/time/clock.lua",
        "passed - (was_gap and longest or 0)",
        "passed",
        (
            "tests/ledger/test_outages.py::test_where_only_somebody_is_left_who_calls_rarely_leases_end_all_the_same[fake]",
        ),
    ),
    Mutant(
        "clock-back",
        "the ledger's time goes back with the clock",
        "handoff/ledger/lua/libraries/time/clock.lua",
        "    ahead, now, passed = ahead - passed, last, 0",
        "    passed = 0",
        ("tests/ledger/test_clock_steps.py::test_a_delay_is_as_long_when_the_clock_is_set_back[fake--3600000]",),
    ),
    Mutant(
        "clock-right",
        "what a clock that was behind is set forward by is a time that has passed",
        "handoff/ledger/lua/libraries/time/clock.lua",
        "math.min(ahead, passed)",
        "0",
        (
            "tests/ledger/test_clock_steps.py::test_a_delay_of_hours_is_not_over_when_the_clock_is_set_right_again[fake]",
        ),
    ),
    Mutant(
        "clock-forward",
        "a clock that is set forward ends leases",
        "handoff/ledger/lua/libraries/time/clock.lua",
        "passed - (was_gap and longest or 0)",
        "0",
        ("tests/ledger/test_clock_steps.py::test_no_healthy_node_is_lost_whatever_the_clock_does[fake-20000]",),
    ),
    Mutant(
        "clock-wall",
        "a date comes by the time that never goes back",
        "handoff/ledger/lua/libraries/housekeeping/due.lua",
        "  return date and tonumber(date) - Call.wall or 0",
        "  return date and tonumber(date) - Call.now or 0",
        ("tests/ledger/test_clock_steps.py::test_a_date_is_by_the_clock_as_it_is_set[fake-back]",),
    ),
    Mutant(
        "clock-wall-given",
        "a date is given by the time that never goes back",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        "  if date > Call.wall or delay_ms > 0 then",
        "  if date > Call.now or delay_ms > 0 then",
        ("tests/ledger/test_clock_steps.py::test_a_date_that_is_given_when_the_clock_was_set_back_is_by_it[fake]",),
    ),
    Mutant(
        "tick-slices",
        "one tick gives back all that many lost nodes held",
        "handoff/ledger/lua/operations/housekeeping/tick.lua",
        "more = Settle.go_on(24) or more",
        "more = Settle.go_on(2400) or more",
        (
            "tests/ledger/test_recovery_in_time.py::test_reservations_of_many_nodes_that_are_lost_together_come_back_a_few_a_script[fake]",
        ),
    ),
    Mutant(
        "turn-clock-back",
        "a turn that was taken before the clock was set back lasts until it is there again",
        "handoff/ledger/housekeeping.py",
        "    if took or 0 <= left_ms <= EVERY_MS:",
        "    if True:",
        ("tests/ledger/test_turns.py::test_a_turn_that_never_ends_is_taken_over[fake-60400]",),
    ),
    Mutant(
        "turn-of-process",
        "all that wait in a process tick",
        "handoff/ledger/turns.py",
        "            self._next_s = now_s + EVERY_MS / 1000\n",
        "",
        ("tests/ledger/test_turns.py::test_of_many_that_wait_in_one_process_one_ticks[fake]",),
    ),
    Mutant(
        "turn-refused",
        "who waits while another ticks does not hear that it was refused",
        "handoff/ledger/turns.py",
        "        self._failed = failed\n",
        "        del failed\n",
        ("tests/ledger/test_turns.py::test_those_for_whom_another_ticked_are_told_that_he_was_refused[fake]",),
    ),
    Mutant(
        "turn-of-agent",
        "an agent ticks whosever turn it is",
        "workers/handoff_worker/agent/ledger.py",
        "        if not is_ours and self._is_told:\n            return False, []\n",
        "",
        ("tests/ledger/test_turns.py::TestOfAnAgent::test_whose_turn_it_is_not_calls_no_script[fake]",),
    ),
    Mutant(
        "turn-untold",
        "an agent whose tick was lost waits for its turn",
        "workers/handoff_worker/agent/ledger.py",
        "        if not is_ours and self._is_told:\n",
        "        if not is_ours:\n",
        (
            "tests/ledger/test_turns.py::TestOfAnAgent::test_who_was_not_told_what_he_was_handed_asks_for_it_whosever_turn_it_is[fake]",
        ),
    ),
    Mutant(
        "waiting-ticks",
        "who waits for a result leaves housekeeping to others",
        "handoff/ledger/housekeeping.py",
        "        store.aside(lambda: _tick_for_all(store))",
        "        store.aside(lambda: None)",
        (
            "tests/ledger/test_recovery_in_time.py::test_who_waits_for_a_result_finds_out_by_himself_that_the_node_is_lost[fake]",
        ),
    ),
)
