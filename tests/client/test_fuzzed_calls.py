"""A few of the calls of `scripts/fuzz`, of which many more are made by hand."""

from __future__ import annotations

import contextlib
import random

import fakeredis
import pytest
import redis

from handoff.errors import NotSerializable
from handoff.local.server import RedisServer
from handoff.serializer import Serializer
from support import need_redis_server
from support.fuzz.calls import Place
from support.fuzz.serialized import changed, try_bytes, try_value

SEED = 1


def faults(connection: redis.Redis, calls: int) -> list[str]:
    place = Place(connection)
    tried = [(number, place.try_one(random.Random(f"{SEED}/{number}"))) for number in range(calls)]
    place.clear()
    return [f"--seed {SEED} --first {number} --calls 1: {each}" for number, each in tried if each.fault]


@pytest.mark.filterwarnings("ignore")
def test_any_call_with_any_values_is_taken_or_refused_in_a_sentence_and_leaves_nothing_then() -> None:
    need_redis_server()
    with RedisServer() as own, redis.Redis.from_url(own.url) as connection:
        assert faults(connection, 1500) == []


@pytest.mark.filterwarnings("ignore")
def test_the_same_holds_on_fakeredis() -> None:
    assert faults(fakeredis.FakeRedis(server=fakeredis.FakeServer()), 100) == []


@pytest.mark.filterwarnings("ignore")
def test_any_value_is_carried_or_refused_and_any_bytes_are_read_or_refused() -> None:
    for number in range(1500):
        assert not try_value(random.Random(number))
        assert not try_bytes(random.Random(number))


def test_what_was_changed_on_its_way_is_another_value_or_none() -> None:
    sound = Serializer.dumps({"a": [1, (2, {3}), b"4"], "b": 1.5})
    for number in range(500):
        with contextlib.suppress(ValueError, NotSerializable):
            Serializer.dumps(Serializer.loads(changed(random.Random(number), sound)))
