"""What came of a function: the answers of children, read without trust, and the end of those that gave none."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handoff.words.values import LONGEST_WAIT_S
from handoff_worker.inside.wire import Garbled

logger = logging.getLogger(__name__)

MOST_MB = 2**40
"""No machine has so much memory."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The function returned; for a failure callback `result` is empty."""

    id: str
    result: bytes  #: serialized
    forms: list[bytes] = field(default_factory=list)  #: the same, of what others take in its place
    took_s: float | None = field(default=None, compare=False)  #: as its child says; None = nothing that can be
    cpu_s: float | None = field(default=None, compare=False)  #: the same: seconds of processors
    memory_mb: int | None = field(default=None, compare=False)  #: the same: at its peak


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised, could not be imported, gave what cannot be serialized, or took too long."""

    id: str
    exception_type: str  #: "ValueError", "package.module.Error"
    message: str
    traceback: str
    retryable: bool  #: False: another attempt would end the same way
    begun: bool = True  #: False: what it needs could not be imported, and nothing of it has run
    took_s: float | None = field(default=None, compare=False)  #: this and the next two: as above
    cpu_s: float | None = field(default=None, compare=False)
    memory_mb: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Died:
    """The child's process is gone and has not answered."""

    id: str
    code: int | None  #: exit status, or minus the signal; None when nobody knows
    text: str  #: such as "killed by signal 9 (SIGKILL)"
    unasked: bool = True  #: nobody has asked for it
    memory_mb: int | None = field(default=None, compare=False)  #: at its peak, as far as the kernel tells
    took_s: float | None = field(default=None, compare=False)  #: by the clock of the agent; None = nobody knows
    exceeded: int | None = None  #: bytes that it had when the kernel killed it, for it may not have more


@dataclass(frozen=True, slots=True)
class NotStarted:
    """No process could be started for the function: nothing of it has run."""

    id: str
    reason: str


Outcome = Finished | Failed | Died | NotStarted

_OF_ALL = {"id": str, "kept": int, "took": float, "cpu": float, "memory": int, "spent": bool, "left": bool, "kind": str}
_OF_FINISHED = {"result": bytes, "forms": list}
_OF_FAILED = {"exception_type": str, "message": str, "traceback": str, "retryable": bool, "begun": bool}
"""What an answer says, and of which type."""

_NO_OUTCOME = "it sent what is no outcome of its function"


def read_outcome(message: Any, id: str | None) -> Finished | Failed:
    """Read what a child sent; `Garbled` for all but an answer to `id`.

    User code has the socket too and may write anything there: no shape is taken on trust.
    """
    if type(message) is not dict or not _has(message, _OF_ALL) or message["id"] != id:
        raise Garbled(_NO_OUTCOME)
    took_s, cpu_s, memory_mb = message["took"], message["cpu"], message["memory"]
    used = (
        took_s if 0 <= took_s <= LONGEST_WAIT_S else None,
        cpu_s if 0 <= cpu_s <= LONGEST_WAIT_S else None,
        memory_mb if 0 < memory_mb < MOST_MB else None,
    )
    if message["kind"] == "finished" and _has(message, _OF_FINISHED) and all(map(_is_bytes, message["forms"])):
        return Finished(message["id"], message["result"], message["forms"], *used)
    if message["kind"] == "failed" and _has(message, _OF_FAILED):
        told = {name: message[name] for name in _OF_FAILED}
        return Failed(message["id"], **told, took_s=used[0], cpu_s=used[1], memory_mb=used[2])
    raise Garbled(_NO_OUTCOME)


def tell_survivors(outcome: Outcome, left: Sequence[str]) -> Outcome:
    """Say in a failure what the function has left running that nothing ends; of a success the log tells."""
    told = f"nothing ends what it has left running: {', '.join(left)}"
    match outcome:
        case Died(text=text) if left:
            return replace(outcome, text=f"{text}; {told}")
        case Failed(message=message, traceback=traceback) if left:
            return replace(outcome, message=f"{message} ({told})", traceback=f"{traceback}\n{told}")
    return outcome


def tell_leftovers(who: str, ended: Sequence[str], left: Sequence[str]) -> None:
    """Say in the log what a function has left running: what of it was killed, and what nothing ends."""
    if ended:
        logger.warning("%s had left running what was killed at its end: %s", who, ", ".join(ended))
    if left:
        logger.error("%s has left running what nothing ends: %s", who, ", ".join(left))


def _has(message: Mapping[str, Any], types: Mapping[str, type]) -> bool:
    # Patterns of `match` take five times as long, and `all` of a generator twice; each function that ends pays for it.
    return [type(message.get(name)) for name in types] == list(types.values())


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes)


def fate(code: int) -> str:
    """Say how a process ended; `code` is as in `subprocess.Popen.returncode`."""
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"killed by signal {-code}"
