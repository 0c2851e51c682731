"""Functions that tests of `handoff.testing` submit: they run in the process of the test."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import handoff
from handoff.client.default import default_cluster

calls: list[Any] = []
"""What has run, in order; each test begins with none."""


def note(value: Any) -> Any:
    calls.append(value)
    return value


def add(a: int, b: int) -> int:
    return a + b


def fail(message: str) -> None:
    calls.append(message)
    raise ValueError(message)


def leave(status: int) -> None:
    sys.exit(status)


def fan(count: int) -> list[str]:
    return [handoff.enqueue(note, number).id for number in range(count)]


def ask_another(number: int) -> Any:
    return handoff.enqueue(add, number, 1).result()


def ask_and_tell() -> str:
    handoff.enqueue(add, 1, 2).result()
    return handoff.current().id


def again() -> None:
    handoff.enqueue(again)


async def double(number: int) -> int:
    return number * 2


def surroundings() -> dict[str, Any]:
    os.environ["LEFT_BY_A_TASK"] = "1"
    return {
        "node": handoff.this_node(),
        "devices": handoff.current().devices,
        "cuda": os.environ["CUDA_VISIBLE_DEVICES"],
    }


def now_s() -> float:
    return time.time()


def cancel(job_id: str) -> bool:
    return default_cluster().handle(job_id).cancel()


def lose(node: str) -> str:
    """Have this very node vanish, the first time."""
    cluster: Any = default_cluster()
    if handoff.this_node() == node:
        cluster.lose_node(node)
    return "lost"


def noted(job: Any, connection: Any, result: Any) -> None:
    calls.append(("succeeded", job.id, result))


def told(job: Any, connection: Any, kind: Any, error: Any, traceback: Any) -> None:
    calls.append(("failed", job.id, str(error)))


def report(times: int) -> None:
    for number in range(times):
        print(f"step {number + 1}")
        handoff.current().progress((number + 1) / times, f"step {number + 1}")


def count(to: int) -> Iterator[int]:
    yield from range(to)
    return "counted"  # type: ignore[return-value]


def count_and_fail(to: int) -> Iterator[int]:
    yield from range(to)
    raise ValueError("no more")
