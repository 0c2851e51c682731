"""arq: two workers that look for work every hundredth of a second, and not every half, as they do by default."""

from __future__ import annotations

import os
from typing import Any

import redis
from arq import create_pool
from arq.connections import RedisSettings

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Setting, module
from benchmarks.adapters.asynchronous import AsyncAdapter
from benchmarks.adapters.written import Written

settings: Any = RedisSettings.from_dsn(os.environ[ADDRESS])


async def nothing(_: Any) -> None:
    """Return None, as `benchmarks.functions.nothing`."""


class Worker:
    """What the workers are told."""

    functions = (nothing,)
    redis_settings = settings
    poll_delay = 0.01


class ArqAdapter(AsyncAdapter):
    """Two processes."""

    def __init__(self, setting: Setting) -> None:
        self._written = Written(redis.Redis.from_url(setting.url))
        super().__init__(setting)

    async def connect(self) -> None:
        self._pool: Any = await create_pool(settings)

    def start(self) -> None:
        for _ in range(WORKERS):
            self.spawn(module("arq", f"{__name__}.Worker"))

    async def submit_one(self, number: int) -> Any:
        job = await self._pool.enqueue_job("nothing")
        self._written.expect(f"arq:result:{job.job_id}")
        return job

    async def wait_for(self, submitted: Any) -> None:
        await submitted.result(timeout=60, poll_delay=0.001)

    def finished(self) -> int:
        return self._written.count()


ADAPTER = ArqAdapter
