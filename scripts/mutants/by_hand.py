"""Defects in what operators do: noted, done once, and told."""

from __future__ import annotations

from mutants.mutant import Mutant

AUDIT = "handoff/ledger/lua/operations/operator/audit.lua"
DISCARD = "handoff/ledger/lua/operations/operator/discard.lua"
COUNTS = "handoff/ledger/lua/operations/client/counts.lua"
LOST = "tests/ledger/test_lost_replies.py::test_a_flow_ends_as_without_faults_whichever_of_its_commands_is_lost"

MUTANTS = (
    Mutant(
        "audit-repeated",
        "what was asked for is noted again when a reply is lost",
        AUDIT,
        "if not Answers.of(token) then",
        "if true then",
        (f"{LOST}[audit-known]",),
    ),
    Mutant(
        "audit-full",
        "on a server that is full nothing is noted, and so nothing is canceled",
        AUDIT,
        "  redis.call('XDEL', K.events, '0-1')\n",
        "",
        ("tests/cli/test_full_server.py::test_what_is_not_wanted_is_canceled_and_noted_while_the_server_is_full",),
    ),
    Mutant(
        "audit-halves",
        "bytes that are no text end a command instead of being noted",
        "handoff/ledger/events.py",
        '.encode("utf-8", "backslashreplace").decode()',
        "",
        ("tests/cli/test_cli_audited.py::test_bytes_that_are_no_text_are_noted_as_they_are_shown",),
    ),
    Mutant(
        "audit-late",
        "what is refused is not noted",
        "handoff/dashboard/actions.py",
        "        note_action(self._sight.store, who, name, about)\n        try:\n            return action.does(self._sight, given)\n",
        "        try:\n            done = action.does(self._sight, given)\n            note_action(self._sight.store, who, name, about)\n            return done\n",
        ("tests/dashboard/test_actions.py::test_what_cannot_be_done_is_said_with_the_question_and_was_noted_before",),
    ),
    Mutant(
        "audit-top",
        "what is done in a terminal is noted nowhere",
        "handoff/top/actions.py",
        "        note(cluster, self.action.name, self.about)\n",
        "",
        ("tests/top/test_top_actions.py::TestDone::test_a_node_is_drained_and_undrained",),
    ),
    Mutant(
        "discard-repeated",
        "how many were deleted is told wrong when a reply is lost",
        DISCARD,
        "if answered then",
        "if false then",
        (f"{LOST}[discard: one that failed, one that was canceled, one that runs-known]",),
    ),
    Mutant(
        "discard-any",
        "what runs is deleted too",
        DISCARD,
        "if job and Replacing.may(job) then",
        "if job then",
        ("tests/ledger/test_discarded.py::test_what_has_not_ended_or_has_finished_or_belongs_to_a_run_stays[real]",),
    ),
    Mutant(
        "discard-forty",
        "of many only the first are deleted",
        "handoff/ledger/functions.py",
        "*ids[first : first + CANCELED_AT_ONCE], token=new_id()",
        "*ids[:CANCELED_AT_ONCE], token=new_id()",
        ("tests/ledger/test_discarded.py::test_more_than_one_call_takes_are_dropped_all[real]",),
    ),
    Mutant(
        "counts-swapped",
        "what was canceled is counted as failed",
        COUNTS,
        "{K.rq_finished, K.rq_failed, K.rq_canceled}",
        "{K.rq_finished, K.rq_canceled, K.rq_failed}",
        ("tests/ledger/test_counts.py::test_each_way_to_stand_on_a_node_or_in_the_lobby_is_counted_by_itself[real]",),
    ),
    Mutant(
        "counts-queued",
        "what runs is counted by the name of its queue, and so never",
        COUNTS,
        "K.running .. ARGV[i]",
        "K.running .. queue",
        ("tests/ledger/test_counts.py::test_each_way_to_stand_on_a_node_or_in_the_lobby_is_counted_by_itself[real]",),
    ),
)
