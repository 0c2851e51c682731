"""taskiq: two worker processes, a list of Redis as broker, results in Redis."""

from __future__ import annotations

import os
from typing import Any

import redis
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Setting, module
from benchmarks.adapters.asynchronous import AsyncAdapter
from benchmarks.adapters.written import Written

results: Any = RedisAsyncResultBackend(os.environ[ADDRESS])
broker: Any = ListQueueBroker(os.environ[ADDRESS]).with_result_backend(results)


@broker.task(task_name="nothing")  # type: ignore[untyped-decorator,unused-ignore]
async def nothing() -> None:
    """Return None, as `benchmarks.functions.nothing`."""


class TaskiqAdapter(AsyncAdapter):
    """One master with its two processes."""

    def __init__(self, setting: Setting) -> None:
        self._written = Written(redis.Redis.from_url(setting.url))
        super().__init__(setting)

    async def connect(self) -> None:
        await broker.startup()

    def start(self) -> None:
        self.spawn(
            module("taskiq", "worker", f"{__name__}:broker", "--workers", str(WORKERS), "--log-level", "WARNING")
        )

    async def submit_one(self, number: int) -> Any:
        submitted = await nothing.kiq()  # type: ignore[attr-defined,unused-ignore]
        self._written.expect(submitted.task_id)
        return submitted

    async def wait_for(self, submitted: Any) -> None:
        await submitted.wait_result(timeout=60, check_interval=0.001)

    def finished(self) -> int:
        return self._written.count()


ADAPTER = TaskiqAdapter
