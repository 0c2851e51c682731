"""rq's `@job`: a function that is submitted by its own `enqueue`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import redis

from handoff.rq.jobs import Job
from handoff.rq.options import check_arguments, check_options
from handoff.rq.queue import Queue

_OF_EACH_CALL = ("depends_on", "job_id", "at_front")

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Enqueued(Protocol[P, R_co]):
    """A function that can be called as ever, and enqueued."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call it here and now."""

    def enqueue(self, *args: Any, **kwargs: Any) -> Job:
        """Submit a call."""

    def delay(self, *args: Any, **kwargs: Any) -> Job:
        """The same, by the name that rq had for it first."""


class job:
    """`@job("default", connection=redis, timeout=60, cost={"gpu": 1})`: gives a function `enqueue`, also as `delay`.

    `queue` is a `Queue`, or the name of one of `connection` (None: the default cluster's), which is made of
    `queue_class`. `options` are those of `Queue.enqueue_call`; `depends_on`, `job_id` and `at_front` may be given with
    each call too.
    """

    def __init__(
        self,
        queue: Queue | str,
        connection: redis.Redis | None = None,
        timeout: int | str | None = None,
        result_ttl: int | str | None = None,
        ttl: int | str | None = None,
        queue_class: type[Queue] | None = None,
        **options: Any,
    ) -> None:
        check_options("job", options)
        self.queue, self.connection, self.queue_class = queue, connection, queue_class or Queue
        self.options = {**options, "timeout": timeout, "result_ttl": result_ttl, "ttl": ttl}

    def __call__(self, function: Callable[P, R]) -> Enqueued[P, R]:
        @wraps(function)
        def enqueue(*args: Any, **kwargs: Any) -> Job:
            queue = self.queue_class(self.queue, self.connection) if isinstance(self.queue, str) else self.queue
            options = dict(self.options)
            for name in _OF_EACH_CALL:
                if name in kwargs:
                    options[name] = kwargs.pop(name)
            check_arguments(function, kwargs)
            return queue.enqueue_call(function, args=args, kwargs=kwargs, **options)

        for name in ("enqueue", "delay"):
            setattr(function, name, enqueue)
        return cast(Enqueued[P, R], function)
