"""Every operation with every argument bent: either nothing was written, or all was and the books say so."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from handoff.ledger.asking import ScriptBug
from handoff.ledger.functions import cancel
from handoff.ledger.lua import files, loader
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.local.server import RedisServer
from support.books import check_books
from support.yard import Yard, count_writes, yard

VALUES = (
    "", "x", "-1", "0", "1.5", "nan", "inf", "1e400", str(10**30), "9007199254740993", "a=1,b", "=" * 100_000,
    "1" * 100_000 + "x", "0=" + ("1" * 30_000 + "/") * 3,
)  # fmt: skip

RUN = "0123456789abcdef0123456789abcdef"

KIND = ("kind", 1, 11, "cpu=10000,slots=10000", "", 0, "", 0, 0, 0, 1, "description", "timeout", "5")

JOB = ("job", 1, 5, 1, 0, 1, "", "d")

MANY = (
    1, 11, "cpu=10000,slots=10000", "wait=5000", 0, "", 0, 0, 0, 1, "data", "description", "d",
    1, "new", "x", 1, "other", "y",
)  # fmt: skip

CALLS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "allocate": ({"among": "", "ttl_ms": 0, "owner": "o"}, ["~c1", "0", "first_available", "", "cpu=10000"]),
    "attend": ({"run": RUN, "ms": 1000}, []),
    "cancel": ({"job_id": "waits", "token": "t"}, []),
    "cancel_many": ({"token": "t", "running": 1}, ["runs", "waits"]),
    "cancel_run": ({"run": RUN, "token": "t"}, []),
    "ends": ({}, ["runs", "waits"]),
    "every": (
        {
            "name": "nightly", "version": "v2", "when": "0 3 * * *", "zone": "UTC", "since": 1,
            "due": 2_000_000_000_000, "catch_up": "last", "overlap": "skip", "code": "tasks.f", "call": "c",
        },
        [],
    ),
    "fire": (
        {
            "name": "nightly", "version": "v", "due": "", "upcoming": 5, "passed": 1, "is_run": 1,
            "job_id": "nightly-1", "moment": 3, "token": "t", "demand": "cpu=10000,slots=10000",
            "options": "wait=5000", "priority": 0, "delay_ms": 0,
        },
        ["description", "d", "timeout", 5],
    ),
    "pause_schedule": ({"name": "nightly", "paused": 0, "due": 2_000_000_000_000}, []),
    "remove_schedule": ({"name": "nightly", "token": "t"}, []),
    "explain": ({"job_id": "waits"}, ["status"]),
    "give_back": ({"job_id": "runs"}, []),
    "list_claims": ({"cursor": "0"}, []),
    "list_runs": ({"count": 3}, []),
    "load": (
        {"run": RUN, "dag": "d", "part": 1, "is_last": 1, "whole": 0, "units": 10000, "lease_ms": 0},
        ["run", 0, 4, "total", 1, "limit", 1, "next", 0, 1, "1", "graph", 0, 1, "g", *KIND, *JOB],
    ),
    "look": ({"job_id": "runs"}, ["status"]),
    "look_run": ({"dag": "d", "run": RUN}, []),
    "probe": ({"name": "a", "cost": "cpu=10000"}, []),
    "progress": ({"run": RUN, "cursor": "0"}, []),
    "able": ({}, ["cpu=10000,slots=10000"]),
    "counts": ({}, ["a", "handoff.a"]),
    "release": ({"id": "~c0", "token": "t"}, []),
    "retry": ({"job_id": "canceled", "token": "t"}, []),
    "request": ({"name": "b", "id": "~c2", "cost": "cpu=10000", "ttl_ms": 0, "owner": "o"}, []),
    "submit": (
        {
            "job_id": "new", "token": "t", "demand": "cpu=10000,slots=10000", "options": "wait=5000", "priority": 0,
            "preferred": "", "refuse": 0, "replace": 0, "delay_ms": 0, "due_ms": 0,
        },
        ["description", "d", "timeout", 5],
    ),
    "submit_many": ({"token": "t", "replace": 0}, list(MANY)),
    "tick": ({"room": 1, "token": "t"}, []),
    "beat": (
        {
            "name": "a", "epoch": "", "op": 0, "worked_ms": 0, "at": "0|0", "external": "memory=3",
            "external_devices": "",
        },
        ["runs:3"],
    ),
    "deny": ({"name": "a", "epoch": "", "op": 0}, ["runs:3"]),
    "finish": (
        {"name": "a", "epoch": "", "op": 2, "room": 1, "waits": 0},
        ["runs:3", "finished", "", "", "", "0", "1.000", "", "41,1200,2500"],
    ),
    "parcel": ({"token": "p", "offset": 0, "piece": "abc"}, []),
    "pending": ({"name": "a"}, []),
    "quiet": ({"name": "b", "epoch": "", "quiet": 0, "reason": ""}, []),
    "recall": (
        {"name": "a", "epoch": "", "op": 1},
        ["t", "", 1, "runs:3", "finished", "", "", "", "0", "1.000", "", ""],
    ),
    "register": (
        {
            "name": "c", "incarnation": "i", "holder": "h", "dead": "", "lease_ms": 15000, "units": "cpu=10000",
            "devices": "gpu:0,1", "labels": "zone=a", "external": "gpu_memory=7,memory=0",
            "external_devices": "gpu:0=7m",
        },
        ["hostname", "h", "pid", 1],
    ),
    "audit": ({"token": "t", "who": "w", "what": "cancel", "about": "waits"}, []),
    "discard": ({"token": "t"}, ["canceled"]),
    "deregister": ({"name": "c", "incarnation": "", "cause": ""}, []),
    "drain": ({"name": "b", "drain": 0, "deadline_ms": 1000}, []),
    "limit": ({"count": 100, "ms": 60000}, []),
    "limits": ({}, []),
    "nodes": ({}, ["a"]),
    "register_node": ({"name": "s", "units": "cpu=10000", "devices": "gpu:0/5", "labels": "zone=a"}, []),
    "tell": (
        {"name": "a", "epoch": ""},
        ["runs:3", "progress", "0.5", "x", "runs:3", "part", "1", "x", "runs:3", "kept", "1", ""],
    ),
    "learn": (
        {"name": "a", "epoch": "", "ttl_ms": 5},
        ["tasks:f", 3, "41,1000,2000,0,0", "", "tasks:g", 0, "1,2,3,4,5", 7],
    ),
    "upgrade": ({}, []),
    "mark": ({}, []),
    "share": ({"amounts": "license=30000"}, []),
    "mend_node": ({"name": "a"}, []),
    "mend_job": ({"job_id": "waits"}, ["queue", "a", "waits", "line", "cpu=10000,slots=10000", "waits"]),
    "mend_line": ({"text": "cpu=10000,slots=10000@"}, []),
    "mend_schedule": ({"name": "nightly"}, []),
    "mend_run": ({"run": RUN}, []),
    "mend_stray": ({"kind": "mark", "of": "dirty", "member": "gone"}, []),
    "read_keys": ({}, ["HGETALL", 1, "k", "ZRANGE", 3, "k", 0, -1]),
}  # fmt: skip
"""A sound call of each: of several the sound one would be taken."""


def filled(place: Yard) -> None:
    place.submit("runs", max_retries=1)
    place.agents["a"].take()
    for i in range(5):
        place.submit(f"other{i}")
    place.submit("waits")
    place.submit("later", delay=60)
    place.submit("canceled", delay=60)
    cancel(place.store, "canceled")
    place.store.run("every", **{**CALLS["every"][0], "version": "v"})


def call(place: Yard, operation: str, given: dict[str, Any], rest: list[Any]) -> bool:
    """-> whether it was taken"""
    before = count_writes(place.store)
    try:
        place.store.run(operation, *rest, **given)
    except (ScriptBug, redis.DataError):
        assert count_writes(place.store) == before, (operation, given, [str(value)[:40] for value in rest])
        return False
    return True


def epochs(place: Yard, operation: str) -> tuple[dict[str, Any], list[Any]]:
    """The sound call, with the epoch and the reservation that there are."""
    given, rest = CALLS[operation]
    given = dict(given)
    if "epoch" in given:
        given["epoch"] = place.agents[given["name"]].epoch
    held = next(iter(place.agents["a"].runs), "runs:3")
    return given, [held if value == "runs:3" else value for value in rest]


def bent_calls(place: Yard, operation: str) -> list[tuple[dict[str, Any], list[Any]]]:
    given, rest = epochs(place, operation)
    found = [({**given, name: value}, rest) for name in given for value in VALUES]
    # Of a long list each place sees some of the values: what is taken of them makes all that follows slower.
    step = 1 + len(rest) // 6
    values = [VALUES[i % step :: step] for i in range(len(rest))]
    found += [(given, [*rest[:i], value, *rest[i + 1 :]]) for i in range(len(rest)) for value in values[i]]
    return [*found, *((given, rest[:i]) for i in range(len(rest)))]


def test_there_is_a_sound_call_of_every_operation() -> None:
    assert CALLS.keys() == files.operations().keys()
    for operation, (given, _) in CALLS.items():
        assert given.keys() == set(loader.load(operation, RQ_KEY_PREFIX).args)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("database", ["real"], indirect=True)
def test_a_bent_argument_writes_nothing_or_all(database: redis.Redis, operation: str, server: RedisServer) -> None:
    with yard(database) as place:
        filled(place)
        for given, rest in bent_calls(place, operation):
            call(place, operation, given, rest)
        for agent in place.agents.values():
            value: Any = database.hget(place.store.keys("node", agent.name), "op")
            agent.op = int(value or 0)
        place.play()
        check_books(place.store)

    with yard(database) as place:
        filled(place)
        assert call(place, operation, *epochs(place, operation))
        check_books(place.store)
