"""dramatiq: two processes with the threads that they have by default, Redis as broker and for results."""

from __future__ import annotations

import os
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Adapter, Setting, module
from benchmarks.adapters.written import Written
from benchmarks.functions import nothing

backend: Any = RedisBackend(url=os.environ[ADDRESS])
broker: Any = RedisBroker(url=os.environ[ADDRESS])
broker.add_middleware(Results(backend=backend, store_results=True))
dramatiq.set_broker(broker)
actor: Any = dramatiq.actor(nothing)


class DramatiqAdapter(Adapter):
    """One master with its two processes."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._written = Written(redis.Redis.from_url(setting.url))

    def start(self) -> None:
        self.spawn(module("dramatiq", __name__, "--processes", str(WORKERS)))

    def submit(self, number: int) -> Any:
        message = actor.send()
        self._written.expect(backend.build_message_key(message))
        return message

    def wait(self, submitted: Any) -> None:
        submitted.get_result(block=True, timeout=60_000)

    def finished(self) -> int:
        return self._written.count()


ADAPTER = DramatiqAdapter
