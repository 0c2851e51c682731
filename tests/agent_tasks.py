"""Functions that the tests of the agent run on nodes, and the callbacks that tell what has become of them."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import time
from typing import Any, NoReturn

import redis
import rq
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.timeouts import JobTimeoutException

from child_tasks import FOREVER_S, alive, describe
from handoff import this_node
from handoff.client.current import current


class Refused(Exception):
    """What a function of these tests fails with."""


def nothing() -> None:
    """Return at once."""


def echo(value: object) -> object:
    return value


async def echo_later(value: object) -> object:
    await asyncio.sleep(0)
    return value


def large(size: int) -> bytes:
    return b"x" * size


def size_of(value: bytes) -> int:
    return len(value)


def pid() -> int:
    return os.getpid()


def parent() -> int:
    return os.getppid()


def where() -> str:
    return this_node()


def about_me() -> dict[str, Any]:
    return describe(current())


def about_my_second_attempt() -> dict[str, Any]:
    """Fail at the first attempt."""
    if current().attempt == 1:
        raise Refused("the first time")
    return about_me()


def variables(*names: str) -> list[str | None]:
    return [os.environ.get(name) for name in names]


def are_alive(pids: list[int]) -> list[bool]:
    return [alive(pid) for pid in pids]


def pass_gate(folder: str, value: object = None) -> object:
    """Say at the gate who is there, and return `value` once it is opened for this node."""
    _arrive(folder)
    with open(f"{folder}/{this_node()}", "rb", buffering=0) as gate:
        gate.read(1)
    return value


def pass_gate_with_devices(folder: str) -> str | None:
    pass_gate(folder)
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def pass_gate_and_save_meta(folder: str) -> None:
    """Save something before and after the gate."""
    job = _job()
    job.meta["progress"] = 1
    job.save_meta()
    pass_gate(folder)
    job.meta["progress"] = 2
    job.save_meta()


def save_meta_between_gates(folder: str) -> None:
    pass_gate(folder)
    try:
        _job().save_meta()
    finally:
        pass_gate(folder)


def fail(text: str) -> NoReturn:
    raise Refused(text)


def fail_once(value: object) -> object:
    """Fail at the first attempt."""
    if _attempt() == 1:
        raise Refused("the first time")
    return value


def count(key: str) -> int:
    """Say how many have run by now that count under this key."""
    return int(_job().connection.incr(key))


def unserializable() -> object:
    return object()


def about_my_job() -> dict[str, object]:
    job = _job()
    return {"id": job.id, "meta": job.meta, "worker": job.worker_name, "status": job.get_status().value}


def be_limited(told: str) -> None:
    """Sleep beyond any limit of time, and tell what was raised."""
    try:
        time.sleep(FOREVER_S)
    except JobTimeoutException:
        _tell(told, "raised")
        raise
    finally:
        _tell(told, "cleaned up")


def be_deaf() -> None:
    """Sleep and hear no alarm."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(FOREVER_S)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_once() -> int:
    """Die at the first attempt; return which one this is."""
    if _attempt() == 1:
        be_killed()
    return _attempt()


def leave() -> None:
    os._exit(3)


def crash() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


# Callbacks, as rq calls them. They tell into a list of Redis, for a test to wait on.


def tell_result(job: Job, connection: redis.Redis, result: object) -> None:
    connection.rpush(f"told:{job.id}", f"{this_node()}: {result}")


def tell_failure(job: Job, connection: redis.Redis, kind: type, error: BaseException, trace: object) -> None:
    connection.rpush(f"told:{job.id}", f"{this_node()}: {kind.__name__} {error} in a child of {os.getppid()}")


def tell_failure_of_the_call(
    job: Job, connection: redis.Redis, kind: type, error: BaseException, trace: object
) -> None:
    """Tell with what it was called, or why that cannot be read."""
    try:
        call = repr(job.args)
    except DeserializationError as error:
        call = str(error.__cause__)
    connection.rpush(f"told:{job.id}", f"{this_node()}: {kind.__name__}, its call: {call}")


def write_own_job(field: str, value: str, fails: bool) -> str:
    """Write into its own job's hash, past rq."""
    job = _job()
    job.connection.hset(job.key, field, value)
    if fails:
        raise Refused(field)
    return "wrote it"


def save_with_a_fraction_as_result_ttl(value: float = 1.5) -> str:
    job = _job()
    job.result_ttl = value
    job.save()
    return "saved"


def _tell(told: str, what: str) -> None:
    _job().connection.rpush(told, what)


def _job() -> Any:
    job = rq.get_current_job()
    assert job is not None
    return job


def _attempt() -> int:
    return int(_job().connection.hget(_job().key, "h_attempts"))


def _arrive(folder: str) -> None:
    # Less than a pipe takes at once: the lines of several processes do not mix.
    with open(f"{folder}/arrived", "wb", buffering=0) as arrived:
        arrived.write(f"{os.getpid()} {this_node()}\n".encode())
