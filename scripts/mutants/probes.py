"""Defects of what probes and shells are told."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "check-away",
        "a probe has agents restarted because Redis is away",
        "workers/handoff_worker/check.py",
        "        return Health(None, name",
        "        return Health(False, name",
        ("tests/worker/test_check.py::test_while_redis_is_away_no_agent_counts_as_dead",),
    ),
    Mutant(
        "check-machine",
        "the agent of another machine counts as that of this one",
        "workers/handoff_worker/check.py",
        "read_holder(holder).machine == machine",
        "read_holder(holder).machine > ''",
        ("tests/worker/test_check.py::TestWithoutAName::test_that_of_another_machine_does_not_count[real]",),
    ),
    Mutant(
        "check-old",
        "a node that ran here before counts although another lives",
        "workers/handoff_worker/check.py",
        "if each.alive), healths[0]",
        "), healths[0]",
        (
            "tests/worker/test_check.py::TestWithoutAName::test_one_that_lives_counts_and_not_what_ran_here_before[fake]",
        ),
    ),
    Mutant(
        "local-end",
        "a server that has died is taken for one that was ended",
        "handoff/local/__main__.py",
        'is gone: start another\\n")\n    return FAILED',
        'is gone: start another\\n")\n    return DONE',
        (
            "tests/local/server/test_server_from_a_shell.py::test_it_has_the_port_that_is_asked_for_and_ends_with_its_server",
        ),
    ),
    Mutant(
        "completing-ended",
        "cancel is offered what has ended",
        "handoff/cli/cancel.py",
        "state for state in STATES if state not in ENDED",
        "state for state in STATES",
        ("tests/cli/test_cli_completion.py::test_what_has_ended_is_offered_to_retry_and_not_to_cancel",),
    ),
)
