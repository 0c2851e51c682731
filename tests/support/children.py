"""Tasks for children, made of the functions of `child_tasks`; and the loop around them, as the agent has it."""

from __future__ import annotations

import json
import select
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import redis
from rq import Callback
from rq.job import Job, JobStatus

from handoff.serializer import Serializer, SerializerLike
from handoff_worker.children.outcome import Died, Failed, Finished, Outcome
from handoff_worker.children.pool import Children
from handoff_worker.children.task import Task
from support.waiting import LIMIT_S

TESTS = str(Path(__file__).resolve().parents[1])
"""The folder from which children import what they run."""

Start = Callable[..., Children]
"""Starts children, with any limits."""


def task(
    name: str,
    *args: object,
    id: str = "f",
    timeout: int | None = None,
    on_success: str | None = None,
    on_failure: str | None = None,
    callback_timeout: int = 60,
    job_serializer: SerializerLike = Serializer,
    hash: Mapping[str, str | bytes] | None = None,
    kwargs: dict[str, Any] | None = None,
    **fields: Any,
) -> Task:
    """Build the task that runs `name`; without a dot it is one of `child_tasks`.

    `hash` is what stands in the job's hash beside what rq writes.
    """
    job = Job.create(
        _full(name),
        args,
        kwargs,
        connection=redis.Redis(),
        id=id,
        timeout=timeout,
        serializer=job_serializer,
        on_success=Callback(_full(on_success), callback_timeout) if on_success else None,
        on_failure=Callback(_full(on_failure), callback_timeout) if on_failure else None,
    )
    values = job.to_dict() | {"status": JobStatus.STARTED.value} | dict(hash or {})
    stored = {key.encode(): value if isinstance(value, bytes) else str(value).encode() for key, value in values.items()}
    return Task(id, stored, **{"node": "node1", "worker": "handoff.node1", "redis": {}} | fields)


def inputs(*args: object, as_list: bool = False, inlines: Iterable[object] = ()) -> dict[str, Any]:
    """Say, as a plan does, what a function takes: sources made by `result` and `inline`."""
    return {"args": list(args), "as_list": as_list, "inlines": list(inlines)}


def result(number: int, id: str = "a", *, form: int = 0, deserialize: object = None) -> list[object]:
    return ["result", number, id, form, deserialize]


def inline(index: int, id: str = "i", *, serialize: object = None, deserialize: object = None) -> list[object]:
    return ["inline", index, id, serialize, deserialize]


def transform(name: str, *static: object) -> list[object]:
    return [_full(name), list(static)]


def inline_function(
    name: str, *sources: object, id: str = "i", as_list: bool = False, extra: Iterable[object] = (), **kwargs: object
) -> list[object]:
    return [id, _full(name), list(sources), as_list, list(extra), kwargs]


def entry(
    value: object, *forms: object, node: str = "source.example", serializer: SerializerLike = Serializer
) -> dict[bytes, bytes]:
    """Make the entry of a function that has finished on `node`, as it stands in its stream."""
    values = {"return_value": value, **{f"form:{number}": form for number, form in enumerate(forms, 1)}}
    texts = {name.encode(): b64encode(serializer.dumps(each)) for name, each in values.items()}
    return {b"type": b"1", b"worker_name": f"handoff.{node}".encode(), **texts}


def graph(
    takes: Mapping[str, Any] | None = None, forms: Iterable[object] = (), serializer: SerializerLike = Serializer
) -> dict[str, str | bytes]:
    """Make what stands in the hash of a function of the run "run"."""
    stored: dict[str, str | bytes] = {"h_run": "run", "h_function": "consumer"}
    if takes is not None:
        stored["h_inputs"] = serializer.dumps(takes)
    if forms:
        stored["h_forms"] = serializer.dumps(list(forms))
    return stored


def _full(name: str) -> str:
    return name if "." in name else f"child_tasks.{name}"


def turn(children: Children, until: Callable[[], bool] = lambda: False) -> list[Outcome]:
    """Do as the agent does, until there are outcomes or `until` holds, which is looked at again and again."""
    limit = time.monotonic() + LIMIT_S
    while time.monotonic() < limit:
        select.select([children], [], [], 0.01)
        children.expire(time.monotonic())
        outcomes = children.poll()
        if outcomes or until():
            return outcomes
    raise AssertionError(f"nothing came of {list(children.running)}")


def subprocess_started(children: Children, path: Path, id: str = "f") -> list[int]:
    """Run what starts a subprocess and waits; return the pids of the child and of the subprocess."""
    children.start(task("child_ends.start_subprocess_and_wait", str(path), id=id))
    assert turn(children, until=path.exists) == []
    return [int(pid) for pid in json.loads(path.read_text())]


def run(children: Children, *tasks: Task) -> Any:
    """Run tasks at the same time; return the outcome, or the outcomes in the order of the tasks."""
    for each in tasks:
        children.start(each)
    ended: dict[str, Outcome] = {}
    while len(ended) < len(tasks):
        ended |= {outcome.id: outcome for outcome in turn(children)}
    return ended[tasks[0].id] if len(tasks) == 1 else [ended[each.id] for each in tasks]


def value(outcome: Outcome) -> Any:
    """Give what the function returned."""
    assert isinstance(outcome, Finished), outcome
    return Serializer.loads(outcome.result)


def forms(outcome: Outcome) -> list[Any]:
    """Give the forms of what has finished."""
    assert isinstance(outcome, Finished), outcome
    return [Serializer.loads(form) for form in outcome.forms]


def failure(outcome: Outcome) -> Failed:
    """Give the failure, which it must be."""
    assert isinstance(outcome, Failed), outcome
    return outcome


def death(outcome: Outcome) -> Died:
    """Give the death, which it must be."""
    assert isinstance(outcome, Died), outcome
    return outcome
