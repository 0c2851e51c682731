"""Defects in what judges a chaos campaign: after them it would overlook what it is to find."""

from __future__ import annotations

from mutants.mutant import Mutant

_JUDGING, _MEASURING = "tests/chaos/test_judging.py", "tests/chaos/test_measuring.py"

MUTANTS = (
    Mutant(
        "judged-starts",
        "one start more than there may be is overlooked",
        "scripts/campaign/judging.py",
        "lines > order.retries + 1",
        "lines > order.retries + 2",
        (f"{_JUDGING}::test_a_second_start_of_what_may_start_once_is_seen[fake]",),
    ),
    Mutant(
        "judged-tries",
        "what is given up before its retries are is overlooked",
        "scripts/campaign/judging.py",
        "error.attempts == order.retries + 1",
        "error.attempts <= order.retries + 1",
        (f"{_JUDGING}::test_a_function_that_is_given_up_before_its_retries_are_is_seen[fake]",),
    ),
    Mutant(
        "judged-cause",
        "a fault explains what ended before it",
        "scripts/campaign/judging.py",
        "            and done.at_ms <= self._end_ms(record)\n",
        "",
        (f"{_JUDGING}::test_a_death_is_to_be_explained_by_a_fault_of_that_node[real]",),
    ),
    Mutant(
        "judged-place",
        "a start on a node that it excludes is overlooked",
        "scripts/campaign/judging.py",
        '["zone"] != zone',
        '["zone"] == ""',
        (f"{_JUDGING}::test_a_start_where_it_is_not_to_run_is_seen[real]",),
    ),
    Mutant(
        "judged-forgotten",
        "a Redis that goes back may forget what its replica had",
        "scripts/campaign/judging.py",
        "(not each.is_durable and each.taken_s",
        "(each.taken_s",
        (f"{_JUDGING}::test_redis_may_forget_what_it_took_since_the_moment_to_which_it_went_back[real]",),
    ),
    Mutant(
        "judged-fragile",
        "a start after the loss of a node that was to be the end is overlooked",
        "scripts/campaign/judging.py",
        "                is_lost = True\n",
        "                is_lost = False\n",
        (f"{_JUDGING}::test_a_start_after_a_loss_that_was_to_be_the_end_is_seen[real]",),
    ),
    Mutant(
        "judged-shared",
        "what takes a free license is held to be too much while another is over-used",
        "scripts/model/replay.py",
        "        self._check(self.tokens, shared)\n",
        "        self._check(self.tokens)\n",
        ("tests/model/test_replay.py::test_what_all_share_may_be_lowered_below_its_use_and_other_things_go_on[fake]",),
    ),
    Mutant(
        "judged-recovery",
        "a recovery is over when the first of a node's work is back",
        "scripts/campaign/measuring.py",
        "last = returned[-1] if",
        "last = returned[0] if",
        (f"{_MEASURING}::test_the_last_of_what_the_node_held_counts_however_late",),
    ),
    Mutant(
        "judged-copy",
        "who stayed with a demoted master writes into the copy that is looked at",
        "scripts/campaign/servers.py",
        "            self.replica.cut_all()\n",
        "",
        ("tests/chaos/test_servers.py::test_who_stayed_with_a_demoted_master_does_not_write_into_a_copy",),
    ),
)
