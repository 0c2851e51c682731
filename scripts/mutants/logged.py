"""Defects of what an agent's log and lists of processes tell."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "log-left-so",
        "records of functions do not say where they were made",
        "workers/handoff_worker/log.py",
        "    vars(logging).update(_AS_FOUND)\n",
        "",
        (
            "tests/worker/children/test_nursery_forked.py::test_functions_find_in_a_fork_of_the_agent_what_they_find_in_a_program_of_its_own",
        ),
    ),
    Mutant(
        "diary-whose-time",
        "the log has the time at the agent, with the way there and back, for that of the function",
        "workers/handoff_worker/agent/diary.py",
        "if took_s is None else took_s",
        "",
        ("tests/worker/test_log.py::test_of_each_function_start_end_duration_node_and_id_are_told",),
    ),
    Mutant(
        "diary-one-line",
        "what a function is called makes lines of its own in the log",
        "workers/handoff_worker/agent/started.py",
        'one_line(shorten(said.decode(errors="replace"), MOST_SHOWN, placeholder=" ..."))',
        'said.decode(errors="replace")',
        (
            "tests/worker/test_log.py::test_no_name_of_a_function_makes_a_line_of_its_own_or_moves_the_cursor[a\\x1b[2Jb]",
        ),
    ),
    Mutant(
        "title-rest",
        "of a longer title the rest stands behind the next one",
        "workers/handoff_worker/machine/titles.py",
        "changed = max(self._used, len(title))",
        "changed = len(title)",
        (
            "tests/worker/machine/test_titles.py::test_the_title_stands_in_place_of_the_arguments_and_nothing_of_the_one_before_is_left[whats1-handoff node a: idle]",
        ),
    ),
    Mutant(
        "printed-rest",
        "a line that a function has not ended is written with the next function's id",
        "workers/handoff_worker/inside/executor.py",
        "        self._printing.end()\n",
        "",
        ("tests/worker/children/test_children_telling.py::test_a_line_that_is_not_ended_has_the_id_of_its_function",),
    ),
    Mutant(
        "printed-over",
        "bars of progress fill the log with all that they ever showed",
        "workers/handoff_worker/inside/printing.py",
        '.rpartition("\\r")[2]',
        "",
        (
            "tests/worker/inside/test_printing.py::test_of_a_line_that_is_written_over_stands_what_a_terminal_would_show",
        ),
    ),
)
