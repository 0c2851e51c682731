"""A call of any size is one that RQ unpacks."""

from __future__ import annotations

import os
import pickle
import zlib
from typing import Any

import fakeredis
import pytest
from rq.job import Job

from handoff.ledger.rqmodel import LARGE, SMALL, TINY, call_fields


@pytest.mark.parametrize("size", [0, 1, 100, TINY, TINY + 1, SMALL, SMALL + 1, LARGE + 1])
@pytest.mark.parametrize("make", [bytes, os.urandom], ids=["alike", "random"])
@pytest.mark.parametrize("begin", [b"\x95", pickle.PROTO + b"\5"], ids=["msgpack", "pickle"])
def test_what_was_packed_is_unpacked_by_rq(size: int, make: type[bytes], begin: bytes) -> None:
    data = begin + make(size)
    packed = call_fields(data, "")["data"]

    job: Any = Job("id", connection=fakeredis.FakeRedis())
    job.restore({b"data": packed})

    assert isinstance(packed, bytes)
    assert job.data == data
    assert not TINY < len(data) <= SMALL or len(packed) <= len(zlib.compress(data)) * 1.05 + 20
