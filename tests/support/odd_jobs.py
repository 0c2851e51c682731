"""Job hashes that somebody has altered: every field that anybody reads, with values that none of them has."""

from __future__ import annotations

import contextlib
from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import HandoffError
from handoff.ledger.fields import FIELDS
from handoff.why.function_status import read_function

FIELDS_OF_JOBS = [
    *(row.name for row in FIELDS.values()),
    "dependency_ids", "retries_left", "retry_intervals", "group_id", "repeats_left", "repeat_intervals", "ttl",
]  # fmt: skip

BENT: dict[str, bytes | None] = {
    "absent": None,
    "empty": b"",
    "x": b"x",
    "minus": b"-1",
    "fraction": b"1.5",
    "nan": b"nan",
    "large": b"99999999999999",
    "huge": b"9" * 400,
    "kilobytes": b"x" * 100_000,
    "no utf-8": b"\xff\xfe\x80",
    "newer": b"novel=1;extra=x",
    "half": b"gpu:x=1",
    "separators": b"&@;|,=:~",
}


def bend(cluster: Cluster, job_id: str, field: str, value: bytes | None) -> None:
    client: Any = cluster.connection
    key = cluster.store.keys("rq_job", job_id)
    if value is None:
        client.hdel(key, field)
    else:
        client.hset(key, field, value)


def look_at(cluster: Cluster, handle: Handle) -> None:
    """Every question about a function is answered, or refused in an error of ours."""
    for ask in (
        lambda: handle.status,
        lambda: handle.node,
        lambda: handle.devices,
        lambda: handle.attempts,
        lambda: handle.explain().to_dict(),
        lambda: handle.result(0),
        lambda: cluster.handle(handle.id),
        lambda: read_function(cluster.store, handle.id),
    ):
        with contextlib.suppress(HandoffError, TimeoutError):
            ask()
