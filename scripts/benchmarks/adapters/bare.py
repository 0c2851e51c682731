"""The bare loop: redis-py pops an id and pushes it as a result, one at a time. No function, no promise."""

from __future__ import annotations

import os
from typing import Any

import redis

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Adapter, Setting, module


class Bare(Adapter):
    """Two loops; a round trip is a push to a list of its own."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._client: Any = redis.Redis.from_url(setting.url)
        self._read = 0

    def start(self) -> None:
        for _ in range(WORKERS):
            self.spawn(module("benchmarks.adapters.bare"))

    def submit(self, number: int) -> str:
        item = f"{number:032x}"
        self._client.rpush("work", item)
        return item

    def submit_many(self, first: int, count: int) -> None:
        self._client.rpush("work", *(f"{number:032x}" for number in range(first, first + count)))

    def wait(self, submitted: Any) -> None:
        if self._client.blpop(["results"], timeout=60) is None:
            raise TimeoutError("the loop has no result after 60 s")
        self._read += 1

    def finished(self) -> int:
        return int(self._client.llen("results")) + self._read


def main() -> None:
    """Be one of the loops until it is killed."""
    client: Any = redis.Redis.from_url(os.environ[ADDRESS])
    while True:
        found = client.blpop(["work"], timeout=1)
        if found is not None:
            client.rpush("results", found[1])


ADAPTER = Bare

if __name__ == "__main__":
    main()
