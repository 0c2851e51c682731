"""Functions that the tests of children run in them, and their callbacks."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
import time
import weakref
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NoReturn

import psutil
import redis
import rq
from rq.job import Job
from rq.timeouts import JobTimeoutException

from handoff.client.current import Current, current

FOREVER_S = 3600
"""Longer than any test waits: who sleeps for so long has to be woken or killed."""


def nothing() -> None:
    """Return at once."""


def clients(asks: bool) -> int:
    """How many clients of Redis there are in this process; `asks`: this function has asked for one."""
    job = rq.get_current_job()
    if asks and job is not None:
        _ = job.connection
    return sum(isinstance(thing, redis.Redis) for thing in gc.get_objects())


def pid() -> int:
    return os.getpid()


def nursery_pid() -> int:
    return os.getppid()


def nursery_group() -> int:
    return os.getpgid(os.getppid())


def threads_of_the_nursery() -> int:
    return psutil.Process(os.getppid()).num_threads()


def environment(*names: str) -> list[str | None]:
    return [os.environ.get(name) for name in names]


def change_surroundings(name: str) -> None:
    os.environ[name] = "changed"
    os.chdir("/")


def remove_directory() -> None:
    os.rmdir(os.getcwd())


def directory() -> str:
    return os.getcwd()


def standing() -> dict[str, object]:
    return {
        "leads its group": os.getpgrp() == os.getpid(),
        "stdin": sys.stdin.read(),
        "own signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGCHLD)]
        == [signal.default_int_handler, signal.SIG_DFL],
        "arguments": sys.argv[1:],
    }


def fail(text: str) -> NoReturn:
    raise ValueError(text)


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def fail_speechless() -> NoReturn:
    raise Speechless


def leave(code: int) -> NoReturn:
    raise SystemExit(code)


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


def length(data: bytes) -> int:
    return len(data)


def zeros(count: int) -> bytes:
    return bytes(count)


def unserializable() -> object:
    return object()


async def halve(number: int) -> int:
    await asyncio.sleep(0)
    return number // 2


class Outer:
    class Inner:
        @staticmethod
        def name() -> str:
            return "inner"


def current_job() -> list[object]:
    job = rq.get_current_job()
    assert job is not None
    return [job.id, job.worker_name, job.timeout, job.get_status(refresh=False).value]


def call(*args: object, **kwargs: object) -> list[object]:
    """Say what it was called with."""
    return [list(args), kwargs]


def call_and_job(*args: object, **kwargs: object) -> list[object]:
    """Say what it was called with, and what rq thinks it was."""
    job = rq.get_current_job()
    assert job is not None
    return [list(args), kwargs, list(job.args), dict(job.kwargs)]


def save_job(*_: object) -> None:
    job = rq.get_current_job()
    assert job is not None
    job.save()


def total(*numbers: int) -> int:
    return sum(numbers)


def total_of_list(numbers: list[int]) -> int:
    return sum(numbers)


async def double_later(number: int, *_: object) -> int:
    await asyncio.sleep(0)
    return 2 * number


def sent(value: object, source: str, *static: object) -> list[object]:
    """Serialize: say what it was given."""
    return ["sent", value, source, *static]


def received(value: object, source: str, target: str, *static: object) -> list[object]:
    """Deserialize: say what it was given."""
    return ["received", value, source, target, *static]


def refuse(*_: object) -> NoReturn:
    raise ValueError("wrong")


def sleep_through(*_: object) -> None:
    time.sleep(FOREVER_S)


def take_out_the_first(values: list[object]) -> object:
    return values.pop(0)


def make_unserializable(*_: object) -> object:
    return object()


def two(*_: object) -> int:
    return 2


def make_zeros(count: int, *_: object) -> bytes:
    return bytes(count)


def where_it_runs(*_: object) -> list[object]:
    """Say what `current` and rq tell of the function, from within what belongs to it."""
    job = rq.get_current_job()
    assert job is not None
    return [current().function_id, job.id]


_calls: list[object] = []


def count_calls() -> int:
    """Say how often it was called in this process, this time included."""
    _calls.append(None)
    return len(_calls)


class Tracked:
    """Something to be found again for as long as anybody holds it."""

    alive: ClassVar[weakref.WeakSet[Tracked]] = weakref.WeakSet()

    def __init__(self) -> None:
        self.alive.add(self)


def track(*_: object) -> Tracked:
    return Tracked()


def count_tracked(*_: object) -> int:
    return len(Tracked.alive)


def write_told(*_: object) -> None:
    Path(os.environ["TOLD"]).write_text("ran")


def describe(function: Current) -> dict[str, Any]:
    """All of it, as what can be returned."""
    return {**asdict(function), "devices": dict(function.devices), "cost": dict(function.cost)}


def about_me() -> dict[str, Any]:
    return describe(current())


def about_me_in_a_thread() -> dict[str, Any]:
    found: list[Current] = []
    thread = threading.Thread(target=lambda: found.append(current()))
    thread.start()
    thread.join()
    return describe(found[0])


def about_me_in_a_fork() -> dict[str, Any]:
    read, written = os.pipe()
    if os.fork() == 0:
        os.write(written, json.dumps(about_me()).encode())
        os._exit(0)
    os.wait()
    return json.loads(os.read(read, 65536))  # type: ignore[no-any-return]


async def about_me_later() -> dict[str, Any]:
    await asyncio.sleep(0)
    return about_me()


def save_meta(progress: int) -> None:
    job = rq.get_current_job()
    assert job is not None
    job.meta["progress"] = progress
    job.save_meta()  # type: ignore[no-untyped-call]


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def sleep_through_the_limit() -> str:
    try:
        time.sleep(FOREVER_S)
    except JobTimeoutException:
        return "caught"
    return "slept"


def sleep_deaf(seconds: float) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(seconds)


def let_the_alarm_wait() -> None:
    """Be past the limit without noticing, with an alarm that is still to strike."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    signal.raise_signal(signal.SIGALRM)


