"""From a job's hash to a task for a child, and from what came of it to what the books store. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping

from handoff.errors import NodeLost
from handoff.ledger.result_entry import decode_traceback, encode_traceback, encode_value
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.list import write_list
from handoff.ledger.texts.reservation import callback_id
from handoff_worker.agent.ledger import Result, Started
from handoff_worker.children.confine import binding, device_environment
from handoff_worker.children.pool import Died, Failed, Finished, Outcome, Task

CHILD_DIED = "handoff.ChildDied"
"""The exception type of a function whose process ended under it."""

STOPPED = "handoff.Stopped"
"""The exception type of a function that was stopped by a command of rq's."""


class Maker:
    """Makes the tasks of one node."""

    def __init__(
        self,
        *,
        node: str,
        worker: str,
        url: str,
        has_gpus: bool,
        allow_pickle: bool,
        environ: Mapping[str, str],
    ) -> None:
        self._node, self._worker, self._redis = node, worker, {"url": url}
        self._has_gpus, self._allow_pickle, self._environ = has_gpus, allow_pickle, environ

    def task(self, started: Started) -> Task | Failed:
        """What a child is to run; or, for a pickled call that this agent does not load, its failure."""
        job = StoredJob(started.job)
        if job.is_pickled and not self._allow_pickle:
            message = "its arguments are pickled, and this agent loads no pickles: start it with --allow-pickle"
            return Failed(started.id, "handoff.errors.InvalidFunction", message, message, retryable=False)
        devices = job.devices
        return Task(
            id=started.id,
            job=started.job,
            node=self._node,
            worker=self._worker,
            redis=self._redis,
            binding=binding(devices),
            environment=device_environment(devices, self._has_gpus, job.cost.get("cpu", 0), inherited=self._environ),
            serializer="pickle" if job.is_pickled else "msgpack",
            inputs=started.inputs,
        )

    def callback(self, started: Started, error: str, message: str, body: str) -> Task:
        """The on_failure of a function that has failed for good here."""
        return Task(
            id=callback_id(started.id),
            job=started.job,
            node=self._node,
            worker=self._worker,
            redis=self._redis,
            environment=device_environment({}, self._has_gpus, 0, inherited=self._environ),
            serializer="pickle" if StoredJob(started.job).is_pickled else "msgpack",
            kind="on_failure",
            exception_type=error,
            message=message,
            traceback=decode_traceback({b"exc_string": body.encode()}),
        )

    def lost_callback(self, started: Started, node: str) -> Task:
        """The on_failure of a function that was lost with a node, this one or another."""
        message = f"node {node} was lost"
        return self.callback(
            started, f"{NodeLost.__module__}.{NodeLost.__qualname__}", message, encode_traceback(message)
        )


def result(outcome: Outcome) -> Result:
    """What the books store of an outcome."""
    jitter = random.uniform(0.8, 1.2)
    match outcome:
        case Finished(id, serialized, forms):
            return Result(id, "finished", encode_value(serialized), forms=write_list(map(encode_value, forms)))
        case Failed(id, error, message, traceback, retryable):
            return Result(id, "failed", encode_traceback(traceback), error, message, retryable, jitter)
        case Died(id, _, text):
            if text.startswith("killed"):
                message = f"its child process was {text}"
            else:
                message = f"its child process {text}" if text.startswith("exited") else text
            body = encode_traceback(f"{CHILD_DIED}: {message}")
            return Result(id, "failed", body, CHILD_DIED, message, True, jitter)


def stopped(id: str, why: str) -> Result:
    """What the books store of a function that a command has ended."""
    return Result(id, "stopped", encode_traceback(f"{STOPPED}: {why}"), STOPPED, why)
