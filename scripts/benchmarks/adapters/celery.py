"""celery: prefork with two processes, Redis as broker and for results."""

from __future__ import annotations

import os
from typing import Any

import redis
from celery import Celery

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Adapter, Setting, module
from benchmarks.adapters.written import Written
from benchmarks.functions import nothing

app: Any = Celery("benchmark", broker=os.environ[ADDRESS], backend=os.environ[ADDRESS])
task: Any = app.task(nothing, name="nothing")


class CeleryAdapter(Adapter):
    """One worker with its two children."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._written = Written(redis.Redis.from_url(setting.url))

    def start(self) -> None:
        options = ("--pool", "prefork", "--concurrency", str(WORKERS), "--loglevel", "WARNING")
        self.spawn(module("celery", "-A", __name__, "worker", *options))

    def submit(self, number: int) -> Any:
        result = task.delay()
        self._written.expect(f"celery-task-meta-{result.id}")
        return result

    def wait(self, submitted: Any) -> None:
        submitted.get(timeout=60)

    def finished(self) -> int:
        return self._written.count()


ADAPTER = CeleryAdapter
