"""Defects in the agent of a node."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "agent-exchange-first",
        "an answer that was lost is asked for after the heartbeat",
        "workers/handoff_worker/agent/agent.py",
        (
            "        if self._outbox.is_unanswered and self._stumbles.may(EXCHANGE):\n"
            "            # Before the beat: to it, what a lost answer started would look started for nobody.\n"
            "            self._exchange()"
        ),
        "",
        ("tests/worker/loop/test_loop_exchanges.py::test_what_a_lost_answer_started_is_started_once",),
    ),
    Mutant(
        "agent-doubling",
        "pauses without Redis are all equally long",
        "workers/handoff_worker/agent/outage.py",
        "min(self._longest_pause_s, self._pause_s * 2)",
        "FIRST_PAUSE_S",
        (
            "tests/worker/loop/test_loop_without_redis.py::test_each_pause_is_twice_as_long_as_the_one_before_up_to_a_limit",
        ),
    ),
    Mutant(
        "agent-longest",
        "pauses without Redis grow without end",
        "workers/handoff_worker/agent/outage.py",
        "min(self._longest_pause_s, self._pause_s * 2)",
        "self._pause_s * 2",
        (
            "tests/worker/loop/test_loop_without_redis.py::test_each_pause_is_twice_as_long_as_the_one_before_up_to_a_limit",
        ),
    ),
    Mutant(
        "agent-take-at",
        "after a roll-back it takes at once",
        "workers/handoff_worker/agent/agent.py",
        " or time.monotonic() < self._take_at_s",
        "",
        ("tests/worker/loop/test_loop_rolled_back.py::test_for_a_while_nothing_is_taken[real]",),
    ),
    Mutant(
        "memory-attempt",
        "a retry is given the result of the attempt before",
        "workers/handoff_worker/agent/memory.py",
        " or started.attempt > ended.attempt",
        "",
        ("tests/worker/loop/test_memory.py::test_another_attempt_or_submit_or_job_has_none",),
    ),
    Mutant(
        "agent-failures",
        "after a call that succeeded the next pause is as long as the last",
        "workers/handoff_worker/agent/agent.py",
        "            self._outage.is_over()",
        "            pass",
        ("tests/worker/loop/test_loop_without_redis.py::test_so_does_one_of_a_node_that_exchanges_nothing",),
    ),
    Mutant(
        "agent-listen",
        "an agent goes on with a connection for hints that may be broken",
        "workers/handoff_worker/agent/agent.py",
        "        self._commands.drop()\n        self._outage.note(error)",
        "        self._outage.note(error)",
        (
            "tests/worker/loop/test_loop_without_redis.py::test_it_listens_again_when_redis_is_back_and_looks_for_what_it_missed",
        ),
    ),
    Mutant(
        "agent-look-connected",
        "hints that were missed are not made up for when it listens again",
        "workers/handoff_worker/agent/agent.py",
        "            self._look, self._beat_at_s = True, 0.0",
        "            self._beat_at_s = 0.0",
        (
            "tests/worker/loop/test_loop_without_redis.py::test_where_only_the_connection_for_hints_was_lost_it_looks_for_what_it_missed",
        ),
    ),
    Mutant(
        "agent-beat-connected",
        "what was to be stopped while no hint could be heard runs on until the next heartbeat",
        "workers/handoff_worker/agent/agent.py",
        "            self._look, self._beat_at_s = True, 0.0",
        "            self._look = True",
        (
            "tests/worker/loop/test_loop_without_redis.py::test_what_was_canceled_while_no_hint_could_be_heard_is_stopped_when_it_listens_again",
        ),
    ),
    Mutant(
        "agent-hint",
        "a hint makes nobody look",
        "workers/handoff_worker/agent/agent.py",
        ('            case {"command": hints.WORK}:\n                self._look = True'),
        ('            case {"command": hints.WORK}:\n                pass'),
        ("tests/worker/loop/test_loop_exchanges.py::test_a_hint_makes_it_look_at_once",),
    ),
    Mutant(
        "agent-tick-look",
        "a tick makes nobody look",
        "workers/handoff_worker/agent/agent.py",
        ("            self._tick()\n            self._look = True"),
        "            self._tick()",
        ("tests/worker/loop/test_loop_exchanges.py::test_a_result_of_which_the_answer_was_lost_is_delivered_once",),
    ),
    Mutant(
        "agent-beat-outbox",
        "a heartbeat does not tell of results that are on their way",
        "workers/handoff_worker/agent/agent.py",
        "time.monotonic(), self._functions.running, self._outbox.answered",
        "time.monotonic(), self._functions.running - set(self._outbox.ids()), self._outbox.answered",
        (
            "tests/worker/loop/test_loop_exchanges.py::test_a_result_that_comes_with_the_next_heartbeat_is_not_lost_to_it",
        ),
    ),
    Mutant(
        "agent-beat-pages",
        "a heartbeat goes on a third of a lease later",
        "workers/handoff_worker/agent/agent.py",
        " if self._heartbeat.is_over else 0.0",
        "",
        (
            "tests/worker/loop/test_loop_exchanges.py::test_between_the_calls_of_one_heartbeat_results_are_delivered[fake]",
        ),
    ),
    Mutant(
        "agent-deny",
        "an agent does not say what it does not run",
        "workers/handoff_worker/agent/agent.py",
        "        self._heartbeat.deny([id for id in beaten.asked if id not in runs], op)\n",
        "",
        (
            "tests/worker/loop/test_loop_exchanges.py::test_what_the_books_have_as_started_here_and_does_not_run_is_denied[real]",
        ),
    ),
    Mutant(
        "agent-quiet-known",
        "quiet is not said again where that was lost",
        "workers/handoff_worker/agent/agent.py",
        ("        self._ledger.quiet(why_quiet)\n        self._known = why_quiet"),
        ("        self._known = why_quiet\n        self._ledger.quiet(why_quiet)"),
        ("tests/worker/loop/test_loop_exchanges.py::test_quiet_is_said_again_where_the_answer_was_lost",),
    ),
    Mutant(
        "agent-quiet-room",
        "a quiet agent takes",
        "workers/handoff_worker/agent/agent.py",
        "        if self._why_quiet() is not None or time",
        "        if time",
        ("tests/worker/loop/test_loop_exchanges.py::test_a_node_that_falls_quiet_says_so_and_takes_nothing_more",),
    ),
    Mutant(
        "agent-serve-look",
        "an agent that serves again does not look",
        "workers/handoff_worker/agent/agent.py",
        "        self._look = self._known is None",
        "",
        (
            "tests/worker/loop/test_loop_exchanges.py"
            "::test_one_to_which_nothing_is_handed_over_looks_by_itself_when_it_serves_again",
        ),
    ),
    Mutant(
        "agent-slots",
        "an agent takes more than its slots",
        "workers/handoff_worker/agent/agent.py",
        "        return max(0, min(slots, children",
        "        return max(0, min(children",
        ("tests/worker/loop/test_loop_exchanges.py::test_whose_slots_are_all_taken_asks_for_nothing",),
    ),
    Mutant(
        "agent-look-again",
        "what came in while all slots were taken is not looked for",
        "workers/handoff_worker/agent/exchanges.py",
        "        return answer, answer.count >= self._room",
        "        return answer, False",
        (
            "tests/worker/loop/test_loop_exchanges.py::test_what_it_could_not_take_for_lack_of_children_it_takes_when_there_are_some",
        ),
    ),
    Mutant(
        "agent-more",
        "work that is left over waits for the next tick",
        "workers/handoff_worker/agent/agent.py",
        ("        if answer.more:\n            self._tick_at_s = 0.0"),
        "",
        ("tests/worker/loop/test_loop_exchanges.py::test_work_that_an_exchange_leaves_over_is_taken_up_at_once",),
    ),
    Mutant(
        "agent-tick-more",
        "a tick that leaves work over is not repeated at once",
        "workers/handoff_worker/agent/agent.py",
        "        self._tick_at_s = 0.0 if more else time.monotonic()",
        "        self._tick_at_s = time.monotonic()",
        ("tests/worker/loop/test_loop_exchanges.py::test_work_that_a_tick_leaves_over_is_taken_up_at_once",),
    ),
    Mutant(
        "agent-tick-quiet",
        "a quiet agent takes callbacks on",
        "workers/handoff_worker/agent/agent.py",
        "0 if self._known is not None else max(0,",
        "max(0,",
        ("tests/worker/loop/test_loop_callbacks.py::test_a_quiet_node_takes_on_none",),
    ),
    Mutant(
        "agent-callbacks-room",
        "an agent takes on as many callbacks as it has slots, whatever runs",
        "workers/handoff_worker/agent/agent.py",
        "max(0, self._slots - self._functions.callbacks)",
        "self._slots",
        ("tests/worker/loop/test_loop_callbacks.py::test_no_more_are_taken_on_than_there_are_slots",),
    ),
    Mutant(
        "agent-register",
        "a node that was lost is not registered anew",
        "workers/handoff_worker/agent/agent.py",
        "            taken = self._ledger.register(offer.capabilities, round(self._options.lease_s * 1000), labels=offer.labels)",
        "            taken = None if offer else self._ledger.register(offer.capabilities, 1)",
        (
            "tests/worker/loop/test_loop_without_redis.py::test_a_node_that_was_lost_meanwhile_is_registered_anew_and_what_ran_is_killed",
        ),
    ),
    Mutant(
        "agent-disown",
        "what ran under a lost lease goes on",
        "workers/handoff_worker/agent/agent.py",
        '        self._functions.disown("its node was lost")',
        "",
        (
            "tests/worker/loop/test_loop_without_redis.py::test_a_node_that_was_lost_meanwhile_is_registered_anew_and_what_ran_is_killed",
        ),
    ),
    Mutant(
        "outbox-number",
        "an exchange that was not answered is sent again under another number",
        "workers/handoff_worker/agent/delivery.py",
        ("        if not self.is_unanswered:\n            self._op += 1\n"),
        ("        self._op += 1\n        if not self.is_unanswered:\n"),
        ("tests/worker/loop/test_loop_exchanges.py::test_what_a_lost_answer_started_is_started_once",),
    ),
    Mutant(
        "outbox-again",
        "an exchange that was not answered is not sent again",
        "workers/handoff_worker/agent/delivery.py",
        "        return self.is_unanswered or bool(self.unsent)",
        "        return bool(self.unsent)",
        ("tests/worker/loop/test_loop_without_redis.py::test_who_was_told_to_end_runs_what_a_lost_answer_had_started",),
    ),
    Mutant(
        "outbox-more",
        "what comes in meanwhile is sent with what was not answered for",
        "workers/handoff_worker/agent/delivery.py",
        "        return self._op, self.sent[: self._carried]",
        "        return self._op, [*self.sent, *self.unsent]",
        (
            "tests/worker/loop/test_loop_exchanges.py::test_results_that_come_while_an_answer_is_awaited_are_delivered_after_it",
        ),
    ),
    Mutant(
        "outbox-bytes",
        "any number of bytes goes out in one call",
        "workers/handoff_worker/agent/delivery.py",
        "size > MOST_BYTES or count >= most",
        "count >= most",
        (
            "tests/worker/loop/test_functions_here.py::test_one_exchange_carries_so_many_bytes_and_at_least_one_result[6-exchanges1]",
        ),
    ),
    Mutant(
        "outbox-bytes-one",
        "a result that is larger than one call may carry is never sent",
        "workers/handoff_worker/agent/delivery.py",
        "        if count and (size > MOST_BYTES or count >= most):",
        "        if size > MOST_BYTES or count >= most:",
        (
            "tests/worker/loop/test_functions_here.py::test_one_exchange_carries_so_many_bytes_and_at_least_one_result[1-exchanges3]",
        ),
    ),
    Mutant(
        "ledger-tick-token",
        "a tick that was not answered is asked anew",
        "workers/handoff_worker/agent/ledger.py",
        (
            '        reply = self._store.attempt("tick", room=room if is_ours else -1, token=self._tick_token)\n'
            "        self._tick_token = uuid.uuid4().hex"
        ),
        (
            "        self._tick_token = uuid.uuid4().hex\n"
            '        reply = self._store.attempt("tick", room=room if is_ours else -1, token=self._tick_token)'
        ),
        ("tests/worker/loop/test_loop_callbacks.py::test_it_is_run_once_where_a_tick_is_lost",),
    ),
    Mutant(
        "ledger-tick-token-same",
        "all ticks are asked under one token",
        "workers/handoff_worker/agent/ledger.py",
        ("        self._tick_token = uuid.uuid4().hex\n        self._is_told = True\n"),
        "        self._is_told = True\n",
        ("tests/worker/loop/test_loop_callbacks.py::test_no_more_are_taken_on_than_there_are_slots",),
    ),
    Mutant(
        "ledger-quiet-again",
        "quiet is over after its first slice",
        "workers/handoff_worker/agent/ledger.py",
        ('            if reply != ["again"]:\n                return\n\n    def tick'),
        ("            return\n\n    def tick"),
        ("tests/worker/loop/test_loop_exchanges.py::test_a_node_that_falls_quiet_hands_all_of_its_queue_back",),
    ),
    Mutant(
        "functions-twice",
        "a start that Redis has forgotten is repeated",
        "workers/handoff_worker/agent/functions.py",
        (
            "            # It was handed over, and an exchange tells of it; or Redis was rolled back to before it was started.\n"
            "            return"
        ),
        "            pass",
        ("tests/worker/loop/test_functions_here.py::test_a_start_that_redis_has_forgotten_is_not_repeated",),
    ),
    Mutant(
        "functions-stopped",
        "what a command has ended counts as a child that died",
        "workers/handoff_worker/agent/functions.py",
        "        if isinstance(outcome, Died) and why:",
        "        if isinstance(outcome, Died) and not why:",
        ("tests/worker/loop/test_functions_here.py::test_what_a_command_has_ended_is_told_as_stopped",),
    ),
    Mutant(
        "functions-callback-failed",
        "a callback that failed counts as a function",
        "workers/handoff_worker/agent/functions.py",
        "        if outcome.id in self._callbacks:",
        "        if outcome.id in self._callbacks and isinstance(outcome, Finished | NotStarted):",
        ("tests/worker/loop/test_functions_here.py::test_a_callback_is_no_function_whatever_comes_of_it",),
    ),
    Mutant(
        "functions-disowned",
        "what comes of what was lost is delivered",
        "workers/handoff_worker/agent/functions.py",
        ("            self._disowned.discard(outcome.id)\n            # Redis"),
        ("            self._outbox.add(result(outcome))\n            # Redis"),
        ("tests/worker/loop/test_functions_here.py::test_what_comes_of_a_function_that_was_lost_is_not_delivered",),
    ),
    Mutant(
        "agent-back-late",
        "who was cut off tries again so seldom that what it lost goes on for longer than a heartbeat",
        "workers/handoff_worker/agent/outage.py",
        "return min(LONGEST_PAUSE_S, lease_s * PAUSE_PER_LEASE)",
        "return lease_s",
        (
            "tests/worker/loop/test_loop_fenced.py::test_it_stops_what_it_no_longer_owns_within_one_heartbeat_and_goes_on_under_a_new_epoch[real-be_cut_off]",
        ),
    ),
    Mutant(
        "agent-refused-silently",
        "a late result is refused and nobody is told",
        "workers/handoff_worker/agent/functions.py",
        'logger.warning("the result of %s came too late: its reservation is gone", job_of(result.id))',
        "pass",
        ("tests/worker/loop/test_functions_here.py::test_a_result_that_redis_refuses_is_named_in_the_log",),
    ),
)
