"""Defects in what is declared once, and in what is done to many functions."""

from __future__ import annotations

from mutants.mutant import Mutant

DECLARED = "handoff/words/declared.py"
TASKS = "tests/testing/test_tasks.py"

MUTANTS = (
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
)
