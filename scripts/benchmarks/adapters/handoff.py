"""Handoff: one node of two cores with the slots that it has by default, one child per function that has begun."""

from __future__ import annotations

import signal
import time
import uuid
from typing import Any

from rq.registry import FinishedJobRegistry

from benchmarks.adapters.adapter import GIVE_UP_S, LOOK_S, WORKERS, Adapter, Setting, module
from benchmarks.functions import nothing, rest
from handoff import Cluster, Function

NODE = "node"
PLACED = 20
"""Of so many submits one finds room where no agent takes, and the others join what waits."""


class Handoff(Adapter):
    """One agent."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._cluster = Cluster(setting.url, timeout=60)
        self._registry = FinishedJobRegistry(f"{self._cluster.namespace}.{NODE}", connection=self._cluster.connection)

    def start(self) -> None:
        self.spawn(
            module("handoff_worker", "--name", NODE, "--cpu", str(WORKERS)), {"HANDOFF_REDIS_URL": self.setting.url}
        )

    def prepare(self, count: int) -> None:
        room = max(1, count // PLACED)
        self._cluster.register_node(NODE, {"cpu": room * self.setting.cpu, "memory": 1_000_000})

    def submit(self, number: int) -> Any:
        return self._cluster.enqueue(nothing, cost=self._cost(number))

    def submit_rest(self, number: int) -> None:
        self._cluster.enqueue(rest, cost=self._cost(number))

    def submit_many(self, first: int, count: int) -> None:
        numbers = range(first, first + count)
        self._cluster.submit_many([Function(uuid.uuid4().hex, nothing, cost=self._cost(number)) for number in numbers])

    def wait(self, submitted: Any) -> None:
        submitted.result(60)

    def finished(self) -> int:
        return int(self._registry.get_job_count(cleanup=False))

    def hold(self) -> None:
        # Asked again and again: between its registration and its first step an agent may miss a signal.
        deadline_s = time.monotonic() + GIVE_UP_S
        while True:
            self.processes[0].send_signal(signal.SIGTSTP)
            if not self._cluster.resources_available(NODE, None):
                return
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"the agent still takes functions after {GIVE_UP_S:.0f} s")
            time.sleep(LOOK_S)

    def let_go(self) -> None:
        self.processes[0].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        super().stop()
        self._cluster.close()

    def _cost(self, number: int) -> dict[str, float]:
        return {"cpu": self.setting.cpu, "memory": self.setting.memory + number % self.setting.shapes}


ADAPTER = Handoff
