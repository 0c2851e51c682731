"""What a child makes of a function, made in the process of the test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import msgpack
import redis

from handoff_worker.agent.delivery import result
from handoff_worker.children.outcome import Failed, Finished
from handoff_worker.children.task import Task
from handoff_worker.inside.executor import Executor
from handoff_worker.inside.printing import Printing
from handoff_worker.inside.telling import Telling
from support.agent import FakeAgent, Result, Started


class OneRoom:
    """Sets variables and puts nothing right, neither timers nor signals: pytest has its own."""

    def set_environment(self, variables: Mapping[str, str]) -> None:
        os.environ.update(variables)

    def note_import(self) -> None:
        """All of it is the test's."""

    def put_back(self) -> bool:
        return True


class Child(Executor):
    """Runs what agents were given in this process, as a child of theirs does: from the job's hash to a result.

    Its client is the test's: there may be no server.
    """

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(OneRoom(), Telling(lambda frame: None), Printing(lambda text: None, "text"))
        self._client = client
        self._environment = dict(os.environ)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.environ.clear()
        os.environ.update(self._environment)

    def run(self, agent: FakeAgent, started: Started) -> Result:
        """Run one function to its end."""
        job = {name.encode(): value for name, value in started.job.items()}
        inputs = {
            number: {name.encode(): value for name, value in entry.items()} for number, entry in started.inputs.items()
        }
        worker = started.job["origin"].decode()
        task = Task(started.id, job, node=agent.name, worker=worker, redis={}, inputs=inputs)
        outcome = self.execute(msgpack.unpackb(task.packed()))
        if outcome["kind"] == "finished":
            made = result(Finished(started.id, outcome["result"], outcome["forms"]))  # type: ignore[arg-type]
        else:
            told = {name: outcome[name] for name in ("exception_type", "message", "traceback", "retryable")}
            made = result(Failed(started.id, **told))  # type: ignore[arg-type]
        return Result(**{**made._asdict(), "jitter": 1.0})

    def _connect(self, settings: Mapping[str, Any]) -> redis.Redis:
        return self._client
