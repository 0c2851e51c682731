"""Defects in what figures say: of limits and bars."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "limits-commands",
        "a call may take a fifth more commands than it did",
        "scripts/benchmarks/check/limits.py",
        "SLACK = {COMMANDS: 1.0, CPU: 1.2}",
        "SLACK = {COMMANDS: 1.2, CPU: 1.2}",
        (
            "tests/bench/test_limits.py::test_commands_may_not_grow_and_cpu_only_by_what_a_machine_errs[commands-49.0-50.0-False]",
        ),
    ),
    Mutant(
        "limits-exit",
        "a call that is beyond its limit is told, and nothing fails",
        "scripts/benchmarks/__main__.py",
        "sys.exit(1 if beyond else 0)",
        "sys.exit(0)",
        ("tests/bench/test_limits.py::test_the_command_fails_and_names_the_operation_that_is_beyond_its_limit",),
    ),
    Mutant(
        "bars-fastest",
        "rates are compared with the slowest of several peers",
        "scripts/benchmarks/peers/bars.py",
        "best = max if bar.at_most is None else min",
        "best = min",
        ("tests/bench/test_bars.py::test_the_fastest_queue_of_each_repeat_is_what_counts",),
    ),
)
