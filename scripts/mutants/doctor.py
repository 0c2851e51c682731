"""Defects in what finds that the books are wrong, and in what mends them."""

from __future__ import annotations

from mutants.mutant import Mutant

FOUND = "tests/doctor/test_planted.py::test_what_was_made_wrong_is_found_with_whose_it_is_and_how_much"
MENDED = "tests/doctor/test_mended.py::test_what_was_made_wrong_is_mended_and_every_function_is_where_it_says"

BESIDES = "tests/doctor/test_mended.py::test_what_was_made_wrong_besides_is_mended"

MUTANTS = (
    Mutant(
        "doctor-nowhere",
        "a function that stands nowhere is as it has to be",
        "handoff/doctor/places.py",
        '    if status in ("queued", "started", "deferred") and found != sorted(expected):\n',
        '    if status in ("queued", "started", "deferred") and len(found) > 1:\n',
        (f"{FOUND}[real-a function that stands nowhere]",),
    ),
    Mutant(
        "mend-queued",
        "a function that has its reservation and stands on no queue is not put back on it",
        "handoff/ledger/lua/operations/operator/mend_job.lua",
        "    Queues.push(Queues.of(node.name), job_id)\n",
        "",
        (f"{MENDED}[real-a function that stands nowhere]",),
    ),
    Mutant(
        "mend-stray-node",
        "what marks a node is taken away though the node is there",
        "handoff/ledger/lua/operations/operator/mend_stray.lua",
        "  return MARKS[key] and not is_node(name) and redis.call('ZREM', MARKS[key], name) == 1\n",
        "  return MARKS[key] and redis.call('ZREM', MARKS[key], name) == 1\n",
        ("tests/doctor/test_mended.py::test_a_mark_of_a_node_that_has_come_meanwhile_stays[real]",),
    ),
    Mutant(
        "doctor-unlisted-run",
        "a run that no list names is not looked at",
        "handoff/doctor/walk_rest.py",
        'parts[0] == "run:" and parts[1] not in walk.runs:',
        'parts[0] == "run:" and parts[1] in walk.runs:',
        (
            "tests/doctor/test_planted_lines.py::test_what_was_made_wrong_where_functions_wait_is_found"
            "[a run that is in no list-real]",
        ),
    ),
    Mutant(
        "mend-odd-state",
        "a run in a state that nobody knows stays in it",
        "handoff/ledger/lua/operations/operator/mend_run.lua",
        "  redis.call('HSET', K.run .. run, 'state', state)\n",
        "",
        (f"{BESIDES}[a run in no state-real]",),
    ),
    Mutant(
        "mend-spots",
        "the index of shapes is believed where its positions are nobody's",
        "handoff/doctor/mend.py",
        '            yield ("mend_line", "")\n',
        "            return\n",
        (f"{BESIDES}[a position of nobody-real]",),
    ),
    Mutant(
        "mend-ended-key",
        "of a run that has ended is kept what only one that runs needs",
        "handoff/ledger/lua/operations/operator/mend_stray.lua",
        "  return has_ended(run) and redis.call('DEL', K.run_parked .. line) == 1\n",
        "  return false\n",
        (f"{BESIDES}[somebody parked in a run that ended-real]",),
    ),
    Mutant(
        "doctor-clock",
        "nobody is told that his clock and that of Redis differ",
        "handoff/doctor/server.py",
        "    if off > MOST_SKEW_S:\n",
        "    if off > 10**6:\n",
        (
            "tests/cli/test_cli_doctor_around.py::test_what_is_wrong_around_the_books_is_told_and_exits_with_1"
            "[the clock of this host]",
        ),
    ),
)
