"""Defects in what event loops ask Redis by, and wait on."""

from __future__ import annotations

from mutants.mutant import Mutant

ASKING = "handoff/ledger/aio/asking.py"
CONNECTION = "handoff/ledger/aio/connection.py"

CANCELED = "tests/aio/test_aio_canceled.py"
SILENCE = "tests/aio/test_aio_silence.py"

MUTANTS = (
    Mutant(
        "aio-canceled",
        "a call that is canceled leaves its reply to the next one",
        CONNECTION,
        "        self._parser.on_disconnect()\n"
        "        writer, self._writer, self._reader = self._writer, None, None\n"
        "        if writer is not None:\n"
        "            writer.transport.abort()",
        "        return",
        (f"{CANCELED}::test_the_next_call_gets_its_own_reply[a submit]",),
    ),
    Mutant(
        "aio-gone",
        "who is canceled while it waits for a connection keeps the one that it was given",
        CONNECTION,
        "                self._give(waiting.result())",
        "                pass",
        (f"{CANCELED}::test_who_is_canceled_in_the_moment_in_which_it_is_given_a_connection_passes_it_on",),
    ),
    Mutant(
        "aio-silent",
        "a server that says nothing is waited for without end",
        CONNECTION,
        "elif now_s - self._moved_s >= self._limit_s:",
        "elif now_s < self._moved_s:",
        (f"{SILENCE}::test_it_is_given_up_once_nothing_has_moved_for_as_long_as_it_may_be_silent",),
    ),
    Mutant(
        "aio-moves",
        "a connection is given up although something moves",
        CONNECTION,
        "        if moved != self._moved:",
        "        if moved is None:",
        (f"{SILENCE}::test_each_byte_that_moves_counts_as_life",),
    ),
    Mutant(
        "aio-made",
        "what is called is made in the event loop",
        ASKING,
        "await asyncio.to_thread(self._forms.make)",
        "self._forms.make()",
        ("tests/aio/test_aio_client.py::test_what_is_called_is_made_off_the_event_loop",),
    ),
    Mutant(
        "aio-warned",
        "it is not said that an event loop stands still",
        "handoff/ledger/store.py",
        "        if self.blocks and _get_running_loop() is not None:",
        "        if not self.blocks and _get_running_loop() is not None:",
        ("tests/aio/test_aio_client.py::test_a_cluster_of_the_other_kind_warns_once_in_an_event_loop",),
    ),
    Mutant(
        "aio-ended",
        "connections stay open when their event loop has ended",
        ASKING,
        "            self._use.__anext__().send(None)",
        "            pass",
        ("tests/aio/test_aio_default.py::test_its_connections_end_with_the_event_loop",),
    ),
    Mutant(
        "aio-of-a-test",
        "what is awaited by default goes past the server of a unit test",
        "handoff/testing/asking.py",
        "        made: T = of_the_test\n        return made",
        "        return super().beside(make)",
        ("tests/testing/test_tasks.py::TestSubmitted::test_awaited_by_the_client_of_the_same_test",),
    ),
    Mutant(
        "watched-progress",
        "a progress wakes nobody",
        "handoff/ledger/lua/libraries/jobs/telling.lua",
        "    announce(job)\n",
        "",
        ("tests/aio/test_aio_watching.py::test_each_of_many_is_given_what_its_function_says_and_its_end",),
    ),
)
