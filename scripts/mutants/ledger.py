"""Defects in the typed calls of the ledger."""

from __future__ import annotations

from mutants.mutant import Mutant

DURABLE = "tests/ledger/store/test_durability.py"

MUTANTS = (
    Mutant(
        "library-kept",
        "every process keeps the 4 MB that the library of Lua was made of",
        "handoff/ledger/lua/functions.py",
        "handoff.ledger.lua.pieces import Pieces\n",
        "handoff.ledger.lua.pieces import kept as Pieces\n",
        (
            "tests/house/test_function_library.py::test_what_the_library_is_made_of_is_not_kept_nor_made_for_who_calls_it",
        ),
    ),
    Mutant(
        "durable-repeat",
        "a repeat promises what its connection has not written",
        "handoff/ledger/asking.py",
        "*marking)] if attempts > 1 else []",
        "*marking)] if attempts > 9 else []",
        (
            f"{DURABLE}::TestNotKept::test_a_repeat_after_a_lost_reply_promises_it_no_sooner[script-disk]",
            f"{DURABLE}::TestNotKept::test_a_repeat_after_a_lost_reply_promises_it_no_sooner[script-replica]",
        ),
    ),
    Mutant(
        "durable-stepped-down",
        "who is woken by a master that steps down is told nothing and asks nobody",
        "handoff/ledger/asking.py",
        "            if isinstance(waited, redis.RedisError) and has_stepped_down(waited):",
        "            if isinstance(waited, redis.ConnectionError) and has_stepped_down(waited):",
        (f"{DURABLE}::TestNotKept::test_who_is_woken_because_the_master_steps_down_asks_the_next_one[replica]",),
    ),
    Mutant(
        "durable-judge",
        "a wait that was not met counts as met",
        "handoff/ledger/durable.py",
        "        count = waited[0] if isinstance(waited, list) else waited",
        "        count = waited",
        (f"{DURABLE}::TestNotKept::test_the_function_stands_and_the_error_has_its_handle[disk]",),
    ),
    Mutant(
        "durable-forget",
        "a server that did not keep a promise is never asked again",
        "handoff/ledger/durable.py",
        "            self._promises.forget(self._durability)",
        "            pass",
        (f"{DURABLE}::TestRefused::test_a_server_is_asked_once_and_again_after_it_did_not_keep_it",),
    ),
    Mutant(
        "sentinels-unknown",
        "a service that no sentinel watches is waited for",
        "handoff/ledger/sentinels.py",
        "        if is_answered:",
        "        if is_answered and said == []:",
        (
            "tests/ledger/store/test_store_sentinel.py::TestNotFound::test_a_service_that_no_sentinel_watches_is_told_at_once",
        ),
    ),
    Mutant(
        "sentinels-look",
        "a master that was replaced is gone on with",
        "handoff/ledger/sentinels.py",
        "        return self.is_master and time.monotonic() >= self._look_at_s",
        "        return not self.is_master and time.monotonic() >= self._look_at_s",
        ("tests/ledger/store/test_master_pool.py::test_a_master_that_was_replaced_is_left_although_it_goes_on",),
    ),
    Mutant(
        "store-insist",
        "a reply that is lost is an error at once",
        "handoff/ledger/asking.py",
        "                if not self._is_waited_out(error) or quiet_s",
        "                if True or not self._is_waited_out(error) or quiet_s",
        (
            "tests/ledger/store/test_store_unavailable.py::TestRestart::test_a_call_waits_for_a_server_that_is_just_restarting[a read]",
        ),
    ),
    Mutant(
        "store-give-up",
        "a server that stays away is asked for ever",
        "handoff/ledger/asking.py",
        "_is_waited_out(error) or quiet_s > self._patience_s(began_s, error):",
        "_is_waited_out(error):",
        (
            "tests/ledger/store/test_store_unavailable.py::TestUnavailable::test_a_closed_port_is_tried_again_for_three_and_a_half_seconds_and_no_longer[min]",
        ),
    ),
    Mutant(
        "store-authentication",
        "a wrong password is tried again",
        "handoff/ledger/asking.py",
        "        return not (isinstance(error, redis.AuthenticationError) or self._never_was(error))",
        "        return not self._never_was(error)",
        ("tests/ledger/store/test_store_unavailable.py::TestUnavailable::test_a_wrong_password_is_told_at_once",),
    ),
    Mutant(
        "store-refusal",
        "a server that refuses writes is a bug of the script",
        "handoff/ledger/asking.py",
        ("            if is_refusal(error):\n                raise\n            raise ScriptBug"),
        "            raise ScriptBug",
        (
            "tests/ledger/store/test_store_unavailable.py::TestFull::test_a_full_server_is_told_in_one_sentence_and_nothing_is_half_written[deregister]",
        ),
    ),
    Mutant(
        "store-refused-reads",
        "who waits for a result is told at once that nothing may be read now",
        "handoff/ledger/asking.py",
        "            return self._until_s is not None and self._is_reached and is_refusal(error)",
        "            return self._until_s is None and self._is_reached and is_refusal(error)",
        (
            "tests/ledger/store/test_store_refusing.py::test_who_waits_for_a_result_waits_on_while_redis_refuses[lose_its_master]",
            "tests/ledger/store/test_store_silence.py::test_whoever_only_asks_is_told_of_a_refusal_at_once",
        ),
    ),
    Mutant(
        "store-aside",
        "who waits for a result is told at once that nothing may be written now",
        "handoff/ledger/asking.py",
        "            if not may_pass(error) or now_s",
        "            if True or not may_pass(error) or now_s",
        (
            "tests/ledger/store/test_store_refusing.py::test_who_waits_for_a_result_waits_on_while_redis_refuses[want_replicas]",
        ),
    ),
    Mutant(
        "store-aside-again",
        "refusals are counted from the first there ever was",
        "handoff/ledger/asking.py",
        "        else:\n            self._refused_since_s = None",
        "        else:\n            self._is_reached = True",
        (
            "tests/ledger/store/test_store_refusing.py::test_once_it_was_not_refused_it_may_be_refused_for_as_long_again",
        ),
    ),
    Mutant(
        "store-aside-insists",
        "who waits for a result looks for it again when the server lets others write",
        "handoff/ledger/housekeeping.py",
        "_tick(ledger, ledger.once, ledger.attempt)",
        "_tick(ledger, ledger.read_each, ledger.run)",
        (
            "tests/ledger/store/test_store_refusing.py::test_who_is_refused_looks_for_the_result_before_the_next_refusal",
        ),
    ),
    Mutant(
        "store-silent-resend",
        "redis-py sends again by itself",
        "handoff/ledger/store.py",
        '"retry": Retry(NoBackoff(), 0)}',
        '"retry": Retry(NoBackoff(), 3)}',
        (
            "tests/ledger/store/test_store_connection.py::TestOwnClient::test_whatever_a_connection_decodes_or_repeats_ours_does_not[fakeredis]",
        ),
    ),
    Mutant(
        "store-decode",
        "replies are decoded as the given connection does",
        "handoff/ledger/store.py",
        '        "decode_responses": False,',
        "",
        (
            "tests/ledger/store/test_store_connection.py::TestOwnClient::test_whatever_a_connection_decodes_or_repeats_ours_does_not[fakeredis]",
        ),
    ),
    Mutant(
        "store-arguments",
        "arguments that the header does not name are sent",
        "handoff/ledger/asking.py",
        "        if len(arguments) != len(named) or None in named or (rest and not loaded.takes_rest):",
        "        if False:",
        (
            "tests/ledger/store/test_store_scripts.py::TestScriptBug::test_arguments_that_the_header_does_not_name_are_a_type_error[real-a list it does not take]",
        ),
    ),
    Mutant(
        "sentinels-replaced",
        "another sentinel is believed of a master that one replaces",
        "handoff/ledger/sentinels.py",
        "            except BeingReplaced:\n                raise\n            except redis.RedisError as error:\n                is_refused",
        "            except redis.RedisError as error:\n                is_refused",
        (
            "tests/ledger/store/test_store_sentinel.py::TestReplaced::test_no_other_sentinel_is_believed_of_a_master_that_one_replaces",
        ),
    ),
    Mutant(
        "sentinels-silent",
        "each call asks sentinels that are silent",
        "handoff/ledger/sentinels.py",
        "now_s + max(LOOK_S, took_s / _LOOKING)",
        "now_s + LOOK_S",
        (
            "tests/ledger/store/test_master_pool.py::test_sentinels_that_are_silent_take_a_twentieth_of_the_time_at_most",
        ),
    ),
    Mutant(
        "connection-moves",
        "a large value is given up when the system takes no more of it for a while",
        "handoff/ledger/connection.py",
        "                if left == before:\n                    raise",
        "                raise",
        (
            "tests/ledger/store/test_store_size.py::test_a_system_that_takes_nothing_more_is_waited_for_as_long_as_what_it_has_is_delivered",
        ),
    ),
    Mutant(
        "connection-still",
        "a link that stands still in the midst of a large value is waited for without end",
        "handoff/ledger/connection.py",
        "                if left == before:\n                    raise",
        "",
        (
            "tests/ledger/store/test_store_size.py::test_a_system_that_takes_nothing_more_is_waited_for_as_long_as_what_it_has_is_delivered",
        ),
    ),
    Mutant(
        "connection-arrival",
        "a large value that the system has taken is given up while it goes out",
        "handoff/ledger/connection.py",
        "                moved_s = now_s\n",
        "                pass\n",
        ("tests/ledger/store/test_store_size.py::test_what_the_system_has_taken_may_go_out_for_as_long_as_it_moves",),
    ),
    Mutant(
        "connection-reused",
        "a used connection that died takes all the time that a call has",
        "handoff/ledger/connection.py",
        "seconds[self._is_reused]",
        "seconds[0]",
        (
            "tests/ledger/store/test_store_silence.py::test_a_call_on_a_connection_that_has_died_silently_is_answered_on_a_fresh_one",
        ),
    ),
    Mutant(
        "store-shortest",
        "a call with a short time-out lasts longer than that where the server is silent",
        "handoff/ledger/asking.py",
        "min(SHORTEST_SILENCE_S, self.timeout_s / 4)",
        "min(SHORTEST_SILENCE_S, self.timeout_s)",
        (
            "tests/ledger/store/test_store_silence.py::test_a_server_that_says_nothing_is_told_within_the_timeout_of_the_cluster[1-a used connection]",
        ),
    ),
)
