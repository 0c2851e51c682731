"""Defects in how operations are called: as functions, and as scripts."""

from __future__ import annotations

from mutants.mutant import Mutant

FORMS = "tests/ledger/store/test_forms.py"

REFUSED = "tests/ledger/store/test_forms_refused.py::test_each_operation_does_the_same_in_both_forms_on_a_server_that"

MUTANTS = (
    Mutant(
        "forms-forgotten",
        "a library that the server has lost is not brought again",
        "handoff/ledger/forms.py",
        "            if str(refusal).startswith(_UNKNOWN):",
        "            if not self._seen and str(refusal).startswith(_UNKNOWN):",
        (f"{FORMS}::test_a_server_that_lost_what_it_was_given_is_given_it_again[functions-flushed]",),
    ),
    Mutant(
        "forms-forgotten-script",
        "a script that the server has forgotten is not brought back",
        "handoff/ledger/forms.py",
        "        except redis.exceptions.NoScriptError:\n            reply",
        "        except ZeroDivisionError:\n            reply",
        (f"{FORMS}::test_a_server_that_lost_what_it_was_given_is_given_it_again[scripts-forgotten]",),
    ),
    Mutant(
        "forms-asked-again",
        "a server without Functions is asked for one at each call",
        "handoff/ledger/forms.py",
        "            self._has_functions = not _NONE_HERE",
        "            self._has_functions = bool(_NONE_HERE) or not _NONE_HERE",
        (f"{FORMS}::TestNone::test_a_user_who_may_not_call_or_not_bring_them[-fcall]",),
    ),
    Mutant(
        "forms-refused-whole",
        "a full server is not sent as a script what it does not begin as a function",
        "handoff/ledger/forms.py",
        "    return str(error).startswith(_NOT_BEGUN)",
        "    return str(error).startswith(_UNKNOWN)",
        (f"{REFUSED}[finish: a value-is full]",),
    ),
    Mutant(
        "forms-beside",
        "what is sent with a function is a script",
        "handoff/ledger/forms.py",
        '        if other[0] == "FCALL":',
        '        if other[0] == "FUNCTION":',
        (f"{FORMS}::TestNone::test_a_user_who_may_call_functions_alone_is_promised_the_disk_after_a_lost_reply",),
    ),
    Mutant(
        "forms-namespaces",
        "the names of keys of all namespaces there ever were are kept",
        "handoff/ledger/lua/functions.py",
        '        f"if count == {MOST_NAMESPACES} then",',
        '        f"if count == -{MOST_NAMESPACES} then",',
        ("tests/house/test_function_library.py::TestNamespaces::test_no_more_are_remembered_than_said",),
    ),
    Mutant(
        "forms-half-way",
        "what a call that failed half-way had in hand is there for the next one",
        "handoff/ledger/lua/assembly.py",
        "if next(Call.{field}) ~= nil then",
        "if false then",
        (f"{FORMS}::test_a_call_that_failed_half_way_leaves_nothing_behind_for_the_next",),
    ),
)
