"""Defects in what is told of what functions use."""

from __future__ import annotations

from mutants.mutant import Mutant

_METERING = "workers/handoff_worker/inside/metering.py"
_METERED = "tests/worker/inside/test_metering.py"
_USAGE = "tests/ledger/test_usage.py"

MUTANTS = (
    Mutant(
        "usage-blamed",
        "a function is blamed for the memory of one before it",
        _METERING,
        "            _forget_peak()\n",
        "            pass\n",
        (f"{_METERED}::test_no_function_is_blamed_for_the_peak_of_one_before_it",),
    ),
    Mutant(
        "usage-resident",
        "what a function has had and given back does not count",
        _METERING,
        "self.memory_mb = peak_mb + self._beside_mb",
        "self.memory_mb = self._resident_mb + self._beside_mb",
        (f"{_METERED}::test_what_a_function_has_had_and_given_back_counts",),
    ),
    Mutant(
        "usage-waited",
        "the time of processes that one function has waited for is that of all behind it",
        _METERING,
        "_cpu_s(self._waited) - _cpu_s(before)",
        "_cpu_s(self._waited)",
        (f"{_METERED}::test_that_of_a_process_which_it_has_waited_for_counts_once",),
    ),
    Mutant(
        "usage-beside",
        "a function is blamed for processes that others have waited for",
        _METERING,
        "        if self._waited.ru_minflt != before.ru_minflt:\n",
        "        if before:\n",
        (f"{_METERED}::test_who_has_waited_for_no_process_is_blamed_for_none",),
    ),
    Mutant(
        "usage-early",
        "what an attempt has used is told while the next one runs",
        "handoff/ledger/records.py",
        "return record.job.usage if record.status in ENDED else None",
        "return record.job.usage",
        (f"{_USAGE}::test_of_what_is_tried_again_nothing_is_told_before_its_end[real]",),
    ),
    Mutant(
        "usage-lost",
        "what a function has used is not kept",
        "handoff/ledger/lua/libraries/jobs/outcome.lua",
        "    Job.set(job, 'usage', result.usage)\n",
        "",
        (f"{_USAGE}::test_what_a_function_has_used_comes_with_its_end[real-ok]",),
    ),
    Mutant(
        "usage-stale",
        "what an attempt has used is told of the one that is lost after it",
        "handoff/ledger/lua/libraries/jobs/executions.lua",
        "    Job.blank(job, 'usage')\n",
        "",
        (f"{_USAGE}::test_of_an_attempt_that_is_lost_nothing_is_known[real]",),
    ),
)
