"""rq: `Worker`, which forks for each job, `SimpleWorker`, which does not, and its pool of eight workers."""

from __future__ import annotations

import sys
from typing import Any

import redis
from rq import Queue
from rq.registry import FinishedJobRegistry

from benchmarks.adapters.adapter import WORKERS, Adapter, Setting
from benchmarks.functions import nothing, rest

RQ = (sys.executable, "-c", "from rq.cli import main; main()")

POOL, POOLED = "pool", 8


class Rq(Adapter):
    """Two workers of the class that `way` names, or the pool."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._connection: Any = redis.Redis.from_url(setting.url)
        self._queue: Any = Queue("default", connection=self._connection)
        self._registry = FinishedJobRegistry("default", connection=self._connection)

    def start(self) -> None:
        address = {"RQ_REDIS_URL": self.setting.url}
        if self.setting.way == POOL:
            self.spawn([*RQ, "worker-pool", "--quiet", "--num-workers", str(POOLED)], address)
            return
        for _ in range(WORKERS):
            self.spawn([*RQ, "worker", "--quiet", "--worker-class", f"rq.{self.setting.way}"], address)

    def submit(self, number: int) -> Any:
        return self._queue.enqueue(nothing)

    def submit_rest(self, number: int) -> None:
        self._queue.enqueue(rest)

    def submit_many(self, first: int, count: int) -> None:
        self._queue.enqueue_many([Queue.prepare_data(nothing) for _ in range(count)])

    def wait(self, submitted: Any) -> None:
        if submitted.latest_result(timeout=60) is None:
            raise TimeoutError("rq has no result after 60 s")

    def finished(self) -> int:
        return int(self._registry.get_job_count(cleanup=False))


ADAPTER = Rq
