"""Defects in what is kept of a node for other programs on its host."""

from __future__ import annotations

from mutants.mutant import Mutant

_LUA = "handoff/ledger/lua/libraries/nodes/external.lua"
_METER = "workers/handoff_worker/machine/external.py"
_LEDGER = "tests/ledger/test_external.py"
_MACHINE = "tests/worker/machine/test_external.py"

MUTANTS = (
    Mutant(
        "enforced-gpus",
        "who has more memory of gpus than he may have is left alone",
        "workers/handoff_worker/children/enforcing.py",
        "used_mb * MB > task.most_gpu_memory\n",
        "False\n",
        (
            "tests/worker/children/test_enforcing.py::test_what_functions_have_of_gpus_is_told_and_whether_it_is_too_much",
        ),
    ),
    Mutant(
        "enforced-gpus-declared",
        "memory of gpus is compared with the other memory that was declared",
        "handoff/ledger/lua/libraries/jobs/failing.lua",
        "  local resource = of_gpus and Resource.memory(GPU) or MEMORY\n",
        "  local resource = MEMORY\n",
        ("tests/ledger/test_exceeded.py::test_of_memory_of_gpus_the_same_is_so[real]",),
    ),
    Mutant(
        "external-growing",
        "what ends makes room for what waits before other programs have theirs",
        "handoff/ledger/lua/libraries/nodes/reservations.lua",
        "    External.settle(node)\n",
        "    local _ = node\n",
        (f"{_LEDGER}::test_it_takes_what_is_free_and_the_rest_as_functions_end_before_others_do[real]",),
    ),
    Mutant(
        "external-over",
        "a node whose capacity was lowered below what others use stays closed",
        _LUA,
        "  if node.over and change(node, nothing) then\n",
        "  if false then\n",
        (f"{_LEDGER}::test_a_capacity_that_is_lowered_below_it_leaves_the_node_open[real]",),
    ),
    Mutant(
        "external-shares",
        "a device serves shares and other programs at once",
        _LUA,
        "device.total and device.share == Resource.UNIT and",
        "device.total and",
        (f"{_LEDGER}::test_of_devices_it_has_memory_of_those_that_serve_nothing_else[real]",),
    ),
    Mutant(
        "external-closed",
        "on a node that is closed other programs take more",
        _LUA,
        " or Node.is_closing(node) then",
        " then",
        (f"{_LEDGER}::test_on_a_closed_node_it_stays_as_it_is_until_that_opens[real]",),
    ),
    Mutant(
        "external-own",
        "what functions use counts as used by others",
        _METER,
        "(max(before, self._available()) + own) / MB",
        "max(before, self._available()) / MB",
        (f"{_MACHINE}::test_what_is_not_there_is_what_others_use_of_what_is_offered[12000-4000-0]",),
    ),
    Mutant(
        "external-flutter",
        "what is kept for others changes by a few MB with each heartbeat",
        _METER,
        "        if abs(units - self._told.get(of, 0)) >= step:\n",
        "        if units:\n",
        (f"{_MACHINE}::test_a_little_more_or_less_is_no_change",),
    ),
)
