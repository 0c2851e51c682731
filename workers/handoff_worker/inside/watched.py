"""Runs a function within what others have put around rq's `Worker.perform_job`, as Sentry's integration for rq does.

Whoever watches rq's workers is called as rq's own would call him, with the job, its queue and what was raised. Neither
side knows the other, and where nobody watches a function costs a comparison more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar

from rq import Queue, Worker
from rq.job import JobStatus

from handoff_worker.inside.job import Job
from handoff_worker.inside.limits import NoLimit

T = TypeVar("T")

Judge = Callable[[Job, BaseException], tuple[BaseException, bool]]
"""What is to be told in place of what was raised, and whether the function is tried again after it."""

_PERFORM_JOB, _HANDLE_EXCEPTION = Worker.perform_job, Worker.handle_exception
"""As they are before the operator's modules are loaded, and those of functions."""


def run(job: Job, call: Callable[[], T], judge: Judge) -> T:
    """Call `call`, which runs `job`, in sight of whoever watches; return what it returns, raise what it raises.

    A watcher may keep all that frames hold: so `call` has no more than the function needs, and no address of Redis.
    """
    if _is_watched():
        return _run_watched(job, call, judge)
    try:
        return call()
    except BaseException as error:
        # What the function's module has imported may have put them there.
        if _is_watched():
            _run_watched(job, partial(_raise, error), judge)
        raise


def _is_watched() -> bool:
    return Worker.perform_job is not _PERFORM_JOB or Worker.handle_exception is not _HANDLE_EXCEPTION


def _raise(error: BaseException) -> NoReturn:
    raise error


def _run_watched(job: Job, call: Callable[[], T], judge: Judge) -> T:
    worker = _Standing(job, call, judge)
    queue = Queue(job.origin, connection=job.connection, serializer=job.serializer)
    try:
        worker.perform_job(job, queue, None)  # type: ignore[arg-type]
        if worker.raised is not None:
            raise worker.raised
        return worker.made[0]
    finally:
        # What was raised has frames that hold the worker: together they would stay until the collector comes.
        vars(worker).clear()


class _Standing(Worker, Generic[T]):
    """Stands where rq has its worker, of which it is no more than the frame around a job: it asks Redis nothing."""

    death_penalty_class = NoLimit  #: the function has its own
    # All that a watcher has heard is sent before the function's end is told: children are killed in the end.
    _is_horse = True

    def __init__(self, job: Job, call: Callable[[], T], judge: Judge) -> None:
        self.name, self.connection = str(job.worker_name), job.connection
        self.queues, self._exc_handlers = [], []
        self.log = logging.Logger("rq.worker", logging.CRITICAL + 1)
        self.made: list[T] = []
        self.raised: BaseException | None = None
        self._job, self._call, self._judge = job, call, judge
        # rq calls that, and the function's own is called by what it finds there.
        job.__dict__["perform"] = self._perform

    def _perform(self) -> None:
        del self._job.__dict__["perform"]
        self.made.append(self._call())

    def prepare_job_execution(self, job: Any, remove_from_intermediate_queue: bool = False) -> None: ...

    def _finalize_success(self, job: Any, queue: Any, execution: Any, return_value: Any) -> None: ...

    def _finalize_failure(self, job: Any, queue: Any, execution: Any, exc_info: Any) -> None:
        self.raised = exc_info[1]
        told, is_tried_again = self._judge(job, exc_info[1])
        job._status = JobStatus.FAILED
        job.retries_left = int(is_tried_again)
        self.handle_exception(job, type(told), told, told.__traceback__)
