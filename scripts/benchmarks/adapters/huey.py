"""huey: two worker processes; results, also None, are kept in Redis."""

from __future__ import annotations

import os
from typing import Any

from huey import RedisHuey

from benchmarks.adapters.adapter import ADDRESS, WORKERS, Adapter, Setting, module
from benchmarks.functions import nothing

LOOK_S = 0.001
"""How often the client looks for a result: by default it begins with a tenth of a second."""

queue: Any = RedisHuey("benchmark", url=os.environ[ADDRESS], store_none=True)
task: Any = queue.task()(nothing)


class HueyAdapter(Adapter):
    """One consumer with its two processes."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._storage = queue.storage

    def start(self) -> None:
        options = ("--workers", str(WORKERS), "--worker-type", "process", "--quiet")
        self.spawn(module("huey.bin.huey_consumer", f"{__name__}.queue", *options))

    def submit(self, number: int) -> Any:
        return task()

    def wait(self, submitted: Any) -> None:
        submitted.get(blocking=True, timeout=60, max_delay=LOOK_S, preserve=True)

    def finished(self) -> int:
        return int(self._storage.result_store_size())


ADAPTER = HueyAdapter
