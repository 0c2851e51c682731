"""Defects in what functions tell while they run."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "telling-fence",
        "an attempt that is over tells in the place of the one that runs",
        "handoff/ledger/lua/libraries/jobs/telling.lua",
        "job.status == 'started' and job.placement == placement and job or nil",
        "job.status == 'started' and job or nil",
        ("tests/ledger/test_told.py::test_what_an_attempt_tells_while_another_runs_is_dropped[real]",),
    ),
    Mutant(
        "telling-once",
        "what is told again is added again",
        "handoff/ledger/lua/libraries/jobs/telling.lua",
        "'XADD', key, ToldId.of(job.placement, number), 'attempt'",
        "'XADD', key, '*', 'attempt'",
        ("tests/worker/loop/test_loop_telling.py::test_what_had_no_answer_is_told_again_and_kept_once[fake-reply]",),
    ),
    Mutant(
        "telling-expiry",
        "what is told of a job that rq deletes stays for ever",
        "handoff/ledger/lua/libraries/jobs/telling.lua",
        "    redis.call('PEXPIRE', key, KEPT_MS)\n",
        "",
        ("tests/ledger/test_told.py::test_what_is_told_expires_with_the_job[fake]",),
    ),
    Mutant(
        "telling-end",
        "what was told outlives its job",
        "handoff/ledger/lua/libraries/jobs/ending.lua",
        "  Telling.expire(job, ttl * 1000)\n",
        "",
        ("tests/ledger/test_told.py::test_what_is_told_expires_with_the_job[fake]",),
    ),
    Mutant(
        "telling-before-the-result",
        "a result goes out before what its function has told",
        "workers/handoff_worker/agent/telling.py",
        "        last = [id for id in ended if self._attempts.get(id)]\n",
        "        last: list[str] = []\n",
        ("tests/worker/loop/test_loop_telling.py::test_what_a_function_has_told_goes_out_before_its_result[fake]",),
    ),
    Mutant(
        "telling-bound",
        "of much that is printed all is kept that is behind the beginning",
        "workers/handoff_worker/agent/telling.py",
        "        while len(self._tail) > 1 and self._tail_bytes - self._tail[0][1] >= self._half:\n",
        "        while False:\n",
        ("tests/worker/loop/test_loop_telling.py::test_of_what_is_printed_beginning_and_end_are_kept[real]",),
    ),
    Mutant(
        "telling-none",
        "where nothing is kept of what is printed, it is told again and again how much that is",
        "workers/handoff_worker/inside/telling.py",
        "        output = self._output.take() if self._output.most or is_last else []\n",
        "        output = self._output.take()\n",
        (
            "tests/worker/children/test_children_telling.py::test_where_nothing_is_kept_it_is_told_once_how_much_there_was",
        ),
    ),
    Mutant(
        "telling-in-forks",
        "a fork of a function writes into the socket of the function",
        "workers/handoff_worker/inside/executor.py",
        "    stay_silent_in_forks(telling)\n",
        "",
        ("tests/worker/children/test_children_telling.py::test_a_fork_of_a_function_tells_nothing",),
    ),
    Mutant(
        "stream-gap",
        "who reads a stream is not told that parts are gone",
        "handoff/ledger/stream.py",
        "        if last is not None and thing.number > last.number + 1:\n",
        "        if False:\n",
        ("tests/ledger/test_told_read.py::TestStreams::test_who_is_further_behind_than_what_is_kept_is_told_so[real]",),
    ),
    Mutant(
        "stream-restart",
        "who reads a stream is not told that it begins anew",
        "handoff/ledger/stream.py",
        "            if not restart:\n",
        "            if False:\n",
        ("tests/ledger/test_told_read.py::TestStreams::test_a_retry_is_told_and_begins_anew[real]",),
    ),
)
