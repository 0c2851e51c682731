"""Defects in what finds that the books are wrong, and in what mends them."""

from __future__ import annotations

from mutants.mutant import Mutant

FOUND = "tests/doctor/test_planted.py::test_what_was_made_wrong_is_found_with_whose_it_is_and_how_much"
MENDED = "tests/doctor/test_mended.py::test_what_was_made_wrong_is_mended_and_every_function_is_where_it_says"

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
)
