"""Defects in what the agent of a node remembers, carries, waits for and says."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "memory-made-by",
        "a job is given the result of another that had its id",
        "workers/handoff_worker/agent/memory.py",
        "ended.made_by != started.made_by or ",
        "",
        ("tests/worker/loop/test_memory.py::test_another_attempt_or_submit_or_job_has_none",),
    ),
    Mutant(
        "memory-forgets",
        "what is remembered grows without end",
        "workers/handoff_worker/agent/memory.py",
        "        if self._bytes > MOST_BYTES:\n            self._forget_results()",
        "",
        ("tests/worker/loop/test_memory.py::test_of_old_results_that_are_large_it_is_remembered_that_there_were_some",),
    ),
    Mutant(
        "memory-parts",
        "all is told in one call, however large it is",
        "workers/handoff_worker/agent/memory.py",
        "if len(parts[-1]) == MOST_TOLD or size > MOST_TOLD_BYTES:",
        "if len(parts[-1]) == MOST_TOLD:",
        ("tests/worker/loop/test_memory.py::test_what_is_told_comes_in_parts_of_which_none_is_large",),
    ),
    Mutant(
        "memory-on-its-way",
        "what has ended and is on its way is told as running",
        "workers/handoff_worker/agent/memory.py",
        "results.get(started.id) or Result",
        "Result",
        ("tests/worker/loop/test_memory.py::test_what_runs_is_told_with_its_result_where_that_is_on_its_way",),
    ),
    Mutant(
        "courier-insists",
        "what is large is given up when Redis is away for a moment",
        "workers/handoff_worker/agent/courier.py",
        "                self._closing.wait(",
        "                raise\n                self._closing.wait(",
        ("tests/worker/agent/test_agent_large.py::test_a_large_result_outlasts_a_restart_of_redis",),
    ),
    Mutant(
        "bulk-begin",
        "the threads of couriers are started when something large comes",
        "workers/handoff_worker/agent/bulk.py",
        "            self._up = self._up or self._courier()\n            self._down = self._down or self._courier()",
        "            pass",
        ("tests/worker/agent/test_bulk.py::test_what_is_large_is_carried_where_no_thread_can_be_started_any_more",),
    ),
    Mutant(
        "bulk-arguments",
        "nothing is awaited of what is being read",
        "workers/handoff_worker/agent/bulk.py",
        "return bool(self._up) or bool(self._down)",
        "return bool(self._up)",
        ("tests/worker/agent/test_bulk.py::test_what_is_large_is_carried_where_no_thread_can_be_started_any_more",),
    ),
    Mutant(
        "stumbles-pause",
        "a call that fails is made again at once",
        "workers/handoff_worker/agent/stumbles.py",
        "        return self._clock() >= self._until_s.get(name, 0.0)",
        "        return True",
        (
            "tests/worker/loop/test_loop_scripts_that_fail.py::test_a_take_that_fails_holds_up_neither_results_nor_heartbeats_and_is_tried_again",
        ),
    ),
    Mutant(
        "stumbles-said",
        "each failure of a call is said anew",
        "workers/handoff_worker/agent/stumbles.py",
        "            self._said[name] = (str(error), now_s)\n",
        "",
        (
            "tests/worker/loop/test_loop_scripts_that_fail.py::test_housekeeping_and_heartbeats_that_fail_hold_up_nothing_else",
        ),
    ),
    Mutant(
        "recess-longer",
        "it is tried as often after many vain tries",
        "workers/handoff_worker/agent/recess.py",
        "min(LONGEST_PAUSE_S, 2 * self._pause_s)",
        "PAUSE_S",
        ("tests/worker/loop/test_loop_without_processes.py::test_what_is_tried_in_vain_is_tried_less_often",),
    ),
    Mutant(
        "recess-idle",
        "children that are idle stay where no process can be started",
        "workers/handoff_worker/agent/recess.py",
        "            self._children.end_idle()\n",
        "",
        (
            "tests/worker/loop/test_loop_without_processes.py::test_what_could_not_be_started_is_given_back_and_the_node_takes_nothing",
        ),
    ),
    Mutant(
        "recess-over",
        "callbacks that could not be started are forgotten",
        "workers/handoff_worker/agent/recess.py",
        "            self._pause_s, self.until_s = 0.0, inf\n            return True",
        "            self._pause_s, self.until_s = 0.0, inf\n            return False",
        (
            "tests/worker/loop/test_loop_without_processes.py::test_a_callback_that_could_not_be_started_is_called_when_it_can_be",
        ),
    ),
    Mutant(
        "ending-foretold",
        "it is said again and again what the deadline will cost",
        "workers/handoff_worker/agent/ending.py",
        " or (self._is_foretold and not new)",
        "",
        ("tests/worker/loop/test_loop_ending.py::test_it_is_said_once_and_where_it_costs_nothing_it_is_no_warning",),
    ),
    Mutant(
        "ending-late",
        "what comes after the word to end is not said",
        "workers/handoff_worker/agent/ending.py",
        "(self._is_foretold and not new)",
        "self._is_foretold",
        ("tests/worker/loop/test_loop_ending.py::test_what_a_lost_answer_had_started_is_said_when_it_comes",),
    ),
    Mutant(
        "ending-retries",
        "those are named too that will be tried again",
        "workers/handoff_worker/agent/ending.py",
        "for started in running if not started.has_retries]",
        "for started in running]",
        (
            "tests/worker/loop/test_loop_ending.py::test_what_the_deadline_will_cost_is_said_when_the_agent_is_told_to_end",
        ),
    ),
    Mutant(
        "ending-delivery",
        "past its deadline an agent tries to deliver what had ended but once",
        "workers/handoff_worker/agent/ending.py",
        "            self.at_s = now_s + DELIVERY_S",
        "            self.at_s = now_s",
        (
            "tests/worker/loop/test_loop_ending.py::test_what_had_ended_is_delivered_past_the_deadline_when_redis_is_back",
        ),
    ),
    Mutant(
        "late-hint",
        "a hint that comes while an exchange is on its way is forgotten with its answer",
        "workers/handoff_worker/agent/agent.py",
        "        self._look |= is_more",
        "        self._look = is_more",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_a_hint_that_comes_while_an_exchange_is_on_its_way_is_not_lost",
        ),
    ),
    Mutant(
        "late-failures",
        "an exchange that was sent counts as one that was answered",
        "workers/handoff_worker/agent/agent.py",
        "            if not self._exchanges.is_under_way:\n                self._outage.is_over()",
        "            self._outage.is_over()",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_pauses_grow_while_exchanges_can_be_sent_and_are_not_answered",
        ),
    ),
    Mutant(
        "late-beside",
        "other calls go beside an exchange",
        "workers/handoff_worker/agent/agent.py",
        "        if self._exchanges.is_under_way:\n            return\n",
        "",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_an_answer_that_does_not_come_is_asked_for_again_under_the_same_number",
        ),
    ),
    Mutant(
        "late-begun",
        "what was started begins after the heartbeat that may stop it",
        "workers/handoff_worker/agent/agent.py",
        "        if self._is_due(now_s):\n            self._begin_started()\n",
        "",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_what_an_answer_has_started_is_stopped_by_the_heartbeat_that_follows_it",
        ),
    ),
    Mutant(
        "late-slots",
        "of what was delivered and not yet settled the slots count as taken",
        "workers/handoff_worker/agent/agent.py",
        "len(self._functions.running) - self._exchanges.unsettled",
        "len(self._functions.running)",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_the_next_exchange_takes_for_the_slots_that_the_last_answer_has_given_back",
        ),
    ),
    Mutant(
        "late-settled",
        "leave is taken of what was delivered before the next results are sent",
        "workers/handoff_worker/agent/agent.py",
        "        answer, is_more = answered\n",
        "        answer, is_more = answered\n        self._exchanges.settle()\n",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_the_next_results_are_on_their_way_before_leave_is_taken_of_the_last",
        ),
    ),
    Mutant(
        "late-leave",
        "what an answer has started begins when leave was taken of what it has delivered",
        "workers/handoff_worker/agent/agent.py",
        "        started, self._started = self._started, []\n",
        "        self._exchanges.settle()\n        started, self._started = self._started, []\n",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_what_an_answer_has_started_begins_before_leave_is_taken_of_what_it_has_delivered[real]",
        ),
    ),
    Mutant(
        "late-told",
        "the log says that something has begun when the next answer is there",
        "workers/handoff_worker/agent/agent.py",
        "            self._functions.write_diary()\n            return\n",
        "            return\n",
        (
            "tests/worker/loop/test_loop_handed_over.py::test_that_it_has_begun_is_in_the_log_although_an_exchange_is_on_its_way[real]",
        ),
    ),
    Mutant(
        "late-all",
        "an exchange carries all that has ended, and everybody waits for it",
        "workers/handoff_worker/agent/exchanges.py",
        "self._outbox.exchange(most)",
        "self._outbox.exchange()",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_an_exchange_carries_half_of_what_is_at_hand_so_that_the_rest_can_follow",
        ),
    ),
    Mutant(
        "late-half",
        "what an answer has started and has not begun is not at hand",
        "workers/handoff_worker/agent/agent.py",
        " - self._exchanges.unsettled + len(self._started)",
        " - self._exchanges.unsettled",
        ("tests/worker/loop/test_loop_late_answers.py::test_what_was_started_and_has_not_begun_is_at_hand",),
    ),
    Mutant(
        "late-children",
        "more is taken than there are children for",
        "workers/handoff_worker/agent/agent.py",
        "children - len(self._started)",
        "children",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_no_more_is_taken_than_there_are_children_for_what_was_started_and_has_not_begun",
        ),
    ),
    Mutant(
        "late-cut",
        "who ends at once does not wait for the answer that is on its way",
        "workers/handoff_worker/agent/agent.py",
        "        return not self._ending.is_cut and self._exchanges",
        "        return self._exchanges",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_a_second_signal_does_not_wait_for_a_server_that_is_silent_longer_than_that_may_be",
        ),
    ),
    Mutant(
        "late-silence",
        "who is not answered waits on",
        "workers/handoff_worker/agent/exchanges.py",
        "not self._is_here and now_s < self.until_s",
        "not self._is_here",
        (
            "tests/worker/loop/test_loop_late_answers.py::test_an_answer_that_does_not_come_is_asked_for_again_under_the_same_number",
        ),
    ),
    Mutant(
        "begun-given-up",
        "a reply that nobody reads is left for the next",
        "handoff/ledger/connection.py",
        "        self._connection.disconnect()\n        self._put(self._connection)",
        "        self._put(self._connection)",
        ("tests/ledger/store/test_store_begun.py::test_an_answer_that_somebody_does_without_is_given_to_nobody_else",),
    ),
    Mutant(
        "handed-late",
        "what an exchange has told of runs once more when its hint is heard",
        "workers/handoff_worker/agent/handed.py",
        " and handed.op > self._outbox.answered:",
        ":",
        (
            "tests/worker/loop/test_loop_handed_over.py::test_what_an_exchange_has_told_of_does_not_run_once_more_when_the_hint_is_heard[real-True]",
        ),
    ),
    Mutant(
        "handed-unasked",
        "an agent that ends does not ask for what was handed to it",
        "workers/handoff_worker/agent/agent.py",
        "or self._bulk or handed",
        "or self._bulk",
        (
            "tests/worker/loop/test_loop_handed_over.py::test_an_agent_that_is_told_to_end_runs_what_was_handed_to_it_first[real-False]",
        ),
    ),
)
