"""saq: two workers with the concurrency that they have by default."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from saq import Queue

from benchmarks.adapters.adapter import ADDRESS, GIVE_UP_S, WORKERS, Setting, module
from benchmarks.adapters.asynchronous import AsyncAdapter

LOOK_S = 0.001


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
        # Its own wait can miss a job that ends between its look and its subscription.
        deadline_s = time.monotonic() + GIVE_UP_S
        await submitted.refresh()
        while not submitted.completed:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{submitted.id} has no result after {GIVE_UP_S:.0f} s")
            await asyncio.sleep(LOOK_S)
            await submitted.refresh()

    def finished(self) -> int:
        return self._submitted - int(self.run(queue.count("incomplete")))


ADAPTER = SaqAdapter
