"""Defects in operations."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "allocate-again",
        "an allocation asked again after one of its nodes was lost answers as if it were not",
        "handoff/ledger/lua/operations/client/allocate.lua",
        "    is_whole = is_whole and node and node.state == 'up'\n",
        "    is_whole = is_whole and node\n",
        (
            "tests/ledger/cases/test_case_leases.py::TestClaims::test_an_allocation_asked_again_after_one_of_its_nodes_was_lost_is_made_anew[real-b]",
        ),
    ),
    Mutant(
        "attend-timer",
        "to be there does not put off the end of an attached run",
        "handoff/ledger/lua/operations/client/attend.lua",
        "Timers.keep_off(Timer.of('attached', run), ms)\n",
        "",
        ("tests/ledger/runs/test_run_cancel.py::test_an_attached_run_is_canceled_when_its_client_has_gone[real]",),
    ),
    Mutant(
        "cancel-ours",
        "functions of other namespaces can be canceled",
        "handoff/ledger/lua/operations/client/cancel.lua",
        ("if job and not Queues.is_ours(job.origin) then\n  return {'unknown'}\nend\n"),
        "",
        (
            "tests/client/functions/test_function_handle.py::TestHandle::test_a_function_of_another_namespace_is_unknown_and_nobody_there_cancels_it[real]",
        ),
    ),
    Mutant(
        "cancel-run-loading",
        "a graph that is being loaded cannot be canceled",
        "handoff/ledger/lua/operations/client/cancel_run.lua",
        ("if fields[1] == 'loading' then\n  Run.drop(run)\n  Settle.go_on(32)\n  return {'canceled'}\nend\n"),
        "",
        (
            "tests/ledger/runs/test_run_loading.py::test_a_graph_that_is_being_loaded_can_be_canceled_and_leaves_nothing[real]",
        ),
    ),
    Mutant(
        "retry-again",
        "a retry that is asked again is refused",
        "handoff/ledger/lua/operations/client/retry.lua",
        "local is_repeated = job.token == token\n",
        "local is_repeated = false\n",
        (
            "tests/ledger/test_lost_replies.py::test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost[retry: what has failed-known]",
        ),
    ),
    Mutant(
        "retry-gone",
        "a function whose dependency is gone cannot be retried",
        "handoff/ledger/lua/libraries/jobs/retrying.lua",
        "    if Job.is_there(id) then\n",
        "    if id then\n",
        ("tests/ledger/test_retrying.py::TestAfresh::test_what_it_depends_on_and_is_gone_counts_as_ended[real]",),
    ),
    Mutant(
        "explain-held",
        "holds that keep a function back are not told",
        "handoff/ledger/lua/operations/client/explain.lua",
        "    is_told = is_told or (node and is_kept_back(node, each.shape))\n",
        "    local _ = each\n",
        (
            "tests/why/explain/test_explain_overtaking.py::TestOvertaking::test_who_is_kept_back_by_that_is_told_for_whom[real]",
        ),
    ),
    Mutant(
        "load-before",
        "the run before a graph that is dropped is not found",
        "handoff/ledger/lua/operations/client/load.lua",
        "    redis.call('HSET', K.run .. run, 'before', other)\n",
        "    local _ = other\n",
        (
            "tests/ledger/runs/test_run_loading.py::test_where_a_graph_is_not_loaded_to_its_end_the_run_before_it_is_the_newest_again[real]",
        ),
    ),
    Mutant(
        "probe-claims",
        "whether something fits is told as for a function that waits",
        "handoff/ledger/lua/operations/client/probe.lua",
        "Fit.CLAIMS) and 1 or 0}",
        "0) and 1 or 0}",
        ("tests/ledger/test_held_nodes.py::test_a_claim_does_not_fit_into_what_is_held_though_it_is_free[real]",),
    ),
    Mutant(
        "release-again",
        "a release asked again says that another did it",
        "handoff/ledger/lua/operations/client/release.lua",
        "  return {redis.call('GET', K.released .. id) == token and 'released' or 'gone'}",
        "  return {'gone'}",
        (
            "tests/ledger/test_claims_asked_twice.py::test_a_release_that_is_asked_again_answers_the_same_and_another_does_not[fake]",
        ),
    ),
    Mutant(
        "request-again",
        "a request asked again claims twice",
        "handoff/ledger/lua/operations/client/request.lua",
        "if record then\n",
        "if false then\n",
        (
            "tests/ledger/test_claims_asked_twice.py::test_a_request_that_is_asked_again_does_not_need_the_room_twice[real]",
        ),
    ),
    Mutant(
        "tick-lock",
        "who asks for what he was handed out before ticks",
        "handoff/ledger/lua/operations/housekeeping/tick.lua",
        "  return {'busy'}\n",
        "  local _ = token\n",
        (
            "tests/ledger/test_one_tick.py::test_whose_turn_it_is_not_is_handed_out_nothing_but_what_he_was_before[real]",
        ),
    ),
    Mutant(
        "beat-forgotten",
        "an agent is not told to stop what Redis has forgotten",
        "handoff/ledger/lua/libraries/jobs/reconcile.lua",
        "      is_any_forgotten = true\n      stops[#stops + 1] = id\n",
        "      is_any_forgotten = true\n",
        ("tests/ledger/test_heartbeat.py::test_what_redis_has_no_reservation_for_is_to_be_stopped[fake]",),
    ),
    Mutant(
        "beat-lease",
        "only the first page of a heartbeat renews the lease",
        "handoff/ledger/lua/operations/node/beat.lua",
        "Leases.renew(node)\n",
        "if at == '' then\n  Leases.renew(node)\nend\n",
        ("tests/ledger/test_heartbeat.py::test_each_page_renews_the_lease[fake]",),
    ),
    Mutant(
        "beat-following",
        "a heartbeat ends with its first page",
        "handoff/ledger/lua/operations/node/beat.lua",
        "following or ''",
        "''",
        ("tests/ledger/test_heartbeat.py::test_of_more_functions_than_a_page_each_that_does_not_run_is_lost[real]",),
    ),
    Mutant(
        "finish-more",
        "an exchange asked again does not say that work is left over",
        "handoff/ledger/lua/operations/node/finish.lua",
        "Take.started_under(node, op), Settle.is_done() and 0 or 1,",
        "Take.started_under(node, op), 0,",
        (
            "tests/ledger/cases/test_case_order.py::TestWorkLeftOver::test_a_finish_asked_again_tells_again_that_work_is_left_over[real]",
        ),
    ),
    Mutant(
        "quiet-hold",
        "a node that falls quiet stays held",
        "handoff/ledger/lua/operations/node/quiet.lua",
        ("Holds.lift(node)\nif not node.quiet"),
        "if not node.quiet",
        ("tests/ledger/test_held_nodes.py::test_a_node_that_falls_quiet_is_held_no_longer[real]",),
    ),
    Mutant(
        "register-lost",
        "a lost node that came back is forgotten after an hour",
        "handoff/ledger/lua/operations/node/register.lua",
        "redis.call('ZREM', K.lost, name)\n",
        "",
        ("tests/ledger/test_forgetting_nodes.py::test_a_node_that_came_back_in_time_is_not_forgotten[real]",),
    ),
    Mutant(
        "deregister-drained",
        "a node that was deregistered by hand comes back drained",
        "handoff/ledger/lua/operations/operator/deregister.lua",
        ("  redis.call('SREM', K.drained, name)\n"),
        "",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py::test_a_node_that_was_deregistered_by_hand_comes_back_open[real]",
        ),
    ),
    Mutant(
        "undrain-timer",
        "the deadline of a drain strikes after it was taken back",
        "handoff/ledger/lua/operations/operator/drain.lua",
        ("    Timers.drop(Timer.of('drain', name))\n    Node.set_field(node, 'draining', nil)"),
        "    Node.set_field(node, 'draining', nil)",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py::test_drain[real-a node that is opened in time stops nothing]",
        ),
    ),
    Mutant(
        "register-static-leased",
        "a static node takes the name of an agent",
        "handoff/ledger/lua/operations/operator/register_node.lua",
        ("  if node.state == 'up' then\n    return {'leased', node.holder}\n  end\n"),
        "",
        ("tests/ledger/test_epochs.py::test_a_static_node_does_not_take_the_name_of_a_live_agent[real]",),
    ),
    Mutant(
        "share-given-up",
        "what is shared no longer is not tried on nodes that have it",
        "handoff/ledger/lua/operations/operator/share.lua",
        "    Dirty.mark(name)\n",
        "    local _ = name\n",
        (
            "tests/ledger/scheduling/test_scheduling_shared.py::test_shared_resources[real-taken away it is a resource of the nodes again]",
        ),
    ),
    Mutant(
        "finish-late",
        "a take that a later call has overtaken starts functions for nobody",
        "handoff/ledger/lua/operations/node/finish.lua",
        "if last > op then\n",
        "if last > op + 1000 then\n",
        ("tests/ledger/test_late_calls.py::test_a_take_that_a_later_call_has_overtaken_starts_nothing[fake]",),
    ),
    Mutant(
        "deny-late",
        "an agent that has no answer yet denies what was started for it",
        "handoff/ledger/lua/operations/node/deny.lua",
        "{unpack(ARGV, ids_first)}, op)",
        "{unpack(ARGV, ids_first)}, math.huge)",
        (
            "tests/ledger/test_late_calls.py::test_an_agent_denies_nothing_of_what_was_started_after_its_last_answer[real]",
        ),
    ),
    Mutant(
        "deny-never-sure",
        "what an agent denies is never lost",
        "handoff/ledger/lua/libraries/jobs/executions.lua",
        "K.running .. node_name), id)) > op\n",
        "K.running .. node_name), id)) >= op\n",
        ("tests/ledger/test_late_calls.py::test_what_was_started_before_and_is_denied_is_lost_once[real]",),
    ),
    Mutant(
        "deny-behind",
        "what was denied after a roll-back counts as lost before it is told how it ended",
        "handoff/ledger/lua/operations/node/deny.lua",
        "if tonumber(node.op or 0) < op then\n",
        "if false then\n",
        ("tests/ledger/test_late_calls.py::test_what_is_denied_after_a_roll_back_is_told_first[fake]",),
    ),
    Mutant(
        "recall-late",
        "what is told after a roll-back, and comes late, sets the number of calls back",
        "handoff/ledger/lua/operations/node/recall.lua",
        "if op > tonumber(node.op or 0) then\n",
        "if op > 0 then\n",
        (
            "tests/ledger/test_late_calls.py::test_what_was_told_after_a_roll_back_does_not_set_the_number_of_calls_back[real]",
        ),
    ),
    Mutant(
        "submit-new",
        "what is submitted is taken for new whatever is there",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "  if redis.call('EXISTS', unpack(keys)) == 0 then\n",
        "  if redis.call('EXISTS', unpack(keys)) >= 0 then\n",
        (
            "tests/client/functions/test_function_many.py::TestRefusedMidway::test_submitted_again_under_the_same_ids_only_what_was_missing_comes[real]",
        ),
    ),
    Mutant(
        "submit-many-budget",
        "a call that takes on many functions places as many as there are",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "    if Call.budget <= 0 then",
        "    if Call.budget <= -1000 then",
        ("tests/client/functions/test_function_many.py::TestTaken::test_what_one_call_places_is_bounded[real]",),
    ),
    Mutant(
        "submit-many-judging",
        "to say why no node can hold a function costs a call that takes on many nothing",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "      Call.budget = Call.budget - OF_JUDGING\n",
        "      Call.budget = Call.budget - OF_ONE\n",
        (
            "tests/client/functions/test_function_many.py::TestRefusedMidway::test_of_what_no_node_can_hold_a_call_judges_only_so_many[real]",
        ),
    ),
    Mutant(
        "submit-many-fits",
        "where one function fitted, another goes that asks for something else",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "  local last = is_plain and Call.fits[kind.demand]\n",
        "  local last = is_plain and next(Call.fits) and Call.fits[next(Call.fits)]\n",
        (
            "tests/client/functions/test_function_many.py::TestTaken::test_each_goes_to_the_first_node_with_room_for_it[real]",
        ),
    ),
    Mutant(
        "submit-many-waits",
        "behind one that waits the next waits too, whatever its priority",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "Call.waits[kind.demand] == kind.priority and",
        "Call.waits[kind.demand] and",
        (
            "tests/client/functions/test_function_many.py::TestTaken::test_a_larger_priority_takes_room_that_is_held_against_the_one_before_it[real]",
        ),
    ),
    Mutant(
        "submit-many-costs",
        "where one function fitted the next goes, though another of its costs fits in front of there",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "    if is_plain and #Demand.read(kind.demand) == 1 then\n",
        "    if is_plain then\n",
        (
            "tests/ledger/submits/test_many_as_one_by_one.py::test_a_list_leaves_what_its_functions_leave_one_by_one[real-271]",
        ),
    ),
    Mutant(
        "submit-many-judged",
        "of many functions each is told what another demand was judged",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "    Call.judged[demand] = judged\n",
        "    Call.judged = setmetatable({}, {__index = function() return judged end})\n",
        (
            "tests/ledger/submits/test_many_as_one_by_one.py::test_a_list_leaves_what_its_functions_leave_one_by_one[real-0]",
        ),
    ),
    Mutant(
        "submit-many-checked",
        "of many functions only the first kind is looked at before anything is written",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "    local kind = kinds[i]\n    check_kind(kind)\n",
        "    local kind = kinds[i]\n    check_kind(kinds[1])\n",
        (
            "tests/ledger/submits/test_many_checked.py::test_where_the_last_is_bent_the_first_is_not_written_either[real-demand]",
        ),
    ),
    Mutant(
        "submit-many-unkept",
        "what was waited for in vain is not told where some functions are refused",
        "handoff/client/many.py",
        "    if promise.broken:\n",
        "    if False:\n",
        (
            "tests/ledger/store/test_durability_of_many.py::test_where_some_are_refused_too_each_of_the_others_says_that_it_is_not_kept",
        ),
    ),
    Mutant(
        "wait-new",
        "who asks once more for a result does not look whether rq began the function anew",
        "handoff/client/handle.py",
        "is_new, self._is_new = self._is_new, False",
        "is_new = self._is_new",
        (
            "tests/client/functions/test_function_wait.py::TestWait::test_who_asks_again_is_told_of_what_rq_began_anew[real]",
        ),
    ),
    Mutant(
        "wait-any",
        "whatever wakes who waits is taken for a success",
        "handoff/ledger/functions.py",
        (
            "        if entry is not None and is_success(entry[1]):\n"
            "            await give_back_if_unseen(ledger, job_id, entry)\n            return decode_value"
        ),
        "        if entry is not None:\n            return decode_value",
        ("tests/client/functions/test_function_wait.py::TestWait::test_a_failure_is_looked_at[real]",),
    ),
)