def set_an_alarm() -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 3600)


def alarms() -> list[object]:
    return [signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM) == signal.SIG_DFL]


def shout() -> str:
    os.write(1, bytes(range(256)))
    print("\x00not a message")
    return "said"


def is_alive(pid: int) -> bool:
    return alive(pid)


_kept: list[bytes] = []


def grow(megabytes: int) -> int:
    _kept.append(b"\x01" * (megabytes * 2**20))
    return os.getpid()


# Callbacks.


def write_success(job: Job, connection: redis.Redis, result: object) -> None:
    Path(os.environ["TOLD"]).write_text(f"{job.id} {job.get_status(False).value} {result}")


def look_on_success(job: Job, connection: redis.Redis, result: object) -> None:
    Path(os.environ["TOLD"]).write_text(_refusal())


def look_on_failure(*_: object) -> None:
    Path(os.environ["TOLD"]).write_text(_refusal())


def _refusal() -> str:
    """What `current` says where no function runs."""
    try:
        return f"told of {current()}"
    except RuntimeError as error:
        return str(error)


def fail_on_success(job: Job, connection: redis.Redis, result: object) -> NoReturn:
    raise LookupError(f"no place for {result}")


def write_failure(
    job: Job, connection: redis.Redis, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    notes = getattr(error, "__notes__", [])
    Path(os.environ["TOLD"]).write_text(json.dumps([job.id, kind.__qualname__, str(error), notes, trace is None]))


def sleep_on_failure(*_: object) -> None:
    time.sleep(FOREVER_S)


def alive(pid: int) -> bool:
    """Whether a process runs; what only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def length_of(data: bytes) -> int:
    return len(data)


def no_such_file() -> NoReturn:
    raise FileNotFoundError("there is none")
