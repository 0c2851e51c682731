"""A function that does nothing, run in the nursery the way that a child runs one, before any child is forked.

The interpreter writes into code that runs for the first times, caches fill, modules are imported: done before the fork,
all children share it. It saves each of them 4 MB.
"""

from __future__ import annotations

import importlib
import zlib

from handoff.serializer import Serializer, dumps_arguments
from handoff_worker.inside.executor import Around, Executor
from handoff_worker.inside.printing import Printing
from handoff_worker.inside.telling import Telling
from handoff_worker.inside.wire import encode

TIMES = 20
"""CPython 3.11 adapts code that has run 8 times, 3.12 and later sooner."""

_MISSING = "handoff_rehearsal_of_what_is_missing.nothing"


def nothing() -> None:
    """Return None."""


def rehearse(around: Around) -> list[str]:
    """Run it some times, and look once for one that is not there; all is put back as after any function.

    -> what came of each
    """
    sent: list[bytes] = []
    telling = Telling(sent.append)
    executor = Executor(around, telling, Printing(telling.print, "text"))
    came = [_run(executor, telling, f"{__name__}.{nothing.__name__}") for _ in range(TIMES)]
    came.append(_run(executor, telling, _MISSING))
    # What was found in folders by now may be out of date when a child imports from them.
    importlib.invalidate_caches()
    return came


def _run(executor: Executor, telling: Telling, name: str) -> str:
    job = {b"data": zlib.compress(dumps_arguments(Serializer, name, (), {})), b"timeout": b"60"}
    task = {
        "id": "rehearsal:1",
        "kind": "run",
        "job": job,
        "node": "",
        "worker": "",
        "redis": {},
        "environment": {},
        "serializer": "msgpack",
    }
    outcome = executor.execute(task)
    telling.answer(encode(outcome))
    return str(outcome["kind"])
