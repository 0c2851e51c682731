"""Defects in what keeps a node from running, and from showing, what it is not to."""

from __future__ import annotations

from mutants.mutant import Mutant

_IMPORTING = "tests/worker/inside/test_importing_allowed.py"

MUTANTS = (
    Mutant(
        "allowed-first",
        "what is not allowed is imported before it is refused",
        "workers/handoff_worker/inside/importing.py",
        "        allowed.check(name)\n",
        "        importlib.import_module(parts[0])\n        allowed.check(name)\n",
        (f"{_IMPORTING}::test_nothing_else_is_imported_for_a_name_outside",),
    ),
    Mutant(
        "allowed-through",
        "an allowed module leads to what it has imported",
        "workers/handoff_worker/inside/importing.py",
        "found is module or (isinstance(found, type) and is_own(found, allowed)) if allowed else True",
        "True",
        (f"{_IMPORTING}::test_no_way_leads_through_an_allowed_module_to_what_others_define",),
    ),
    Mutant(
        "allowed-own",
        "what an allowed module has from others is called",
        "workers/handoff_worker/inside/importing.py",
        "return found if allowed is None or is_own(found, allowed) else None",
        "return found",
        (f"{_IMPORTING}::test_no_way_leads_through_an_allowed_module_to_what_others_define",),
    ),
    Mutant(
        "allowed-prefix",
        "a module whose name begins alike is allowed with it",
        "workers/handoff_worker/machine/allowed.py",
        'f"{name}.".startswith(f"{module}.")',
        "name.startswith(module)",
        (f"{_IMPORTING}::test_nothing_else_is_imported_for_a_name_outside",),
    ),
    Mutant(
        "allowed-methods",
        "a method of a value that came with the call is called, whatever is allowed",
        "workers/handoff_worker/inside/job.py",
        "        if (allowed := self.allowed) is not None:\n",
        "        if (allowed := None) is not None:\n",
        ("tests/worker/inside/test_execution_allowed.py::test_no_method_of_a_value_that_came_with_the_call_is_called",),
    ),
)
