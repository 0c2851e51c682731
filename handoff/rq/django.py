"""django-rq's queue over Handoff: `RQ_QUEUES = {"default": {"QUEUE_CLASS": "handoff.rq.django.Queue", "URL": ...}}`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import redis
import rq.job
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as database
from django.db import transaction
from django_rq import settings, thread_queue
from django_rq.queues import VALID_COMMIT_MODES, get_commit_mode, get_result_ttl

import handoff.rq.queue
from handoff.rq.options import Asked

_OURS = ("NAMESPACE", "COST", "NODE", "WHERE", "PRIORITY")


class Queue(handoff.rq.queue.Queue):
    """`handoff.rq.Queue` as django-rq makes it of `RQ_QUEUES`.

    `COST`, `NODE`, `WHERE` and `PRIORITY` there are for calls that do not say, `NAMESPACE` is the cluster's. It keeps
    to django-rq's commit modes, of calls with a time too: where one is submitted later, when a transaction is committed
    or a request has ended, `enqueue` returns None.
    """

    def __init__(
        self,
        name: str = "default",
        connection: redis.Redis | None = None,
        default_timeout: int | str | None = None,
        is_async: bool = True,
        *,
        commit_mode: str | None = None,
        autocommit: bool | None = None,
        job_class: type[rq.job.Job] | None = None,
        **options: Any,
    ) -> None:
        """As `django_rq.get_queue` calls it; `autocommit` is django-rq's older word for a mode."""
        if job_class not in (None, rq.job.Job):
            raise ImproperlyConfigured(f"JOB_CLASS is {job_class}, and functions have jobs of Handoff's: leave it out")
        if autocommit is not None:
            commit_mode = commit_mode or ("auto" if autocommit else "request_finished")
        self._commit_mode = commit_mode or get_commit_mode()
        if self._commit_mode not in VALID_COMMIT_MODES:
            raise ImproperlyConfigured(f"commit_mode is {commit_mode!r}: give one of {', '.join(VALID_COMMIT_MODES)}")
        configured = settings.QUEUES.get(name, {})
        ours = {key.lower(): configured[key] for key in _OURS if key in configured}
        super().__init__(name, connection, default_timeout, is_async, **{**ours, **options})

    def original_enqueue_call(self, asked: Asked, **when: Any) -> Any:
        """Submit a call now: django-rq calls this at the end of a request."""
        if asked.data.result_ttl is None:
            asked = replace(asked, data=asked.data._replace(result_ttl=get_result_ttl(self.name)))
        return self._submit(asked, **when)

    def _enqueue(self, asked: Asked, **when: Any) -> Any:
        if self._commit_mode == "request_finished":
            return thread_queue.add(self, (asked,), when)  # type: ignore[arg-type]  # of its queue it calls one method
        submit = partial(self.original_enqueue_call, asked, **when)
        if self._commit_mode == "on_db_commit" and database.in_atomic_block:
            return transaction.on_commit(submit)
        return submit()
