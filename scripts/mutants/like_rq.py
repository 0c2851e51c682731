"""Defects in what stands in for rq's own queue."""

from __future__ import annotations

from mutants.mutant import Mutant

OPTIONS = "handoff/rq/options.py"
ASKED = "tests/rq/test_options.py"

MUTANTS = (
    Mutant(
        "like-rq-dropped",
        "what is no option is dropped where arguments stand apart",
        OPTIONS,
        'check_options(named(function), rest.keys() - {"args", "kwargs"})',
        "pass",
        (f"{ASKED}::TestUnknown::test_what_is_no_option_is_refused_where_arguments_stand_apart",),
    ),
    Mutant(
        "like-rq-gone",
        "what one depends on and is gone takes with it that a failure of the others would do",
        OPTIONS,
        "Dependency(left, allow_failure=found.allow_failure)",
        "Dependency(left)",
        (f"{ASKED}::TestGone::test_it_waits_for_what_is_left",),
    ),
)
