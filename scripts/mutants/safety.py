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
        '        importlib.import_module(".".join(parts[:-1]))\n        allowed.check(name)\n',
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
        "job-bomb",
        "a child unpacks whatever a call becomes",
        "handoff/ledger/result_entry.py",
        "text = unzipper.decompress(data, MOST_UNZIPPED)",
        "text = unzipper.decompress(data)",
        ("tests/worker/inside/test_execution_tampered.py::test_a_call_that_is_none_fails_its_function_for_good",),
    ),
    Mutant(
        "job-call",
        "a call is tried again although it is none",
        "workers/handoff_worker/inside/job.py",
        "        check_call(call)\n",
        "",
        ("tests/worker/inside/test_execution_tampered.py::test_a_call_that_is_none_fails_its_function_for_good",),
    ),
    Mutant(
        "array-shape",
        "the size of an array is worked out of whatever stands there",
        "handoff/words/numpy_forms.py",
        "if len(shape) > MOST_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):",
        "if len(shape) > 10**9:",
        ("tests/worker/inside/test_execution_tampered.py::test_a_call_that_is_none_fails_its_function_for_good",),
    ),
    Mutant(
        "secrets-repeated",
        "an error tells the login that a server has repeated",
        "handoff/ledger/connection.py",
        "            hide(error, [self.password] if isinstance(self.password, str) and self.password else [])\n",
        "",
        ("tests/ledger/test_passwords.py::test_a_server_that_repeats_the_login_is_told_without_it",),
    ),
    Mutant(
        "secrets-shown",
        "the password of an address stays on the command line",
        "handoff/ledger/passwords.py",
        '            memory[slice(*found.span())] = b"*" * len(found[0])\n',
        "            _ = found\n",
        ("tests/worker/agent/test_agent_secrets.py::test_a_command_that_waits_shows_no_password_either",),
    ),
    Mutant(
        "secrets-arguments",
        "the log tells what functions are called with",
        "workers/handoff_worker/agent/started.py",
        '.partition(b"(")[0]',
        "",
        ("tests/worker/loop/test_functions_odd.py::test_what_has_no_name_is_told_by_its_call_without_the_arguments",),
    ),
    Mutant(
        "adopt-odd",
        "what rq allows no id for takes room that nobody gives back",
        "handoff/ledger/lua/libraries/jobs/adopt.lua",
        "not Reservation.is_job_id(job.id)",
        "job.id == nil",
        ("tests/ledger/rq/test_rq_odd_ids.py::test_a_job_of_an_odd_id_takes_no_room",),
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
