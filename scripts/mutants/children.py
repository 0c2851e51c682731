"""Defects in how children are watched, and in what one function finds of another."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "watch-sign",
        "whoever moves between two looks is given up",
        "workers/handoff_worker/children/watch.py",
        "sign is not None and sign == self._sign",
        "sign is not None",
        ("tests/worker/children/test_children_watch.py::test_who_moves_between_two_looks_is_not_given_up",),
    ),
    Mutant(
        "watch-on",
        "what was stopped by a signal stays so",
        "workers/handoff_worker/children/watch.py",
        "    processes.go_on(pid)\n",
        "",
        ("tests/worker/children/test_children_watch.py::test_a_child_that_was_stopped_goes_on",),
    ),
    Mutant(
        "leftovers-tracker",
        "functions that use shared memory cost their child",
        "workers/handoff_worker/inside/leftovers.py",
        'if pid != getattr(tracker, "_pid", None)]',
        "if tracker or pid]",
        (
            "tests/worker/children/test_children_leftovers.py::test_the_process_that_keeps_account_of_shared_memory_does_not_cost_the_child",
        ),
    ),
    Mutant(
        "leftovers-waits",
        "an end is told while something of it still runs",
        "workers/handoff_worker/inside/leftovers.py",
        "            if alive and time.monotonic() < dead.since_s + LONGEST_DYING_S:\n                continue\n",
        "",
        ("tests/worker/children/test_children_leftovers.py::test_what_a_killed_function_has_started_is_gone_with_it",),
    ),
    Mutant(
        "leftovers-between",
        "what one leaves that dies just after it was found lives on",
        "workers/handoff_worker/machine/processes.py",
        "not left and dead.issuperset(found):",
        "not left:",
        ("tests/worker/machine/test_processes.py::test_what_one_leaves_that_dies_after_it_was_found_is_ended_too",),
    ),
    Mutant(
        "leftovers-others",
        "what others have started is killed too",
        "workers/handoff_worker/inside/leftovers.py",
        "for pid in processes.own_children() if pid not in self._living]",
        "for pid in processes.own_children()]",
        (
            "tests/worker/children/test_children_leftovers.py::test_what_other_functions_have_started_that_still_run_is_left_alone",
        ),
    ),
    Mutant(
        "surroundings-umask",
        "the umask of one function is that of the next",
        "workers/handoff_worker/inside/surroundings.py",
        "            os.umask(self._umask)\n            if",
        "            if",
        ("tests/worker/inside/test_surroundings.py::test_what_a_function_changes_ends_with_it",),
    ),
    Mutant(
        "surroundings-blocked",
        "a signal that one function has blocked strikes the next",
        "workers/handoff_worker/inside/surroundings.py",
        "            for number in {signal.SIGALRM, *signal.sigpending()}:",
        "            for number in {signal.SIGALRM}:",
        ("tests/worker/inside/test_surroundings.py::test_what_a_function_changes_ends_with_it[raise_blocked_signal]",),
    ),
    Mutant(
        "surroundings-modules",
        "a child runs on from which modules were removed",
        "workers/handoff_worker/inside/surroundings.py",
        "        if has_imported and not self._add_modules():\n            return False\n",
        "        if has_imported:\n            self._add_modules()\n",
        (
            "tests/worker/inside/test_surroundings.py::test_a_child_that_cannot_be_put_right_is_not_used_again[remove_modules]",
        ),
    ),
    Mutant(
        "surroundings-swapped",
        "a child runs on from which modules were removed while as many were imported",
        "workers/handoff_worker/inside/surroundings.py",
        "if added >= 0 and last == self._last:",
        "if added >= 0:",
        (
            "tests/worker/inside/test_surroundings.py::test_a_child_that_cannot_be_put_right_is_not_used_again[swap_modules]",
        ),
    ),
    Mutant(
        "rehearsal-out-of-date",
        "children do not find what has come to a folder after the nursery has looked there",
        "workers/handoff_worker/inside/rehearsal.py",
        "    importlib.invalidate_caches()\n",
        "",
        ("tests/worker/inside/test_rehearsal.py::test_what_was_found_in_folders_is_looked_for_again",),
    ),
    Mutant(
        "surroundings-found",
        "modules that only one function could find are found by the next",
        "workers/handoff_worker/inside/surroundings.py",
        "not has_imported or (sys.path is path and path == folders)",
        "True",
        (
            "tests/worker/inside/test_surroundings.py::test_modules_that_only_one_function_could_find_are_not_found_by_the_next",
        ),
    ),
    Mutant(
        "open-files-further",
        "the limit of open files is raised as far as it goes, also for what functions start",
        "workers/handoff_worker/machine/open_files.py",
        "needed if hard == resource.RLIM_INFINITY else min(needed, hard)",
        "hard",
        (
            "tests/worker/children/test_children_limits.py::test_the_soft_limit_is_raised_as_far_as_the_slots_need_and_the_hard_one_allows",
        ),
    ),
    Mutant(
        "open-files-slots",
        "an agent takes more than it may have files open for",
        "workers/handoff_worker/machine/open_files.py",
        "max(1, (soft - RESERVED) // FILES_PER_SLOT)",
        "slots",
        (
            "tests/worker/agent/test_agent_open_files.py::test_an_agent_that_may_have_few_files_open_has_as_many_slots_as_fit_and_says_so",
        ),
    ),
    Mutant(
        "watched-late",
        "who watches from the import of a function's module on is not told of its first failure",
        "workers/handoff_worker/inside/watched.py",
        "        if _is_watched():\n            _run_watched(",
        "        if not _is_watched():\n            _run_watched(",
        (
            "tests/worker/inside/test_watched.py::test_a_watcher_that_comes_with_the_functions_module_is_told_of_its_first_failure",
        ),
    ),
    Mutant(
        "watched-retried",
        "who watches takes each attempt for the last",
        "workers/handoff_worker/inside/watched.py",
        "job.retries_left = int(is_tried_again)",
        "job.retries_left = 0",
        ("tests/worker/inside/test_watched.py::test_a_watcher_knows_whether_another_attempt_follows",),
    ),
    Mutant(
        "watched-kept",
        "what a function has raised stays in memory where somebody watches",
        "workers/handoff_worker/inside/watched.py",
        "        vars(worker).clear()\n",
        "        pass\n",
        ("tests/worker/inside/test_watched.py::test_what_was_raised_is_let_go_when_the_watcher_has_seen_it",),
    ),
    Mutant(
        "forked-files",
        "a fork of the agent keeps what the agent has open",
        "workers/handoff_worker/inside/nursery.py",
        "            if descriptor > 2 and descriptor != agent.fileno():\n",
        "            if descriptor > 1_000:\n",
        (
            "tests/worker/children/test_nursery_forked.py::test_functions_find_in_a_fork_of_the_agent_what_they_find_in_a_program_of_its_own",
        ),
    ),
    Mutant(
        "forked-mark",
        "what a fork of the agent has forked bears no mark",
        "workers/handoff_worker/machine/titles.py",
        'shown = b"".join(b"%b=%b\\0" % pair for pair in environment.items()) or b"\\0"',
        'shown = b"\\0"',
        (
            "tests/worker/children/test_nursery_forked.py::test_functions_find_in_a_fork_of_the_agent_what_they_find_in_a_program_of_its_own",
        ),
    ),
    Mutant(
        "forked-beside",
        "an agent forks its nursery beside a thread",
        "workers/handoff_worker/children/nursery.py",
        'return len(os.listdir("/proc/self/task")) == 1 and can_show_others()',
        "return can_show_others()",
        (
            "tests/worker/children/test_nursery_forked.py::test_an_agent_forks_no_nursery_beside_a_thread_nor_where_no_mark_could_be_shown",
        ),
    ),
)
