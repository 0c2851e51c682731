"""From a function that was started to the task for a child. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Literal

from handoff.errors import NodeLost
from handoff.ledger.phrases import loss_in_words
from handoff.ledger.result_entry import decode_traceback, encode_traceback
from handoff.ledger.texts.loss import read_loss
from handoff.ledger.texts.reservation import callback_id
from handoff.serializer import PICKLE_REFUSED
from handoff.words.resources import UNIT
from handoff_worker.agent.started import Started
from handoff_worker.children.confine import Binding, binding, device_environment
from handoff_worker.children.enforcing import most_gpu_memory, most_memory
from handoff_worker.children.outcome import Failed
from handoff_worker.children.task import Task
from handoff_worker.inside.telling import LOG_BYTES

POISONED = "handoff.Poisoned"
"""The exception type of a function that has died too often in a row: jobs/deaths.lua."""


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
        allow: Sequence[str] = (),
        log_bytes: int = LOG_BYTES,
        enforces: bool = False,
        enforces_cpu: bool = False,
    ) -> None:
        """`enforces`: functions are kept to the memory that they have declared; `enforces_cpu`: to the processors."""
        self.node = node
        self._worker, self._redis = worker, {"url": url}
        self._has_gpus, self._allow_pickle, self._environ = has_gpus, allow_pickle, environ
        self._allow, self._log_bytes = allow, log_bytes
        self._enforces, self._enforces_cpu = enforces, enforces_cpu
        self._last: tuple[int, tuple[Binding, dict[str, str]]] | None = None

    def task(self, started: Started) -> Task | Failed:
        """What a child is to run; or, for a pickled call that this agent does not load, its failure."""
        serializer = self._serializer(started)
        if serializer == "unread":
            return Failed(started.id, "handoff.errors.InvalidFunction", PICKLE_REFUSED, PICKLE_REFUSED, retryable=False)
        devices, cost = started.devices, started.cost
        bound, environment = self._bound(devices, cost.get("cpu", 0))
        return Task(
            id=started.id,
            job=started.job,
            node=self.node,
            worker=self._worker,
            redis=self._redis,
            binding=bound,
            is_isolated=started.is_isolated,
            environment=environment,
            serializer=serializer,
            allow=self._allow,
            log_bytes=self._log_bytes,
            inputs=started.inputs,
            most_memory=most_memory(cost.get("memory", 0) / UNIT) if self._enforces else inf,
            most_gpu_memory=most_gpu_memory(cost.get("gpu_memory", 0) / UNIT) if self._enforces else inf,
            # As of memory, one that declares none has promised nothing.
            most_cpu=(cost.get("cpu", 0) / UNIT or inf) if self._enforces_cpu else inf,
        )

    def callback(self, started: Started, error: str, message: str, body: str) -> Task:
        """The on_failure of a function that has failed for good here."""
        bound, environment = self._bound({}, 0)
        return Task(
            id=callback_id(started.id),
            job=started.job,
            node=self.node,
            worker=self._worker,
            redis=self._redis,
            binding=bound,
            is_isolated=started.is_isolated,
            environment=environment,
            serializer=self._serializer(started),
            allow=self._allow,
            log_bytes=self._log_bytes,
            kind="on_failure",
            exception_type=error,
            message=message,
            traceback=decode_traceback({b"exc_string": body.encode()}),
        )

    def lost_callback(self, started: Started, loss: str) -> Task:
        """The on_failure of a function that was lost with a node, this one or another: see texts/loss."""
        if started.error == POISONED and loss == started.message:
            return self.callback(started, POISONED, loss, encode_traceback(f"{POISONED}: {loss}"))
        message = loss_in_words(read_loss(loss))
        return self.callback(
            started, f"{NodeLost.__module__}.{NodeLost.__qualname__}", message, encode_traceback(message)
        )

    def _bound(self, devices: Mapping[str, Sequence[int]], cpu_units: int) -> tuple[Binding, dict[str, str]]:
        """What a child is bound to, and its variables; the last without devices is kept, for mostly it is the next."""
        if not devices and self._last is not None and self._last[0] == cpu_units:
            return self._last[1]
        environment = device_environment(devices, self._has_gpus, cpu_units, inherited=self._environ)
        made = binding(devices, environment), environment
        if not devices:
            self._last = cpu_units, made
        return made

    def _serializer(self, started: Started) -> Literal["msgpack", "pickle", "unread"]:
        """What a child may read it with: here alone is said where a pickle may be loaded."""
        return "unread" if started.serializer == "pickle" and not self._allow_pickle else started.serializer
