"""Who has put something around rq's worker, as Sentry does, sees functions as rq's worker shows jobs."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgpack
import pytest
import redis
from rq import Queue, Worker
from rq.job import JobStatus

import child_tasks
from handoff_worker.inside.execution import execute
from handoff_worker.inside.telling import Telling
from support.children import task


@dataclass
class Watcher:
    """Stands around rq's worker, and notes what passes."""

    before: list[tuple[Worker, Any, Queue]] = field(default_factory=list)
    after: list[bool] = field(default_factory=list)  #: what `perform_job` has returned
    told: list[tuple[str, str, bool]] = field(default_factory=list)  #: kind, text, and whether rq would try again
    own: Callable[..., bool] = Worker.perform_job

    def perform_job(self, worker: Worker, job: Any, queue: Queue, *args: Any) -> bool:
        self.before.append((worker, job, queue))
        self.after.append(self.own(worker, job, queue, *args))
        return self.after[-1]

    def handle_exception(self, job: Any, kind: type[BaseException], error: BaseException, trace: object) -> None:
        assert job._status is JobStatus.FAILED
        assert trace is error.__traceback__
        self.told.append((kind.__name__, str(error), bool(job.retries_left)))


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Watcher:
    watcher = Watcher()

    def perform_job(self: Worker, *args: Any) -> bool:
        return watcher.perform_job(self, *args)

    def handle_exception(self: Worker, *args: Any) -> None:
        watcher.handle_exception(*args)

    monkeypatch.setattr(Worker, "perform_job", perform_job)
    monkeypatch.setattr(Worker, "handle_exception", handle_exception)
    return watcher


def run(
    name: str, *args: object, is_new: bool = True, hash: Mapping[str, str | bytes] | None = None, **fields: Any
) -> dict[str, object]:
    stored = {"h_attempts": "1", **(hash or {})}
    message = msgpack.unpackb(task(name, *args, hash=stored, **fields).packed())
    return execute(message, lambda _: redis.Redis(), lambda: None, Telling(lambda _: None), is_new=is_new)


def test_a_watcher_sees_the_job_its_queue_and_the_end(watcher: Watcher) -> None:
    outcome = run("length", b"abc", hash={"origin": "ns.node1"})

    assert outcome["kind"] == "finished"
    ((worker, job, queue),) = watcher.before
    assert (worker.is_horse, queue.name) == (True, "ns.node1")
    assert (job.id, job.func_name, job.args) == ("f", "child_tasks.length", (b"abc",))
    assert watcher.after == [True]
    assert watcher.told == []


def test_what_a_function_raises_is_told_and_is_its_failure(watcher: Watcher) -> None:
    outcome = run("fail", "wrong")

    assert (outcome["exception_type"], outcome["message"]) == ("ValueError", "wrong")
    assert watcher.told == [("ValueError", "wrong", False)]
    assert watcher.after == [False]


@pytest.mark.parametrize(
    ("attempts", "retries", "options", "is_tried_again"),
    [
        ("1", "1", "", True),
        ("2", "1", "", False),
        ("1", "1", "never=ValueError", False),
        ("1", "1", "only=ValueError", True),
    ],
)
def test_a_watcher_knows_whether_another_attempt_follows(
    watcher: Watcher, attempts: str, retries: str, options: str, is_tried_again: bool
) -> None:
    run("fail", "wrong", hash={"h_attempts": attempts, "h_retries": retries, "h_options": options})

    assert watcher.told == [("ValueError", "wrong", is_tried_again)]


def test_what_cannot_be_imported_is_told_for_good_where_the_process_is_new(watcher: Watcher) -> None:
    run("no_such_module.function", is_new=False)
    run("no_such_module.function", is_new=True)

    assert [(kind, again) for kind, _, again in watcher.told] == [
        ("ModuleNotFoundError", True),
        ("ModuleNotFoundError", False),
    ]


def test_arguments_that_a_function_does_not_take_are_told_as_they_were_raised(watcher: Watcher) -> None:
    run("length", hash={"h_attempts": "1", "h_retries": "1"})

    ((kind, text, is_tried_again),) = watcher.told
    assert (kind, is_tried_again) == ("TypeError", False)
    assert "missing 1 required positional argument" in text


def test_a_call_that_cannot_be_read_is_told(watcher: Watcher) -> None:
    run("nothing", hash={"data": b"\xc1"})

    ((kind, _, _),) = watcher.told
    assert kind == "ValueError"


def test_an_exit_is_told_as_rq_tells_it(watcher: Watcher) -> None:
    run("leave", 3)

    assert watcher.told == [("SystemExit", "3", False)]


def test_what_a_failure_callback_raises_is_told_and_never_tried_again(watcher: Watcher) -> None:
    run(
        "nothing", kind="on_failure", on_failure="fail_on_success", exception_type="ValueError", message="wrong",
        hash={"h_attempts": "1", "h_retries": "1"},
    )  # fmt: skip

    assert [(kind, again) for kind, _, again in watcher.told] == [("TypeError", False)]


def test_a_watcher_that_comes_with_the_functions_module_is_told_of_its_first_failure(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform_job, handle_exception = Worker.perform_job, Worker.handle_exception

    def bring_it() -> NoReturn:
        monkeypatch.setattr(Worker, "perform_job", perform_job)
        monkeypatch.setattr(Worker, "handle_exception", handle_exception)
        raise LookupError("no place")

    monkeypatch.undo()
    monkeypatch.setattr(child_tasks, "nothing", bring_it)

    assert run("nothing")["message"] == "no place"
    assert watcher.told == [("LookupError", "no place", False)]


def test_what_was_raised_is_let_go_when_the_watcher_has_seen_it(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[weakref.ref[BaseException]] = []

    class Noted(Exception):
        def __init__(self) -> None:
            raised.append(weakref.ref(self))

    def fail() -> NoReturn:
        raise Noted

    monkeypatch.setattr(child_tasks, "nothing", fail)
    gc.disable()
    try:
        assert run("nothing")["kind"] == "failed"
        assert [each() for each in raised] == [None]
    finally:
        gc.enable()
