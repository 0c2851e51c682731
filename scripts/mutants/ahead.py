"""Defects in how brief functions are given ahead, and taken back."""

from __future__ import annotations

from mutants.mutant import Mutant

POOL = "workers/handoff_worker/children/pool.py"
CREW = "workers/handoff_worker/children/crew.py"
AHEAD = "tests/worker/children/test_children_ahead.py::"

MUTANTS = (
    Mutant(
        "ahead-spent",
        "a child that is spent begins one more function",
        "workers/handoff_worker/inside/executor.py",
        'goes_on = not (outcome["spent"] or outcome["left"])',
        "goes_on = True",
        (f"{AHEAD}test_where_a_function_has_spent_its_child_what_was_laid_behind_it_runs_in_another",),
    ),
    Mutant(
        "ahead-answered",
        "whoever ends a function that has answered ends the next one",
        POOL,
        "        if self._running.get(id) is not child or child.ending:\n            return False\n",
        "",
        (f"{AHEAD}test_a_function_that_is_killed_when_it_has_answered_has_its_result_and_the_next_goes_on",),
    ),
    Mutant(
        "ahead-devices",
        "functions that share a device are laid behind each other",
        CREW,
        "not (task.binding.devices or task.is_isolated) and ",
        "",
        (f"{AHEAD}test_what_is_bound_to_a_device_has_a_child_of_its_own",),
    ),
    Mutant(
        "ahead-slow",
        "what waits behind a long function waits for its end",
        POOL,
        "            self._returned += child.take_back(1)\n        for child",
        "        for child",
        (f"{AHEAD}test_what_waits_behind_a_function_that_is_not_brief_after_all_is_begun_in_another_child",),
    ),
    Mutant(
        "ahead-killed",
        "what is killed before its child has taken it begins elsewhere",
        POOL,
        "        child.tray.take_back()\n        child.kill()\n",
        "        child.kill()\n",
        (f"{AHEAD}test_what_an_idle_child_was_given_and_had_not_begun_when_it_was_killed_never_begins",),
    ),
    Mutant(
        "ahead-dead",
        "what an idle child had not taken when it died is lost",
        POOL,
        "child.take_back(0 if child.functions else 1, ends=True)",
        "child.take_back(1, ends=True)",
        ("tests/worker/children/test_children_choice.py::test_an_idle_child_that_has_died_is_not_given_a_function",),
    ),
    Mutant(
        "ahead-place",
        "what was taken back is known by its place, though the child has taken one meanwhile",
        "workers/handoff_worker/children/child.py",
        "        unbegun = [(task, packed[task.id]) for task in self.tasks if task.id in packed]\n",
        "        unbegun = [*zip([*self.tasks][len(self.tasks) - len(laid) :], laid, strict=True)]\n",
        ("tests/worker/children/test_child_tray.py::test_what_lay_before_what_it_has_begun_is_taken_back_too",),
    ),
)
