"""Defects in how functions are placed and taken."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "admit-preferred",
        "the preferred node is not tried first",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        "      local node = preferred and preferred ~= '' and Node.load(preferred)",
        "      local node = nil",
        (
            "tests/ledger/runs/test_run_order.py::test_the_node_that_the_users_allocator_names_is_tried_first_when_a_function_is_ready[real]",
        ),
    ),
    Mutant(
        "admit-join-variant",
        "a variant whose time has come is not tried, it only waits",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        (
            "  local node = Find.may_fit(shape, rank) and Placing.find(job, shape, rank)\n"
            "  if node then\n"
            "    Waiting.stop"
        ),
        ("  local node = nil\n  if node then\n    Waiting.stop"),
        (
            "tests/ledger/scheduling/test_scheduling_several_costs.py::test_variants[real-several variants behind After join each at its time]",
        ),
    ),
    Mutant(
        "admit-reserved-open",
        "what was reserved is served on a node that takes nothing",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        ("  if not Node.is_open(node) then\n    Reservations.give_back(node, id, 'moved')\n    return false\n  end"),
        "",
        (
            "tests/ledger/runs/test_run_reserve_whole.py::test_a_function_whose_node_is_drained_moves_what_it_had_reserved[real]",
        ),
    ),
    Mutant(
        "admit-preferred-fits",
        "the preferred node is taken without a look whether it fits",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        "      node = node and node.name ~= job.shunned and Fit.now(node, shape, rank) and node\n",
        "      node = node and node.name ~= job.shunned and node\n",
        (
            "tests/ledger/runs/test_run_order.py::test_the_node_that_the_users_allocator_names_is_tried_first_when_a_function_is_ready[real]",
        ),
    ),
    Mutant(
        "admit-wait-once",
        "the time that a function may wait begins again with each retry",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        "  if wait_ms and tonumber(job.attempts or 0) == 0 then",
        "  if wait_ms then",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py::test_delays_and_waits_that_are_over[real-what has started has waited long enough, once for all]",
        ),
    ),
    Mutant(
        "admit-reserved-lost",
        "what was reserved is served though it was lost",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        "  if not node or not Reservations.has(node.name, id) then",
        "  if not node then",
        (
            "tests/ledger/runs/test_run_reserved_and_lost.py::test_it_is_reserved_anew_on_the_node_that_has_come_back[real]",
        ),
    ),
    Mutant(
        "adopt-second-queue",
        "a placed job that stands on a second queue is placed once more",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        (
            "  if job.node and Reservations.has(job.node, id) and not Executions.has(job.node, id) then\n"
            "    return\n"
            "  end"
        ),
        "",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_what_stands_on_a_second_queue_by_mistake_runs_once[fake-never-was]",
        ),
    ),
    Mutant(
        "adopt-cancel",
        "a requeued job stays canceled",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        ("  if job.cancel then\n    Job.unset(job, 'cancel')\n  end"),
        "",
        (
            "tests/ledger/cases/test_case_rq.py::TestRqsTools::test_a_canceled_function_that_rq_requeues_runs_like_any_other[real]",
        ),
    ),
    Mutant(
        "adopt-persist-job",
        "a requeued job expires when it would have",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        "  redis.call('PERSIST', K.rq_job .. job.id)",
        "",
        (
            "tests/ledger/rq/test_rq_requeue.py::TestRequeued::test_a_requeued_function_is_kept_until_it_ends_again[fake]",
        ),
    ),
    Mutant(
        "adopt-persist-results",
        "the results of a requeued job expire when they would have",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        "  redis.call('PERSIST', K.rq_results .. job.id)",
        "",
        ("tests/ledger/test_brought_back_by_rq.py::test_the_results_of_a_function_are_kept_until_it_ends_again[fake]",),
    ),
    Mutant(
        "adopt-limit",
        "brought back after it was counted, a function wants a token of its run",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        ("  if job.run and not Members.has(job.run, RunId.number(job.id)) then\n    leave_limit(job)\n  end"),
        "",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_after_the_end_of_its_run_a_function_needs_none_of_its_tokens[real-collocated]",
        ),
    ),
    Mutant(
        "adopt-limit-base",
        "the same of a collocated one",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        "ipairs({'demand', 'base'})",
        "ipairs({'demand'})",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_after_the_end_of_its_run_a_function_needs_none_of_its_tokens[real-collocated]",
        ),
    ),
    Mutant(
        "adopt-demand",
        "a job of rq's own takes two slots",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        "{{Resource.SLOTS, Resource.UNIT}}",
        "{{Resource.SLOTS, 2 * Resource.UNIT}}",
        ("tests/ledger/test_brought_back_by_rq.py::test_a_job_that_rq_put_onto_a_queue_takes_one_slot[real]",),
    ),
    Mutant(
        "fitness-again",
        "fitness is looked at once only",
        "handoff/ledger/lua/libraries/jobs/fitness.lua",
        "  Timers.set(Timer.of('unfit', job.id), Call.now + ms)",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py::test_what_is_due_by_the_clock_is_told_while_a_function_waits[real]",
        ),
    ),
    Mutant(
        "fitness-twice",
        "a function is given up at the first look that finds no node",
        "handoff/ledger/lua/libraries/jobs/fitness.lua",
        "  return is_able, was_unfit ~= '1'",
        "  return is_able, false",
        (
            "tests/ledger/scheduling/test_scheduling_infeasible.py::test_what_no_node_could_hold_is_judged_anew_whenever_nodes_change[real-a look at which a node could hold it saves it]",
        ),
    ),
    Mutant(
        "job-before",
        "jobs are handed on in reverse",
        "handoff/ledger/lua/libraries/jobs/job.lua",
        "  return tonumber(one.rank or math.huge) < tonumber(other.rank or math.huge)",
        "  return tonumber(one.rank or math.huge) > tonumber(other.rank or math.huge)",
        (
            "tests/ledger/runs/test_run_order.py::test_a_token_of_a_limited_run_goes_to_what_becomes_ready_before_a_worse_one_that_waited[real]",
        ),
    ),
    Mutant(
        "job-priority",
        "priorities count the other way round",
        "handoff/ledger/lua/libraries/jobs/job.lua",
        "(1000 - priority) * 2 ^ 41",
        "(1000 + priority) * 2 ^ 41",
        ("tests/ledger/runs/test_run_order.py::test_a_larger_priority_goes_first_however_short_its_way[real]",),
    ),
    Mutant(
        "lobby-list",
        "RQ is not told of the lobby when something waits",
        "handoff/ledger/lua/libraries/waiting/lines.lua",
        "    Queues.list(Call.lobby)\n",
        "",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_a_lobby_that_rq_deleted_is_listed_again_when_something_waits[real]",
        ),
    ),
    Mutant(
        "placing-deferred",
        "a placed job stays in RQ's deferred registry",
        "handoff/ledger/lua/libraries/jobs/placing.lua",
        "  Lobby.leave(job.id)",
        "",
        (
            "tests/ledger/scheduling/test_scheduling_drained.py::test_drain[real-it stays drained when it is registered again, until it is opened]",
        ),
    ),
    Mutant(
        "placing-list",
        "RQ is not told of a node's queue that gets work",
        "handoff/ledger/lua/libraries/jobs/queues.lua",
        "      Queues.list(queue)",
        "",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_a_queue_that_rq_deleted_is_listed_again_when_it_has_work[real]",
        ),
    ),
    Mutant(
        "placing-hint",
        "no hint for new work",
        "handoff/ledger/lua/libraries/jobs/queues.lua",
        "      Commands.work(queue)",
        "      local _ = queue",
        ("tests/ledger/test_hint_of_work.py::test_who_submits_onto_an_empty_queue_says_so_to_its_agent[real]",),
    ),
    Mutant(
        "placing-hint-first",
        "a hint for each entry of a queue, not for the first only",
        "handoff/ledger/lua/libraries/jobs/queues.lua",
        ("== last - first + 1 then"),
        (">= last - first + 1 then"),
        ("tests/ledger/test_hint_of_work.py::test_who_submits_onto_a_queue_that_has_work_says_nothing[fake]",),
    ),
    Mutant(
        "placing-count",
        "placements are not counted: nobody is ever overtaken",
        "handoff/ledger/lua/libraries/jobs/placing.lua",
        "  Overtaking.count_placement(shape, job.rank + 0, has_waited)",
        "",
        (
            "tests/why/explain/test_explain_change.py::TestSmallestChange::test_a_node_that_is_held_for_another_is_no_place_to_lower_for[real]",
        ),
    ),
    Mutant(
        "placing-variant",
        "which variant it was placed with is not noted",
        "handoff/ledger/lua/libraries/jobs/placing.lua",
        "  if #demand > 1 then",
        "  if false then",
        (
            "tests/why/test_status_function.py::TestFunction::test_of_several_costs_the_one_that_it_was_placed_with_is_told[real]",
        ),
    ),
    Mutant(
        "placing-devices",
        "the devices of an earlier placement stay with a function that is placed again without any",
        "handoff/ledger/lua/libraries/jobs/placing.lua",
        "  if devices ~= (job.devices or '') then",
        "  if devices ~= '' then",
        (
            "tests/ledger/scheduling/test_scheduling_several_costs.py::test_what_is_tried_again_by_a_variant_without_devices_has_none_of_those_before[real]",
        ),
    ),
    Mutant(
        "placing-choose",
        "a placed member of a group chooses no node",
        "handoff/ledger/lua/libraries/jobs/placing.lua",
        "    Groups.choose(job, node)",
        "    local _ = job",
        (
            "tests/ledger/runs/test_run_groups_move.py::test_who_waits_for_a_lost_node_follows_a_member_that_chose_again_first[real]",
        ),
    ),
    Mutant(
        "take-closing",
        "a node that somebody empties starts what stands on its queue",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        "  if Node.is_closing(node) then",
        "  if false then",
        (
            "tests/ledger/test_closed_nodes.py::test_a_closed_node_starts_nothing_of_what_still_stands_on_its_queue[real-drained]",
        ),
    ),
    Mutant(
        "take-suspended",
        "`rq suspend` keeps no agent from taking",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        "  if room <= 0 or Rare.exists(K.rq_suspended) then",
        "  if room <= 0 then",
        ("tests/why/test_status_function.py::TestFunction::test_what_rq_suspends_says_so[real]",),
    ),
    Mutant(
        "take-room",
        "one more is taken than there is room for",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        ("    room = room - (take(node, queue, job_id, op) and 1 or 0)\n  end"),
        (
            "    room = room - (take(node, queue, job_id, op) and 1 or 0)\n"
            "    if room == 0 then take(node, queue, redis.call('LPOP', K.rq_queue .. queue) or '', op) end\n"
            "  end"
        ),
        (
            "tests/client/functions/test_function_handle.py::TestHandle::test_a_handle_from_an_id_sees_waits_and_cancels_as_the_first_one[real]",
        ),
    ),
    Mutant(
        "take-bound",
        "one call looks at any number of entries",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        "  while room > 0 and looks > 0 do",
        "  while room > 0 do",
        ("tests/ledger/cases/test_case_rq.py::TestRqsTools::test_one_take_looks_at_a_bounded_number_of_entries[real]",),
    ),
    Mutant(
        "take-canceled",
        "the room of what rq canceled on a queue does not come back at a take",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        "      Reservations.give_back(node, id, 'canceled')",
        "      local _ = id",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_the_room_of_what_rq_canceled_on_a_queue_is_free_when_it_is_taken[real]",
        ),
    ),
    Mutant(
        "take-stopping",
        "what a run gives up is started",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        ("  elseif job.run and is_stopping(job.run) then\n    Cancel.job(job, 'run', job.run)"),
        "",
        (
            "tests/ledger/runs/test_run_cancel.py::test_of_a_run_that_is_not_stopped_to_its_end_yet_nothing_starts[real]",
        ),
    ),
    Mutant(
        "take-running-twice",
        "what runs and stands on a queue once more is started once more",
        "handoff/ledger/lua/libraries/jobs/take.lua",
        "  elseif is_reserved and (fresh or not Executions.has(node.name, id)) then",
        "  elseif is_reserved then",
        (
            "tests/ledger/test_brought_back_by_rq.py::test_what_runs_and_is_enqueued_by_rq_runs_anew_and_no_longer_as_it_was[real]",
        ),
    ),
    Mutant(
        "submit-due",
        "what is due already is delayed",
        "handoff/ledger/lua/libraries/jobs/admit.lua",
        "  if date > Call.wall or delay_ms > 0 then",
        "  if date >= Call.wall or delay_ms > 0 then",
        (
            "tests/ledger/scheduling/test_scheduling_timed.py::test_what_is_due_already_is_placed_at_once[real-{'at': datetime.datetime(2030, 3, 17, 17, 46, 40, tzinfo=datetime.timezone.utc)}]",
        ),
    ),
    Mutant(
        "replace-finished",
        "what has finished makes way",
        "handoff/ledger/lua/libraries/jobs/replacing.lua",
        "local MAKES_WAY = {failed = true,",
        "local MAKES_WAY = {finished = true, failed = true,",
        (
            "tests/client/functions/test_function_replace.py::TestRefused::test_what_has_not_failed_stays[real-finished]",
        ),
    ),
    Mutant(
        "replace-callback",
        "an on_failure yet to run is run of the function that took the place",
        "handoff/ledger/lua/libraries/jobs/replacing.lua",
        "  redis.call('LREM', K.callbacks, 0, job.id)\n",
        "",
        (
            "tests/client/functions/test_function_replace.py::TestTaken::test_an_on_failure_that_has_not_run_yet_is_not_run_of_the_new_one[real]",
        ),
    ),
    Mutant(
        "handing-number",
        "what is handed over is started under the number of a call that was answered",
        "handoff/ledger/lua/libraries/jobs/handing.lua",
        "tonumber(node.op or 0) + 1)",
        "tonumber(node.op or 0))",
        (
            "tests/ledger/test_handed_over.py::test_a_heartbeat_says_nothing_of_what_was_handed_over_and_not_told_yet[real]",
        ),
    ),
    Mutant(
        "handing-deaf",
        "a function is handed to an agent that has died",
        "handoff/ledger/lua/libraries/jobs/handing.lua",
        "if Commands.are_heard(queue) and",
        "if",
        ("tests/ledger/test_handed_over.py::test_nothing_is_handed_to_an_agent_that[real-has died]",),
    ),
    Mutant(
        "handing-many",
        "a frozen host is handed all that fits it",
        "handoff/ledger/lua/libraries/jobs/handing.lua",
        "    Node.note(node, 'ready', USED)\n",
        "",
        (
            "tests/ledger/test_handed_over.py::test_of_what_came_while_its_node_was_frozen_one_was_an_attempt_and_the_others_begin_elsewhere[fake]",
        ),
    ),
)
