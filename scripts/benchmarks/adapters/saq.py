"""saq: two workers with the concurrency that they have by default."""

from __future__ import annotations

import os
from typing import Any

from saq import Queue

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Setting, module
from benchmarks.adapters.asynchronous import AsyncAdapter


async def nothing(_: Any) -> None:
    """Return None, as `benchmarks.functions.nothing`."""


queue: Any = Queue.from_url(os.environ[ADDRESS])
settings = {"queue": queue, "functions": [nothing]}


class SaqAdapter(AsyncAdapter):
    """Two processes. A job leaves the set of those that are not complete in the transaction that stores its result."""

    def __init__(self, setting: Setting) -> None:
        self._submitted = 0
        super().__init__(setting)

    async def connect(self) -> None:
        await queue.connect()

    def start(self) -> None:
        for _ in range(WORKERS):
            self.spawn(module("saq", f"{__name__}.settings", "--quiet"))

    async def submit_one(self, number: int) -> Any:
        self._submitted += 1
        return await queue.enqueue("nothing")

    async def wait_for(self, submitted: Any) -> None:
        await submitted.refresh(60)

    def finished(self) -> int:
        return self._submitted - int(self.run(queue.count("incomplete")))


ADAPTER = SaqAdapter
