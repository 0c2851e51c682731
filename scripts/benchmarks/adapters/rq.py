"""rq: `Worker`, which forks for each job, and `SimpleWorker`, which does not."""

from __future__ import annotations

import sys
from typing import Any

import redis
from rq import Queue
from rq.registry import FinishedJobRegistry

from benchmarks.adapters.adapter import WORKERS, Adapter, Setting
from benchmarks.functions import nothing

WORKER = "from rq.cli import main; main()"


class Rq(Adapter):
    """Two workers of the class that `way` names."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._connection: Any = redis.Redis.from_url(setting.url)
        self._queue: Any = Queue("default", connection=self._connection)
        self._registry = FinishedJobRegistry("default", connection=self._connection)

    def start(self) -> None:
        for _ in range(WORKERS):
            self.spawn(
                [sys.executable, "-c", WORKER, "worker", "--quiet", "--worker-class", f"rq.{self.setting.way}"],
                {"RQ_REDIS_URL": self.setting.url},
            )

    def submit(self, number: int) -> Any:
        return self._queue.enqueue(nothing)

    def submit_many(self, first: int, count: int) -> None:
        self._queue.enqueue_many([Queue.prepare_data(nothing) for _ in range(count)])

    def wait(self, submitted: Any) -> None:
        if submitted.latest_result(timeout=60) is None:
            raise TimeoutError("rq has no result after 60 s")

    def finished(self) -> int:
        return int(self._registry.get_job_count(cleanup=False))


ADAPTER = Rq
