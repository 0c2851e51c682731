"""A job in a child: no more of its hash is read than somebody asks for."""

from __future__ import annotations

import zlib

import pytest
from redis import Redis

from handoff.serializer import Serializer, dumps_arguments
from handoff_worker.inside.job import Job

DATA = zlib.compress(dumps_arguments(Serializer, "tasks:work", (), {}))


def no_client() -> Redis:
    raise AssertionError("it asks for a client of Redis")


@pytest.mark.parametrize(
    ("stored", "limit_s"), [(b"60", 60), (b"2m", 120), (b"-1", None), (b"0", None), (b"", None), (None, None)]
)
def test_its_limit_of_time_is_read_without_a_client_of_redis(stored: bytes | None, limit_s: float | None) -> None:
    timeout = {} if stored is None else {b"timeout": stored}

    job = Job.unread("f", no_client, Serializer, {b"data": DATA, **timeout})

    assert job.limit_s == limit_s
