"""Defects in what is remembered of functions that are submitted again and again."""

from __future__ import annotations

from mutants.mutant import Mutant

AGAIN = "tests/client/functions/test_function_again.py"

MUTANTS = (
    Mutant(
        "remembered-most",
        "what is remembered grows without end",
        "handoff/words/remembered.py",
        "            self.clear()\n",
        "            pass\n",
        ("tests/words/test_remembered.py::test_of_more_than_it_may_hold_it_has_the_last",),
    ),
    Mutant(
        "remembered-code",
        "code that its module has no longer is submitted again",
        "handoff/words/code.py",
        "        if says_the_same and getattr(sys.modules.get(module), name, None) is code:",
        "        if says_the_same and module in sys.modules:",
        (f"{AGAIN}::test_code_that_its_module_has_no_longer_is_refused",),
    ),
    Mutant(
        "remembered-where",
        "where it may run is not read anew",
        "handoff/words/checked.py",
        "            terms = like.terms if function.where is None else _terms(function)",
        "            terms = like.terms",
        (f"{AGAIN}::test_where_it_may_run_is_read_anew",),
    ),
    Mutant(
        "remembered-nowhere",
        "one that may run anywhere is remembered as one that may not",
        "handoff/words/checked.py",
        "        said = (*_of_many(function), function.where is None)",
        "        said = _of_many(function)",
        (f"{AGAIN}::test_each_call_is_written_as_if_it_were_the_first",),
    ),
    Mutant(
        "remembered-options",
        "what one call is kept for is what another was",
        "handoff/client/calls.py",
        "kinds=self._kinds if is_usual else None,",
        "kinds=self._kinds,",
        (f"{AGAIN}::test_each_call_is_written_as_if_it_were_the_first",),
    ),
    Mutant(
        "remembered-described",
        "a call is described as another was",
        "handoff/ledger/jobs.py",
        "is_bare and graph is None and description is None",
        "is_bare and graph is None",
        (f"{AGAIN}::test_each_call_is_written_as_if_it_were_the_first",),
    ),
    Mutant(
        "remembered-moment",
        "those that are written alike were all submitted when the first was",
        "handoff/ledger/jobs.py",
        "        return (_CREATED_AT, self.created_at, *self.kind.fields)",
        "        return self.kind.fields",
        (f"{AGAIN}::test_each_says_when_it_was_submitted",),
    ),
)
