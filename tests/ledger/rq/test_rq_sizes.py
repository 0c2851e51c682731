"""A call of any size is one that RQ unpacks."""

from __future__ import annotations

import os
import zlib

import pytest

from handoff.ledger.rqmodel import LARGE, SMALL, job_fields


@pytest.mark.parametrize("size", [0, 1, 100, SMALL, SMALL + 1, LARGE + 1])
@pytest.mark.parametrize("make", [bytes, os.urandom], ids=["alike", "random"])
def test_what_was_packed_is_unpacked_by_zlib_as_rq_calls_it(size: int, make: type[bytes]) -> None:
    data = make(size)
    fields = job_fields(
        data=data, description="", timeout=-1, result_ttl=0, failure_ttl=0, meta=None, on_success=None, on_failure=None
    )

    packed = fields[fields.index("data") + 1]

    assert isinstance(packed, bytes)
    assert zlib.decompress(packed) == data
    assert size > SMALL or len(packed) <= len(zlib.compress(data)) * 1.05 + 20
