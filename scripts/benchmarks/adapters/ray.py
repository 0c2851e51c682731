"""Ray: two cpus on 127.0.0.1, one for each task, as by default."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import ray

from benchmarks.adapters.adapter import LOOK_S, WORKERS, Adapter, Setting
from benchmarks.functions import nothing

AT_ONCE = 500
OBJECT_STORE = 200 * 2**20


def hold_one_cpu(gate: str) -> None:
    """Run until there is a file of that name."""
    while not Path(gate).exists():
        time.sleep(LOOK_S)


class RayAdapter(Adapter):
    """Ray has no pause: what holds its two cpus ends when a file comes into being."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._refs: list[Any] = []
        self._done = 0
        self._gate = setting.folder / "gate"
        self._holders: list[Any] = []

    def start(self) -> None:
        ray.init(
            num_cpus=WORKERS,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=OBJECT_STORE,
            _node_ip_address="127.0.0.1",
        )
        task: Any = ray.remote(nothing)
        shapes, memory = self.setting.shapes, self.setting.memory
        costs = [{"memory": (memory + shape) * 2**20} for shape in range(shapes)] if shapes > 1 else [{}]
        self._tasks = [task.options(num_cpus=1, **cost) for cost in costs]

    def submit(self, number: int) -> Any:
        ref = self._tasks[number % len(self._tasks)].remote()
        self._refs.append(ref)
        return ref

    def wait(self, submitted: Any) -> None:
        ray.get(submitted, timeout=60)

    def finished(self) -> int:
        while asked := self._refs[self._done : self._done + AT_ONCE]:
            done, left = ray.wait(asked, num_returns=len(asked), timeout=LOOK_S, fetch_local=False)
            if left:
                return self._done + len(done)
            self._done += len(asked)
        return self._done

    def hold(self) -> None:
        holder: Any = ray.remote(hold_one_cpu)
        self._holders = [holder.options(num_cpus=1).remote(str(self._gate)) for _ in range(WORKERS)]

    def let_go(self) -> None:
        self._gate.touch()

    def stop(self) -> None:
        ray.shutdown()


ADAPTER = RayAdapter
