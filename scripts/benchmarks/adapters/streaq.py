"""streaq: two worker processes with the concurrency that they have by default."""

from __future__ import annotations

import os
from typing import Any

import redis
from streaq import Worker

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Setting, module
from benchmarks.adapters.asynchronous import AsyncAdapter
from benchmarks.adapters.written import Written

worker: Any = Worker(redis_url=os.environ[ADDRESS])


async def nothing() -> None:
    """Return None, as `benchmarks.functions.nothing`."""


task: Any = worker.task(nothing)


class StreaqAdapter(AsyncAdapter):
    """Two processes."""

    def __init__(self, setting: Setting) -> None:
        self._written = Written(redis.Redis.from_url(setting.url))
        super().__init__(setting)

    async def connect(self) -> None:
        await worker.__aenter__()

    def start(self) -> None:
        self.spawn(module("streaq", "run", f"{__name__}:worker", "--workers", str(WORKERS)))

    async def submit_one(self, number: int) -> Any:
        submitted = await task.enqueue()
        self._written.expect(worker.results_key + submitted.id)
        return submitted

    def submit_many(self, first: int, count: int) -> None:
        tasks = [task.enqueue() for _ in range(count)]
        self.run(worker.enqueue_many(tasks))
        for submitted in tasks:
            self._written.expect(worker.results_key + submitted.id)

    async def wait_for(self, submitted: Any) -> None:
        await submitted.result(60)

    def finished(self) -> int:
        return self._written.count()


ADAPTER = StreaqAdapter
