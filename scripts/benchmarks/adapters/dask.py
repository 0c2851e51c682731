"""Dask: two worker processes of one thread each, no dashboard; by `way` with `resources`, which are its costs."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

import distributed

from benchmarks.adapters.adapter import WORKERS, Adapter, Setting
from benchmarks.functions import nothing

RESOURCES = "resources"
MEMORY = 1_000_000


def nothing_of(_: int) -> None:
    """Return None for a number: Dask maps what takes arguments."""


class DaskAdapter(Adapter):
    """The scheduler lives with the client, the workers are processes of their own."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._has_costs = setting.way == RESOURCES
        self._futures: list[Any] = []
        self._done = 0
        self._workers: list[int] = []

    def start(self) -> None:
        self._cluster: Any = distributed.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(self.setting.folder),
            silence_logs=logging.CRITICAL,
            resources={"cpu": 1, "memory": MEMORY} if self._has_costs else None,
        )
        self._client: Any = distributed.Client(self._cluster)
        self._workers = list(self._client.run(os.getpid).values())

    def submit(self, number: int) -> Any:
        future = self._client.submit(nothing, pure=False, resources=self._cost(number))
        self._futures.append(future)
        return future

    def submit_many(self, first: int, count: int) -> None:
        numbers = range(first, first + count)
        self._futures += self._client.map(nothing_of, numbers, pure=False, resources=self._cost(first))

    def wait(self, submitted: Any) -> None:
        submitted.result(60)

    def finished(self) -> int:
        while self._done < len(self._futures) and self._futures[self._done].status == "finished":
            self._done += 1
        return self._done

    def hold(self) -> None:
        for worker in self._workers:
            os.kill(worker, signal.SIGSTOP)

    def let_go(self) -> None:
        for worker in self._workers:
            os.kill(worker, signal.SIGCONT)

    def stop(self) -> None:
        if self._workers:
            self.let_go()
            self._client.close()
            self._cluster.close()

    def _cost(self, number: int) -> dict[str, float] | None:
        if not self._has_costs:
            return None
        return {"cpu": self.setting.cpu, "memory": self.setting.memory + number % self.setting.shapes}


ADAPTER = DaskAdapter
