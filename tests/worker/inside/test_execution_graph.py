"""Functions of a graph in a child: results as arguments, and forms of their own result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job

from handoff.local.server import RedisServer
from handoff.serializer import PickleSerializer, Serializer
from handoff_worker.children.outcome import Failed, Finished
from handoff_worker.children.pool import Children
from handoff_worker.inside import inputs as inputs_module
from handoff_worker.inside.results import LARGEST_FORMS, LARGEST_RESULT
from support.children import (
    entry,
    failure,
    forms,
    graph,
    inline,
    inline_function,
    inputs,
    result,
    run,
    task,
    transform,
    value,
)
from support.in_process_child import Child


def test_results_come_first_and_rq_is_told_so(children: Children) -> None:
    stored = graph(inputs(result(3), result(1)))
    at_hand = {1: entry("one"), 3: entry(["three"])}

    args, kwargs, job_args, job_kwargs = value(
        run(children, task("call_and_job", "extra", hash=stored, inputs=at_hand, kwargs={"key": 1}))
    )

    assert args == job_args == [["three"], "one", "extra"]
    assert kwargs == job_kwargs == {"key": 1}


def test_a_function_that_only_makes_forms_is_called_as_it_stands(children: Children) -> None:
    outcome = run(children, task("call", "extra", hash=graph(forms=[transform("sent")]), node="a"))

    assert value(outcome) == [["extra"], {}]
    assert forms(outcome) == [["sent", [["extra"], {}], "a"]]


def test_results_that_did_not_come_along_are_read(children: Children, server: RedisServer) -> None:
    numbers = range(1, 10_001)
    stored = graph(inputs(*map(result, numbers)))
    with redis.Redis.from_url(server.url) as connection:
        for number in numbers:
            add_entry(connection, number, entry(number))

        # What came along is not read again.
        seen = value(run(children, task("total", hash=stored, redis={"url": server.url}, inputs={7: entry(-1)})))

        connection.delete(*(f"rq:results:run-{number}" for number in numbers))
    assert seen == sum(numbers) - 8


def test_a_result_that_is_gone_fails_for_good(children: Children, server: RedisServer) -> None:
    stored = graph(inputs(result(404, "producer")))

    failed = failure(run(children, task("call", hash=stored, redis={"url": server.url})))

    assert failed.exception_type == "handoff.errors.ResultGone"
    assert failed.message == (
        "the result of function 'producer', which this one takes, is gone: "
        "it has expired or was deleted, so submit the whole graph again"
    )
    assert not failed.retryable


def test_a_redis_that_stays_away_is_worth_another_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs_module, "OUTAGE_S", 0.1)
    taking = task("call", hash=graph(inputs(result(1))))

    with Child(redis.Redis(port=1, retry=Retry(NoBackoff(), 0))) as child:
        failed = child.execute(msgpack.unpackb(taking.packed()))

    assert failed["exception_type"] == "handoff.errors.StoreUnavailable"
    assert str(failed["message"]).endswith("(raised by reading 1 results that it takes)")
    assert failed["retryable"]


def test_what_the_function_saves_of_its_job_leaves_the_results_out(children: Children, server: RedisServer) -> None:
    stored = graph(inputs(result(1)))
    saving = task("save_job", "extra", id="saved", hash=stored, inputs={1: entry(1)}, redis={"url": server.url})

    assert value(run(children, saving)) is None

    with redis.Redis.from_url(server.url) as connection:
        args = Job.fetch("saved", connection=connection, serializer=Serializer).args
        connection.delete("rq:job:saved")
    assert args == ("extra",)


def test_pickled_results_are_taken_and_made(children: Children) -> None:
    stored = graph(
        inputs(result(1, deserialize=transform("received", {1}))), [transform("sent", {2})], PickleSerializer
    )
    taking = task(
        "call", job_serializer=PickleSerializer, serializer="pickle", hash=stored,
        inputs={1: entry(1j, serializer=PickleSerializer)},
    )  # fmt: skip

    outcome = run(children, taking)

    assert isinstance(outcome, Finished)
    seen = PickleSerializer.loads(outcome.result)
    assert seen == [[["received", 1j, "source.example", "node1", {1}]], {}]
    assert [PickleSerializer.loads(form) for form in outcome.forms] == [["sent", seen, "node1", {2}]]


def test_what_belongs_to_a_function_can_ask_about_it(children: Children) -> None:
    where = transform("where_it_runs")
    takes = inputs(result(1, deserialize=where), inline(0), inlines=[inline_function("where_it_runs")])

    outcome = run(children, task("call", id="job-1", hash=graph(takes, [where]), inputs={1: entry(None)}))

    here = ["consumer", "job-1"]
    assert value(outcome) == [[here, here], {}]
    assert forms(outcome) == [here]


def test_a_transform_that_cannot_be_imported_says_so_and_fails_for_good(children: Children) -> None:
    takes = inputs(result(1, "producer", deserialize=transform("no_such")))

    failed = failure(run(children, task("call", hash=graph(takes), inputs={1: entry(None)})))

    assert failed.exception_type == "ImportError"
    assert failed.message == (
        "cannot import name 'no_such' from 'child_tasks' (child_tasks.no_such deserializes the result of 'producer': "
        "make it importable on this node, node1)"
    )
    assert not failed.retryable


def test_what_a_transform_raises_fails_the_function_as_if_it_had_raised_it(children: Children) -> None:
    takes = inputs(result(1, "producer", deserialize=transform("refuse")))

    failed = failure(run(children, task("call", hash=graph(takes), inputs={1: entry(None)})))

    place = "(raised by child_tasks.refuse, which deserializes the result of 'producer')"
    assert (failed.exception_type, failed.message, failed.retryable) == ("ValueError", f"wrong {place}", True)
    assert f'in refuse\n    raise ValueError("wrong")\nValueError: wrong\n{place}\n' in failed.traceback


def test_a_serializer_that_raises_fails_the_function(children: Children) -> None:
    failed = failure(run(children, task("call", hash=graph(forms=[transform("refuse")]))))

    place = "(raised by child_tasks.refuse, which serializes the result of 'consumer')"
    assert (failed.exception_type, failed.message, failed.retryable) == ("ValueError", f"wrong {place}", True)


def test_a_function_whose_serializer_cannot_be_imported_does_not_run(children: Children, told: Path) -> None:
    stored = graph(forms=[transform("no_such")])

    failed = failure(run(children, task("write_told", hash=stored, environment={"TOLD": str(told)})))

    assert failed.exception_type == "ImportError"
    assert "child_tasks.no_such serializes the result of 'consumer': make it importable" in failed.message
    assert not failed.retryable
    assert not told.exists()


@pytest.mark.parametrize(
    ("takes", "made", "place"),
    [
        (inputs(result(1, deserialize=transform("sleep_through"))), [], "which deserializes the result of 'a'"),
        (inputs(inline(0), inlines=[inline_function("sleep_through")]), [], "the inline function 'i'"),
        (None, [transform("sleep_through")], "which serializes the result of 'consumer'"),
    ],
    ids=["deserialize", "inline", "serialize"],
)
def test_the_limit_of_time_holds_for_all_that_belongs_to_a_function(
    children: Children, takes: dict[str, Any] | None, made: list[object], place: str
) -> None:
    failed = failure(run(children, task("call", timeout=1, hash=graph(takes, made), inputs={1: entry(None)})))

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"
    assert failed.message.startswith("Task exceeded maximum timeout value (1 seconds) (raised by ")
    assert place in failed.message
    assert failed.retryable


@pytest.mark.parametrize(
    ("name", "args"), [("unserializable", []), ("zeros", [LARGEST_RESULT])], ids=["unserializable", "too large"]
)
def test_the_first_form_stands_for_a_result_that_cannot_be_stored(
    children: Children, name: str, args: list[object]
) -> None:
    stored = graph(forms=[transform("two"), transform("where_it_runs")])

    outcome = run(children, task(name, *args, hash=stored))

    assert value(outcome) == 2
    assert forms(outcome) == [2, ["consumer", "f"]]


def test_a_form_that_cannot_be_serialized_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("nothing", hash=graph(forms=[transform("make_unserializable")]))))

    assert failed.exception_type == "handoff.errors.NotSerializable"
    assert failed.message.endswith(
        "(made by child_tasks.make_unserializable, which serializes the result of 'consumer')"
    )
    assert not failed.retryable


def test_a_form_over_the_limit_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("total", LARGEST_RESULT, hash=graph(forms=[transform("make_zeros")]))))

    assert failed.exception_type == "handoff.errors.ResultTooLarge"
    assert "made by child_tasks.make_zeros" in failed.message


def test_forms_over_their_limit_together_fail_for_good(children: Children) -> None:
    each = LARGEST_RESULT - 1000
    makers = [transform("make_zeros", number) for number in range(LARGEST_FORMS // each + 1)]

    failed = failure(run(children, task("total", each, hash=graph(forms=makers))))

    assert failed.exception_type == "handoff.errors.ResultTooLarge"
    assert "and 192 MB is the limit" in failed.message
    assert not failed.retryable


@pytest.mark.parametrize("name", ["count_tracked", "refuse"])
def test_nothing_of_what_a_function_took_outlives_it(children: Children, name: str) -> None:
    track = transform("track")
    takes = inputs(result(1, deserialize=track), inline(0), inlines=[inline_function("track")])
    taking = task(name, hash=graph(takes), inputs={1: entry(None)})

    first = run(children, taking)

    assert isinstance(first, Failed) or value(first) == 2
    assert value(run(children, task("count_tracked"))) == 0


def add_entry(connection: redis.Redis, number: int, fields: dict[bytes, bytes]) -> None:
    """Append to the stream of a function of the run "run"."""
    add: Any = connection.xadd
    add(f"rq:results:run-{number}", fields)
