"""How the results that a function takes become its arguments, with its inline functions, and what may be wrong."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
import redis

from handoff.errors import ResultGone
from handoff.ledger.asking import GIVE_UP_AFTER_S
from handoff.ledger.result_entry import decode_value
from handoff.local.server import RedisServer
from handoff.serializer import PickleSerializer, Serializer, SerializerLike
from handoff_worker.agent.delivery import result as delivered
from handoff_worker.children.outcome import Finished
from handoff_worker.inside.importing import import_function
from handoff_worker.inside.inputs import MOST_READ, Entry, Evaluator, Unmade, read_results, taken
from support.children import entry, inline, inline_function, inputs, result, transform
from support.clients_time import set_time
from support.link import Link


def arguments(
    takes: Mapping[str, Any], entries: Mapping[int, Entry] | None = None, serializer: SerializerLike = Serializer
) -> list[Any]:
    """Evaluate, on the node "here", what came through a serializer."""
    plain = serializer.loads(serializer.dumps(takes))
    evaluator = Evaluator("here", serializer.loads, import_function)
    evaluator.import_all(plain)
    return evaluator.arguments(plain, entries or {})


def unmade(takes: Mapping[str, Any], entries: Mapping[int, Entry] | None = None) -> tuple[BaseException | None, Unmade]:
    """Evaluate what cannot be; return the cause, and what was made of it."""
    with pytest.raises(Unmade) as caught:
        arguments(takes, entries)
    return caught.value.__cause__, caught.value


# Results.


def test_results_come_in_the_order_of_args_and_as_often_as_they_are_named() -> None:
    entries = {1: entry("one"), 2: entry({"two": (2, 2)})}

    assert arguments(inputs(result(2), result(1), result(2)), entries) == [{"two": (2, 2)}, "one", {"two": (2, 2)}]


def test_a_result_that_rq_left_out_is_none() -> None:
    assert arguments(inputs(result(1)), {1: {b"type": b"1", b"worker_name": b"handoff.a"}}) == [None]


@pytest.mark.parametrize("sources", [[], [result(1), result(1)]], ids=["none", "two"])
def test_all_results_come_as_one_list_where_that_is_asked_for(sources: list[object]) -> None:
    assert arguments(inputs(*sources, as_list=True), {1: entry(1)}) == [[1] * len(sources)]


def test_a_form_is_taken_in_place_of_the_result() -> None:
    entries = {1: entry("value", "first", "second")}

    assert arguments(inputs(result(1, form=2), result(1), result(1, form=1)), entries) == ["second", "value", "first"]


def test_deserialize_is_told_where_the_value_was_made_and_where_it_goes() -> None:
    takes = inputs(result(1, deserialize=transform("received", "x", 2)))

    (value,) = arguments(takes, {1: entry("value", node="a.example")})

    assert value == ["received", "value", "a.example", "here", "x", 2]


def test_a_deserialize_that_is_async_is_run_to_its_end() -> None:
    assert arguments(inputs(result(1, deserialize=transform("double_later"))), {1: entry(4)}) == [8]


def test_pickled_results_are_read_by_the_serializer_that_wrote_them() -> None:
    entries = {1: entry({1}, serializer=PickleSerializer)}

    assert arguments(inputs(result(1)), entries, PickleSerializer) == [{1}]


# Inline functions.


def test_an_inline_function_takes_results_then_constants() -> None:
    takes = inputs(inline(0), inlines=[inline_function("call", result(1), result(2), extra=["x"], key=3)])

    assert arguments(takes, {1: entry(1), 2: entry(2)}) == [[[1, 2, "x"], {"key": 3}]]


def test_an_inline_function_may_take_its_results_as_one_list() -> None:
    takes = inputs(inline(0), inlines=[inline_function("total_of_list", result(1), result(2), as_list=True)])

    assert arguments(takes, {1: entry(1), 2: entry(2)}) == [3]


def test_an_inline_function_may_take_others_and_is_called_once() -> None:
    takes = inputs(
        inline(1), inline(0), inline(1), inlines=[inline_function("count_calls"), inline_function("call", inline(0))]
    )

    one, count, other = arguments(takes)

    assert one == other == [[count], {}]
    assert arguments(takes)[1] == count + 1


def test_an_async_inline_function_is_run_to_its_end() -> None:
    assert arguments(inputs(inline(0), inlines=[inline_function("halve", extra=[12])])) == [6]


def test_what_an_inline_function_gives_is_sent_and_received_on_this_node() -> None:
    takes = inputs(
        inline(0, serialize=transform("sent", 1), deserialize=transform("received", 2)),
        inline(0),
        inlines=[inline_function("total", extra=[7])],
    )

    assert arguments(takes) == [["received", ["sent", 7, "here", 1], "here", "here", 2], 7]


def test_what_an_inline_function_does_to_a_result_nobody_else_sees() -> None:
    takes = inputs(inline(0), result(1), inlines=[inline_function("take_out_the_first", result(1))])

    assert arguments(takes, {1: entry([1, 2])}) == [1, [1, 2]]


# What may be wrong.


@pytest.mark.parametrize(
    ("source", "entries"),
    [
        (result(1, "lost"), {}),
        (result(1, "lost"), {1: {**entry(1), b"type": b"2"}}),
        (result(1, "lost", form=2), {1: entry(1, "one form")}),
    ],
    ids=["no entry", "it has failed", "no such form"],
)
def test_a_result_that_is_gone_is_named_and_no_attempt_brings_it_back(
    source: list[object], entries: Mapping[int, Entry]
) -> None:
    cause, error = unmade(inputs(source), entries)

    assert isinstance(cause, ResultGone)
    assert cause.function_id == "lost"
    assert "the result of function 'lost', which this one takes, is gone: it has expired" in str(cause)
    assert not error.retryable


def test_a_result_that_cannot_be_read_is_named_and_no_attempt_changes_it() -> None:
    cause, error = unmade(inputs(result(1, "odd")), {1: entry({1}, serializer=PickleSerializer)})

    assert isinstance(cause, ValueError)
    assert (str(error), error.retryable) == ("raised by reading the result of 'odd'", False)


@pytest.mark.parametrize(
    ("takes", "place"),
    [
        (
            inputs(result(1, deserialize=transform("refuse"))),
            "raised by child_tasks.refuse, which deserializes the result of 'a'",
        ),
        (inputs(inline(0), inlines=[inline_function("refuse")]), "raised by the inline function 'i'"),
        (
            inputs(inline(0, serialize=transform("refuse")), inlines=[inline_function("nothing")]),
            "raised by child_tasks.refuse, which serializes the result of 'i'",
        ),
        (
            inputs(inline(0, deserialize=transform("refuse")), inlines=[inline_function("nothing")]),
            "raised by child_tasks.refuse, which deserializes the result of 'i'",
        ),
    ],
    ids=["deserialize", "inline", "serialize of an inline", "deserialize of an inline"],
)
def test_what_raises_is_named_and_worth_another_attempt(takes: Mapping[str, Any], place: str) -> None:
    cause, error = unmade(takes, {1: entry(1)})

    assert isinstance(cause, ValueError)
    assert (str(error), error.retryable) == (place, True)


@pytest.mark.parametrize(
    ("takes", "place"),
    [
        (
            inputs(result(1, deserialize=transform("no_such"))),
            "child_tasks.no_such deserializes the result of 'a': make it importable on this node, here",
        ),
        (
            inputs(inline(0), inlines=[inline_function("no_such.module")]),
            "no_such.module is the inline function 'i': make it importable on this node, here",
        ),
    ],
    ids=["deserialize", "inline"],
)
def test_what_cannot_be_imported_is_named_and_no_attempt_here_changes_it(takes: Mapping[str, Any], place: str) -> None:
    cause, error = unmade(takes, {1: entry(1)})

    assert isinstance(cause, ImportError)
    assert (str(error), error.retryable) == (place, False)


# Reading.


def test_what_is_taken_through_inline_functions_is_taken_too_and_each_once() -> None:
    inlines = [inline_function("call", result(5), result(2)), inline_function("call", inline(0), result(9))]

    assert taken(inputs(result(2), inline(1), result(7), inlines=inlines)) == [2, 7, 5, 9]


def test_the_newest_entries_are_read_whatever_their_number(connection: redis.Redis) -> None:
    numbers = range(1, 2 * MOST_READ + 2)
    keys = {number: f"results-{number}" for number in numbers}
    add: Any = connection.xadd
    for number in numbers:
        add(keys[number], {b"type": b"2"})
        add(keys[number], entry(number))

    entries = read_results(connection, keys | {0: "none"})

    connection.delete(*keys.values())
    assert arguments(inputs(*map(result, numbers)), entries) == list(numbers)
    assert 0 not in entries


def test_what_redis_refuses_is_worth_another_attempt(connection: redis.Redis) -> None:
    connection.set("no-stream", "")

    with pytest.raises(Unmade, match="raised by reading 1 results that it takes") as caught:
        read_results(connection, {1: "no-stream"})

    connection.delete("no-stream")
    assert isinstance(caught.value.__cause__, redis.ResponseError)
    assert caught.value.retryable


def test_a_connection_that_has_died_since_the_last_function_costs_no_attempt(server: RedisServer) -> None:
    key = f"results-{uuid.uuid4().hex}"
    with Link(server.port) as link, redis.Redis.from_url(link.url(server.url), socket_timeout=1) as connection:
        add: Any = connection.xadd
        add(key, entry(7))

        link.silence()

        assert read_results(connection, {1: key})[1] == entry(7)
        connection.delete(key)


def test_a_redis_that_is_away_for_a_while_costs_no_attempt(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, away = f"results-{uuid.uuid4().hex}", [redis.ConnectionError("connection refused")] * 8
    pauses: list[float] = []
    set_time(monkeypatch, lambda: sum(pauses), pauses.append)
    with redis.Redis.from_url(server.url) as connection:
        add: Any = connection.xadd
        add(key, entry(7))
        pipeline = connection.pipeline

        def refuse(**options: Any) -> Any:
            if away:
                raise away.pop()
            return pipeline(**options)

        monkeypatch.setattr(connection, "pipeline", refuse)

        assert read_results(connection, {1: key})[1] == entry(7)
        assert sum(pauses) > GIVE_UP_AFTER_S
        connection.delete(key)


# Giving back.


def test_forms_are_delivered_as_texts_like_the_value() -> None:
    texts = delivered(Finished("f", Serializer.dumps(1), [Serializer.dumps("one"), Serializer.dumps(None)])).forms

    assert [decode_value({b"return_value": text.encode()}, Serializer) for text in texts.split(",")] == ["one", None]


def test_a_function_without_forms_delivers_none() -> None:
    assert delivered(Finished("f", Serializer.dumps(1))).flat()[7] == ""
