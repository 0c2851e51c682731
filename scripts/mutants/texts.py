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
            "tests/ledger/texts/test_lua_texts.py::TestWhatLuaWrites::test_a_demand_that_lua_has_changed_is_as_python_writes_it",
        ),
    ),
    Mutant(
        "number-digits",
        "large numbers lose digits",
        "handoff/ledger/texts/number.lua",
        "    return string.format('%d', number)",
        "    return tostring(number)",
        ("tests/ledger/texts/test_lua_texts.py::test_a_text_is_written[number-2199023255552007-2199023255552007]",),
    ),
    Mutant(
        "options-prefix",
        "an option is found within the name of another",
        "handoff/ledger/texts/options.lua",
        "    if option == name then",
        "    if string.sub(option, -#name) == name then",
        ("tests/ledger/texts/test_lua_texts.py::test_what_else_a_library_knows_of_its_texts",),
    ),
    Mutant(
        "result-forms",
        "what serializers made of a result is lost",
        "handoff/ledger/texts/result.lua",
        "List.read(values[first + 7])",
        "{}",
        ("tests/ledger/texts/test_lua_texts.py::test_a_text_is_read",),
    ),
    Mutant(
        "shape-at",
        "labels that hold an @ are cut",
        "handoff/ledger/texts/shape.lua",
        "    local cost, constraints = string.match(text, '^([^@]*)@?(.*)$')",
        "    local cost, constraints = string.match(text, '^(.*)@(.*)$')",
        (
            "tests/why/explain/test_explain_holders.py::TestHolders::test_who_holds_both_what_the_node_and_what_the_cluster_lacks_is_told_once[real]",
        ),
    ),
)
