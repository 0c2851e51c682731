"""On which kinds of server a test of the ledger runs: operations are called as functions, and as scripts.

real     a real server, as functions
scripts  a real server, as scripts: by a user who may not call functions, as on one of before 7.0
fake     fakeredis, tests of the contract and a part of the others: as scripts in the rooms below, else as functions
loop     a real server, by the asyncio client, where what a test calls is the public contract
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import fakeredis
import pytest
import redis

from handoff.local.server import RedisServer

KINDS = ("fake", "scripts", "real", "loop")

BY_LOOP = {
    "client/functions/test_function_cancel.py": 1,
    "client/functions/test_function_cancel_many.py": 1,
    "client/functions/test_function_depends.py": 3,
    "client/functions/test_function_gather.py": 1,
    "client/functions/test_function_handle.py": 1,
    "client/functions/test_function_many.py": 2,
    "client/functions/test_function_map.py": 2,
    "client/functions/test_function_result.py": 1,
    "client/functions/test_function_verdict.py": 3,
    "client/runs/test_run_handle.py": 2,
    "client/runs/test_run_results.py": 1,
    "ledger/test_redis_tracker.py": 9,
}
"""Where tests run by the asyncio client too, but for those that reach into the other one, and one of how many."""

BY_SCRIPTS = {
    "ledger/cases": 2,
    "ledger/runs": 4,
    "ledger/scheduling": 4,
    "ledger/submits": 6,
    "ledger/test_jobs.py": 1,
    "ledger/test_redis_tracker.py": 1,
}
"""Where tests run on all three forms, and of how many tests one on fakeredis."""

CONTRACT = ("client/functions", "client/runs", "ledger/test_redis_tracker.py", "rq/test_queue.py")
"""Where tests are of what people outside call: all of them run on fakeredis too, for those people test with it."""

ON_FAKEREDIS = 4
"""Of how many tests one runs on fakeredis too, elsewhere: a real server takes half of the time for the same.

What runs there alone is named by its test.
"""


def kind_of(given: Mapping[str, Any]) -> str:
    """The kind that a test is to run on; '' = it names none."""
    return next((given[name] for name in ("connection", "database") if given.get(name) in KINDS), "")


def runs_on(kind: str, path: str, name: str) -> bool:
    """Whether a test of this name that leaves it open, in a file by its path below tests, runs on such a server."""
    if kind == "loop":
        return path in BY_LOOP and _is_taken(name.replace("loop", ""), BY_LOOP[path])
    if kind == "scripts":
        return _one_of(path) > 0
    one_of = 1 if path.startswith(CONTRACT) else _one_of(path) or ON_FAKEREDIS
    return kind != "fake" or _is_taken(name.replace("fake", ""), one_of)


def connect(request: pytest.FixtureRequest, path: str, number: int = 0) -> Iterator[redis.Redis]:
    """A connection to an empty database of this number, on a server of the kind that the fixture is asked for."""
    if request.param == "fake":
        version = (6, 2) if _one_of(path) else (7,)
        yield fakeredis.FakeRedis(server=fakeredis.FakeServer(version=version))
        return
    server: RedisServer = request.getfixturevalue("server")
    url: str = request.getfixturevalue("by_scripts") if request.param == "scripts" else server.url
    with redis.Redis.from_url(f"{url.rpartition('/')[0]}/{number}") as connection:
        connection.flushdb()
        yield connection


def _is_taken(name: str, one_of: int) -> bool:
    return zlib.crc32(name.encode()) % one_of == 0


def _one_of(path: str) -> int:
    return next((one_of for room, one_of in BY_SCRIPTS.items() if path.startswith(room)), 0)
