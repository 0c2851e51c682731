"""Defects in how texts are read and written."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "demand-after",
        "constrained, a variant that counts later counts at once",
        "handoff/ledger/texts/demand.lua",
        "(variant.after > 0 and Number.text(variant.after) .. ':' or '') ..",
        "'' ..",
        (
            "tests/ledger/runs/test_run_rq.py",
            "tests/ledger/runs/test_run_cancel.py",
        ),
    ),
    Mutant(
        "number-digits",
        "large numbers lose digits",
        "handoff/ledger/texts/number.lua",
        "  return string.format('%.0f', number)",
        "  return tostring(number)",
        (
            "tests/why/test_status_function.py",
            "tests/ledger/runs/test_run_groups_move.py",
        ),
    ),
    Mutant(
        "options-prefix",
        "an option is found within the name of another",
        "handoff/ledger/texts/options.lua",
        "string.match(';' .. text .. ';', ';' .. name .. '=([^;]*);')",
        "string.match(text .. ';', name .. '=([^;]*);')",
        (
            "tests/ledger/scheduling/test_scheduling_strategies.py",
            "tests/ledger/test_jobs.py",
        ),
    ),
    Mutant(
        "result-forms",
        "what serializers made of a result is lost",
        "handoff/ledger/texts/result.lua",
        "List.read(values[first + 7])",
        "{}",
        (
            "tests/ledger/rq/test_rq_jobs.py",
            "tests/client/functions/test_function_lost.py",
        ),
    ),
    Mutant(
        "shape-at",
        "labels that hold an @ are cut",
        "handoff/ledger/texts/shape.lua",
        "'^([^@]*)@?(.*)$'",
        "'^(.*)@(.*)$'",
        (
            "tests/why/explain/test_explain_holders.py",
            "tests/why/test_status_overview.py",
        ),
    ),
)
