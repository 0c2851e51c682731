"""Defects in keeping functions to the memory that they have declared, and in learning what they use."""

from __future__ import annotations

from mutants.mutant import Mutant

_FAILING = "handoff/ledger/lua/libraries/jobs/failing.lua"
_EXCEEDED = "tests/ledger/test_exceeded.py"
_LEARN = "handoff/ledger/lua/operations/node/learn.lua"
_LEARNED = "tests/ledger/test_learned.py"
_ENFORCING = "workers/handoff_worker/children/enforcing.py"
_ENFORCED = "tests/worker/children/test_enforcing.py"
_GROUPS = "workers/handoff_worker/machine/own_groups.py"
_GROUPED = "tests/worker/machine/test_own_groups.py"
_REFUSED = "tests/worker/agent/test_agent_refused_start.py"

MUTANTS = (
    Mutant(
        "enforced-again",
        "what has grown once grows again",
        _FAILING,
        "~= 'grow' or job.grown then",
        "~= 'grow' then",
        (f"{_EXCEEDED}::test_it_grows_once",),
    ),
    Mutant(
        "enforced-retries",
        "the attempt with more memory costs one of its retries",
        _FAILING,
        "Number.text(tonumber(job.retries or 0) + 1)",
        "job.retries or '0'",
        (f"{_EXCEEDED}::test_the_attempt_with_more_is_beside_the_retries",),
    ),
    Mutant(
        "enforced-infeasible",
        "what no node could hold is tried with that all the same",
        _FAILING,
        "if demand and Feasible.count(Demand.read(demand)) > 0 then",
        "if demand then",
        (f"{_EXCEEDED}::test_what_no_node_could_hold_is_not_tried",),
    ),
    Mutant(
        "enforced-below",
        "memory of processes that a function has started does not count",
        _ENFORCING,
        "    pids = tree(pid)\n",
        "    pids = tree(pid)[:1]\n",
        (f"{_ENFORCED}::test_memory_of_a_process_below_counts",),
    ),
    Mutant(
        "enforced-told",
        "who was told of is told of again",
        _ENFORCING,
        "        return inf\n",
        "        return now_s\n",
        (f"{_ENFORCED}::test_it_is_told_once",),
    ),
    Mutant(
        "enforced-pause",
        "who has much room is not looked at for long",
        _ENFORCING,
        "return min(LARGEST_PAUSE_S, room / FASTEST)",
        "return room / FASTEST",
        (f"{_ENFORCED}::test_the_more_it_may_still_take_the_later_it_is_looked_at_again",),
    ),
    Mutant(
        "enforced-above",
        "who is killed because a group above is short counts as having used too much",
        _GROUPS,
        'if self.most == inf or not int(events.get("oom", 0)) or not',
        "if self.most == inf or not",
        (f"{_GROUPED}::test_who_was_killed_for_the_limit_of_others_has_not_used_too_much",),
    ),
    Mutant(
        "enforced-behind",
        "a function is laid behind one that may have less memory than it may",
        "workers/handoff_worker/children/child.py",
        "group.most >= task.most_memory and",
        "True and",
        (f"{_ENFORCED}::test_what_may_have_more_is_not_laid_behind_what_may_have_less",),
    ),
    Mutant(
        "enforced-cpu-behind",
        "a function is laid behind one that gets other processors than it has declared",
        "workers/handoff_worker/children/child.py",
        " and group.cpu == task.most_cpu)",
        ")",
        (
            f"{_ENFORCED}"
            "::test_what_may_have_other_processors_is_not_laid_behind_and_is_given_the_child_when_it_is_idle",
        ),
    ),
    Mutant(
        "enforced-cpu-least",
        "what declares hardly any of a processor is told a quota that the kernel refuses",
        _GROUPS,
        "min(max(LEAST_QUOTA_US, round(cpu * PERIOD_US)), LARGEST_QUOTA_US)",
        "min(round(cpu * PERIOD_US), LARGEST_QUOTA_US)",
        (f"{_GROUPED}::test_in_each_period_it_has_so_much_of_processors_as_was_declared",),
    ),
    Mutant(
        "enforced-cpu-watched",
        "a node that cannot keep functions to processors starts all the same",
        "workers/handoff_worker/agent/start.py",
        "        if options.enforces_cpu:\n",
        "        if False:\n",
        (f"{_REFUSED}::test_where_no_control_groups_can_be_had_none_starts_that_is_to_keep_to_processors",),
    ),
    Mutant(
        "enforced-lowered",
        "a group is limited to less than it has, which kills at once",
        _GROUPS,
        "return most >= self.most or",
        "return True or",
        (f"{_GROUPED}::test_it_is_not_limited_to_less_than_it_has",),
    ),
    Mutant(
        "enforced-stuck",
        "an agent that can make no groups stays in the one that it has made for itself",
        _GROUPS,
        "            with contextlib.suppress(OSError):\n                _move(self.folder)\n",
        "",
        (f"{_GROUPED}::test_who_cannot_make_any_stands_where_it_stood",),
    ),
    Mutant(
        "enforced-kept",
        "a function is given a child that has kept more than it may have",
        "workers/handoff_worker/children/child.py",
        "return self.kept <= task.most_memory and (self.group is None or self.group.may_have(task.most_memory))",
        "return True",
        (f"{_ENFORCED}::test_no_function_is_given_a_child_that_has_kept_more_than_it_may_have",),
    ),
    Mutant(
        "learned-lasting",
        "what is learned of a name is kept for ever",
        _LEARN,
        "    redis.call('PEXPIRE', key, ttl_ms)\n",
        "",
        (f"{_LEARNED}::test_a_name_is_forgotten_thirty_days_after_its_last",),
    ),
    Mutant(
        "learned-listed",
        "names are listed for ever",
        _LEARN,
        "redis.call('ZREMRANGEBYSCORE', K.learners, '-inf', Call.now)\n",
        "",
        (f"{_LEARNED}::test_a_name_is_forgotten_thirty_days_after_its_last",),
    ),
    Mutant(
        "grown-group",
        "what has outgrown the node of its group waits for it for ever",
        "handoff/ledger/lua/libraries/runs/groups.lua",
        " and not has_outgrown(node, job) then",
        " then",
        (f"{_EXCEEDED}::test_what_outgrows_the_node_of_its_group_takes_the_group_to_one_that_can_hold_it[real]",),
    ),
    Mutant(
        "learned-few",
        "of two samples the one may take the place of the other",
        "handoff/ledger/learned.py",
        "return crc32(id.encode()), write_numbers(",
        "return crc32(id.encode()) % MOST_SAMPLES, write_numbers(",
        (f"{_LEARNED}::test_of_few_none_is_lost[real]",),
    ),
    Mutant(
        "learned-ids",
        "the ids of graphs that never come again are kept for ever",
        _LEARN,
        "redis.call('HLEN', key) > most",
        "false",
        (f"{_LEARNED}::test_of_no_more_ids_than_so_many_is_known_how_long_they_took",),
    ),
    Mutant(
        "learned-shortest",
        "the list of names expires with what its first node keeps",
        _LEARN,
        "Number.text(last - Call.now)",
        "ttl_ms",
        (f"{_LEARNED}::test_each_node_says_how_long_it_is_kept",),
    ),
    Mutant(
        "learned-before-said",
        "what is learned goes before what a function says",
        "handoff/graph/order.py",
        "    if function.duration is None:\n        return learned\n",
        "    if learned is not None or function.duration is None:\n        return learned\n",
        (
            "tests/graph/test_plan_places.py::TestPlaces::test_what_is_learned_counts_for_functions_that_do_not_say_how_long_they_take",
        ),
    ),
    Mutant(
        "learned-by-name",
        "functions of one name all take its mean, whatever their ids",
        "handoff/ledger/learned.py",
        "found[index] = mean_s if seconds is None else seconds",
        "found[index] = mean_s or seconds",
        (f"{_LEARNED}::test_how_long_a_function_of_a_graph_takes_says_its_id_and_else_the_mean_of_its_name",),
    ),
    Mutant(
        "learned-stopped",
        "who was stopped for its memory counts as if it had ended",
        "workers/handoff_worker/agent/learning.py",
        'if result.kind != "exceeded":',
        'if result.kind != "no such":',
        (
            "tests/worker/loop/test_learning.py"
            "::test_of_what_was_stopped_for_its_memory_that_is_told_and_not_how_long_it_took",
        ),
    ),
    Mutant(
        "order-narrow",
        "of equals in a graph those go first that need little",
        "handoff/graph/order.py",
        "(-paths[index], -parts[index], levels[index])",
        "(-paths[index], levels[index])",
        (
            "tests/graph/test_plan_places.py::TestPlaces::test_of_equals_the_one_that_asks_for_the_largest_part_of_anything_is_first",
        ),
    ),
    Mutant(
        "learned-crowd",
        "many functions of one name leave no room for others",
        "workers/handoff_worker/agent/learning.py",
        "if len(samples) < MOST_OF_ONE:",
        "if len(samples) < 1000:",
        ("tests/worker/loop/test_learning.py::test_of_many_of_one_name_a_few_are_told_and_those_of_others_too",),
    ),
)
