"""The serializer stands where RQ expects one."""

from __future__ import annotations

import pickle
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import fakeredis
import pytest
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer, PickleSerializer, resolve_serializer

from handoff.serializer import Serializer, dumps_arguments, dumps_result, resolve
from support.values import same


def test_a_result_is_packed_as_any_value() -> None:
    assert Serializer.loads(dumps_result(Serializer, (1, {2}))) == (1, {2})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Serializer, Serializer),
        (resolve("pickle"), PickleSerializer),
        (JSONSerializer, JSONSerializer),
    ],
    ids=["msgpack", "pickle", "a user's"],
)
def test_the_arguments_are_the_bytes_that_rq_itself_would_store(ours: Any, theirs: Any) -> None:
    args, kwargs = (1, "a", [2.5, None]), {"x": {"y": True}}
    job = Job.create("module.function", args, kwargs, connection=fakeredis.FakeStrictRedis(), serializer=theirs)

    assert dumps_arguments(ours, "module.function", args, kwargs) == job.data


def test_a_timeout_raised_while_a_result_is_pickled_is_not_taken_for_a_refusal() -> None:
    class Timeout(Exception):
        pass

    class Slow:
        def __reduce__(self) -> str:
            raise Timeout

    with pytest.raises(Timeout):
        dumps_result(resolve("pickle"), Slow())


def test_an_rq_worker_carries_arguments_and_results_with_it() -> None:
    connection = fakeredis.FakeStrictRedis()
    queue = Queue(connection=connection, serializer=Serializer)
    value = {"when": datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), (1, 2): {Decimal("1.50")}}

    job = queue.enqueue("copy.deepcopy", value)
    SimpleWorker([queue], connection=connection, serializer=Serializer).work(burst=True)

    assert same(value, job.return_value(refresh=True))
    result = job.latest_result()
    assert result is not None
    assert same(value, result.return_value)


def test_rq_finds_it_by_its_path() -> None:
    assert resolve_serializer("handoff.serializer.Serializer") is Serializer


def test_a_name_resolves_to_its_serializer() -> None:
    assert resolve(None) is Serializer
    assert resolve("msgpack") is Serializer
    assert resolve(JSONSerializer) is JSONSerializer
    assert resolve("pickle").dumps((1, {2})) == pickle.dumps((1, {2}), protocol=pickle.HIGHEST_PROTOCOL)
    assert resolve("pickle").loads(pickle.dumps({2})) == {2}


@pytest.mark.parametrize("name", ["json", "", "handoff.serializer.Serializer", 5, object()])
def test_another_name_is_refused_with_what_is_allowed(name: Any) -> None:
    with pytest.raises(ValueError, match='give "msgpack", "pickle" or an object with dumps'):
        resolve(name)
