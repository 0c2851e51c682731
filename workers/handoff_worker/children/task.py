"""What a child is told: one function to run, or the failure callback of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgpack

from handoff.ledger.stored_job import StoredJob
from handoff_worker.children.confine import UNBOUND, Binding
from handoff_worker.inside.telling import LOG_BYTES
from handoff_worker.inside.wire import pack
from handoff_worker.machine.own_groups import Most

LONGEST_S = 2**31 - 1
"""What alarm(2) takes; a limit that somebody has written may have any number of digits."""

CALLBACK_S = 60
"""rq's limit for a callback whose job names none."""


class Task(NamedTuple):
    """One function to run, or the failure callback of one."""

    id: str  #: of one thing at a time; up to a ":" it is the id of the job
    job: Mapping[bytes, bytes]  #: the hash that rq keeps for it, as stored
    node: str
    worker: str
    redis: Mapping[str, Any]  #: arguments of `redis.Redis`, or of `from_url` if "url" is one: a client for the function
    binding: Binding = UNBOUND  #: from `confine.binding`: only children of the same one are used again
    is_isolated: bool = False  #: it has a new child, which nobody uses after it
    environment: Mapping[str, str] = MappingProxyType({})
    serializer: Literal["msgpack", "pickle", "unread"] = "msgpack"  #: unread: a pickle, and to stay one
    inputs: Mapping[int, Mapping[bytes, bytes]] = MappingProxyType({})  #: results that it takes, if at hand
    allow: Sequence[str] = ()  #: what may be called for it, none = anything
    most_memory: float = inf  #: bytes that it may have, where its node enforces what it has declared
    most_gpu_memory: float = inf  #: the same of memory of gpus
    most_cpu: float = inf  #: processors of whose time it may use so much, where its node keeps it to that
    log_bytes: int = LOG_BYTES  #: of what it prints so much is kept
    kind: Literal["run", "on_failure"] = "run"
    exception_type: str = ""  #: this and the next two: what the callback is told
    message: str = ""
    traceback: str = ""

    def __repr__(self) -> str:
        # What `redis` has may be a password.
        return f"Task({self.id!r}, {self.kind!r}, node={self.node!r})"

    def packed(self) -> bytes:
        """Make the message that `inside.executor.Executor.execute` takes, as it lies in a tray."""
        message: dict[str, object] = {
            "id": self.id,
            "kind": self.kind,
            "job": dict(self.job),
            "node": self.node,
            "worker": self.worker,
            "redis": dict(self.redis),
            "environment": dict(self.environment),
            "serializer": self.serializer,
        }
        if self.inputs:
            # Not as a map: msgpack reads no numbers as keys, unless asked to.
            message["inputs"] = [[number, dict(entry)] for number, entry in self.inputs.items()]
        if self.allow:
            message["allow"] = list(self.allow)
        if self.log_bytes != LOG_BYTES:
            message["log_bytes"] = self.log_bytes
        if self.kind == "on_failure":
            message |= {
                "exception_type": self.exception_type,
                "message": self.message,
                "traceback": self.traceback,
            }
        return pack(message)

    @staticmethod
    def id_in(packed: bytes) -> str:
        """Read the id out of what `packed` has made."""
        id: str = msgpack.unpackb(packed)["id"]
        return id

    @property
    def most(self) -> Most:
        """What the control group of its child lets it have."""
        return Most(self.most_memory, self.most_cpu)

    @property
    def code(self) -> bytes:
        """The name of what it calls; empty where nobody can tell how long that takes from how long it took before."""
        return StoredJob(self.job).bytes("code") if self.kind == "run" else b""

    def limit_s(self) -> float:
        """Seconds after which the child should have answered, callbacks included; infinite without a timeout."""
        if self.kind == "on_failure":
            return self._seconds(b"failure_callback_timeout") or CALLBACK_S
        limit = self._seconds(b"timeout")
        if limit and self.job.get(b"success_callback_name"):
            limit += self._seconds(b"success_callback_timeout") or CALLBACK_S
        return limit or inf

    def _seconds(self, name: bytes) -> int:
        # What is no number the child will refuse with an error of its own.
        try:
            return max(0, min(int(self.job.get(name) or 0), LONGEST_S))
        except ValueError:
            return 0
