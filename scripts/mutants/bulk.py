"""Defects in what is declared once, and in what is done to many functions."""

from __future__ import annotations

from mutants.mutant import Mutant

DECLARED = "handoff/words/declared.py"
TASKS = "tests/testing/test_tasks.py"

UNIQUE = "handoff/ledger/lua/libraries/jobs/unique.lua"
KEYS = "tests/client/functions/test_function_unique.py"

MAPPED = "tests/client/functions/test_function_map.py"
GATHERED = "tests/client/functions/test_function_gather.py"

MUTANTS = (
    Mutant(
        "unique-over",
        "who has failed, and whose key was not taken off, keeps it",
        UNIQUE,
        "own == key and (not Statuses.ENDED[status] or (is_kept and status == 'finished'))",
        "own == key",
        (f"{KEYS}::TestWhenItHasEnded::test_the_key_is_free_at_once_but_after_it_has_finished",),
    ),
    Mutant(
        "unique-of-whom",
        "whoever ends takes off the key of who has it now",
        UNIQUE,
        "if not key or redis.call('HGET', K.unique, key) ~= job.id then",
        "if not key then",
        (f"{KEYS}::TestWhenItHasEnded::test_one_that_rq_requeues_leaves_it_to_who_has_it_meanwhile",),
    ),
    Mutant(
        "unique-again",
        "of a key that was kept the next one is forgotten when that time is over",
        UNIQUE,
        "  redis.call('DEL', K.unique_after .. key)\n",
        "",
        (f"{KEYS}::TestWhenItHasEnded::test_nothing_is_left_when_rq_deletes_the_first_and_then_the_next",),
    ),
    Mutant(
        "unique-requeued",
        "one that rq requeues has no key",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        "  Unique.come_back(job)\n",
        "",
        (f"{KEYS}::TestWhenItHasEnded::test_one_that_rq_requeues_has_its_key_again",),
    ),
    Mutant(
        "unique-strays",
        "housekeeping does not look for keys of nobody",
        "handoff/ledger/lua/operations/housekeeping/tick.lua",
        "BookSweep.unique_keys()\n",
        "",
        (f"{KEYS}::TestWhenItHasEnded::test_of_many_that_rq_deleted_housekeeping_forgets_all_by_and_by",),
    ),
    Mutant(
        "unique-lost-reply",
        "asked again, who has just got the key is told that it is another's",
        "handoff/ledger/lua/libraries/jobs/submitting.lua",
        "  local key = not known and key_of(one)",
        "  local key = key_of(one)\n  known = not key and known",
        ("tests/ledger/test_lost_replies.py::test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost",),
    ),
    Mutant(
        "task-said",
        "what a task declares goes before what is named where it is submitted",
        DECLARED,
        "for name, value in options.items() if _is_default(name, getattr(function, name))",
        "for name, value in options.items()",
        (f"{TASKS}::TestSubmitted::test_with_what_is_named_where_it_is_submitted",),
    ),
    Mutant(
        "task-wrapped",
        "of a function that wraps a task only the task is called",
        DECLARED,
        "declared.function if isinstance(function.code, Declared) else function.code",
        "declared.function",
        (f"{TASKS}::TestDeclaring::test_a_function_that_wraps_a_task_has_its_cost",),
    ),
    Mutant(
        "map-read",
        "all of an iterable is read before anything is sent",
        "handoff/client/mapped.py",
        "islice(calls, BATCH)",
        "list(calls)",
        (f"{MAPPED}::TestSubmitted::test_they_are_sent_while_the_iterable_is_read",),
    ),
    Mutant(
        "gather-first",
        "the first that fails is told when all have ended",
        "handoff/client/gathered.py",
        "            if not keep_errors:\n                raise\n",
        "",
        (f"{GATHERED}::TestGather::test_the_first_that_fails_is_told_while_others_go_on",),
    ),
    Mutant(
        "gather-twice",
        "a handle that is given twice comes once",
        "handoff/client/gathered.py",
        "        by_id.setdefault(handle.id, []).append(handle)",
        "        by_id[handle.id] = [handle]",
        (f"{GATHERED}::TestAsCompleted::test_a_handle_that_is_given_twice_comes_twice",),
    ),
    Mutant(
        "ends-order",
        "what has ended is told in the order of the list",
        "handoff/ledger/ends.py",
        "        return sorted(found, key=lambda end: end.at)",
        "        return found",
        (f"{GATHERED}::TestAsCompleted::test_those_that_have_ended_before_come_first_by_when_they_did",),
    ),
    Mutant(
        "ends-gone",
        "one that is gone is waited for",
        "handoff/ledger/lua/operations/client/ends.lua",
        "  if status == '' or Statuses.ENDED[status] then",
        "  if Statuses.ENDED[status] then",
        (f"{GATHERED}::TestAsCompleted::test_each_comes_whatever_its_end",),
    ),
)
