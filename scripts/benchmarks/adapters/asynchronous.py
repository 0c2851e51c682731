"""Systems whose clients live in an event loop: many submits are one task there, as their users would write it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from benchmarks.adapters.adapter import GIVE_UP_S, Adapter, Setting


class AsyncAdapter(Adapter):
    """An adapter with an event loop in a thread of its own."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.run(self.connect())

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the loop. -> its result"""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(GIVE_UP_S)

    async def connect(self) -> None:
        """Bring up what the client needs."""

    async def submit_one(self, number: int) -> Any:
        """As `submit`."""
        raise NotImplementedError

    async def wait_for(self, submitted: Any) -> None:
        """As `wait`."""
        raise NotImplementedError

    def submit_each(self, numbers: Sequence[int]) -> list[float]:
        async def submit() -> list[float]:
            took = []
            for number in numbers:
                began_s = time.perf_counter()
                await self.submit_one(number)
                took.append(time.perf_counter() - began_s)
            return took

        return list(self.run(submit()))

    def submit_at_once(self, numbers: Sequence[int], lanes: int) -> float:
        async def each(first: int) -> None:
            for number in numbers[first::lanes]:
                await self.submit_one(number)

        async def submit() -> float:
            began_s = time.perf_counter()
            await asyncio.gather(*map(each, range(lanes)))
            return time.perf_counter() - began_s

        return float(self.run(submit()))

    def make_round_trips(self, numbers: Sequence[int]) -> list[float]:
        async def make() -> list[float]:
            took = []
            for number in numbers:
                began_s = time.perf_counter()
                await self.wait_for(await self.submit_one(number))
                took.append(time.perf_counter() - began_s)
            return took

        return list(self.run(make()))
