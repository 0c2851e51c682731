"""rq's `Queue` over a cluster: what is enqueued here is placed where it fits."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NoReturn

import redis
import rq.job
import rq.queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.queue import EnqueueData

from handoff.client.cluster import Cluster
from handoff.client.default import default_cluster
from handoff.client.handle import Handle
from handoff.errors import DuplicateFunction, MissingFunction
from handoff.rq.absent import OF_QUEUES, OfQueues, refuse
from handoff.rq.clusters import cluster_of, run_here
from handoff.rq.jobs import Job, check_job_class, fetch_jobs, id_of
from handoff.rq.options import (
    DEFAULT_TIMEOUT,
    Asked,
    call_of,
    check_meaning,
    code_of,
    read_call,
    serializer_of,
    without,
)
from handoff.rq.registries import Registry
from handoff.serializer import SerializerLike
from handoff.words.code import Code
from handoff.words.constraints import Where
from handoff.words.function import Function
from handoff.words.values import Replace
from handoff.words.variants import Cost

_READY = ("waiting", "queued")
"""States of what stands in a queue of rq's: ready, and not started."""

_OF_FUNCTIONS = ("cost", "node", "where", "priority", "timeout", "wait_ttl", "max_retries", "retry_after")
"""What a `Function` has of what a call may ask for."""


_RQS_CALL = inspect.Signature(list(inspect.signature(rq.queue.Queue.enqueue_call).parameters.values())[4:])
"""What rq's `enqueue_call` takes after `self`, `func`, `args` and `kwargs`."""


class Queue(metaclass=OfQueues):
    """`rq.Queue`: `enqueue` and its kin, each giving a `Job`; with `cost=` and its like beside rq's options.

        queue = Queue("default", connection=Redis())
        job = queue.enqueue("tasks.train", 10, job_timeout=3600, cost={"gpu": 1}, retry=Retry(max=2, interval=[10, 60]))

    All queues of a namespace share its nodes: the `name` is for your own eyes, and what rq does by the order of queues
    is done by `priority` here. `cost`, `node`, `where` and `priority` are for calls that do not say. Without a
    connection it is a queue of the default cluster, which a unit test stands in for. Arguments and results are written
    with msgpack; `serializer="pickle"` is for agents that allow it. With `is_async=False` a function runs at once in
    this process, whatever it costs.
    """

    DEFAULT_TIMEOUT = DEFAULT_TIMEOUT
    job_class = Job

    def __init__(
        self,
        name: str = "default",
        connection: redis.Redis | None = None,
        default_timeout: int | str | None = None,
        is_async: bool = True,
        *,
        job_class: type[rq.job.Job] | str | None = None,
        death_penalty_class: type | None = None,
        serializer: str | SerializerLike | None = None,
        cluster: Cluster | None = None,
        namespace: str | None = None,
        cost: Cost | None = None,
        node: str | None = None,
        where: Where | None = None,
        priority: int = 0,
    ) -> None:
        """`cluster` is used as it is, in place of one that is made of `connection`, `namespace` and `serializer`.

        `job_class` may be rq's `Job` or the one of this package: jobs are always of this one.
        """
        check_job_class(job_class)
        if death_penalty_class is not None:
            raise TypeError(f"rq's death_penalty_class has no meaning here: {OF_QUEUES['death_penalty_class']}")
        self.name = name
        self.is_async = is_async
        self.serializer = serializer_of(serializer) if cluster is None else cluster.calls.serializer
        self._default_timeout = DEFAULT_TIMEOUT if default_timeout is None else default_timeout
        self._cluster = cluster or cluster_of(connection, namespace, self.serializer, is_async=is_async)
        self._defaults = {"cost": cost, "node": node, "where": where, "priority": priority}

    def __repr__(self) -> str:
        return f"Queue({self.name!r})"

    def __getattr__(self, name: str) -> NoReturn:
        refuse("Queue", OF_QUEUES, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Queue) and (self.name, self.cluster) == (other.name, other.cluster)

    def __lt__(self, other: Queue) -> bool:
        return self.name < other.name

    def __iter__(self) -> Iterator[Queue]:
        """Itself alone, as of rq's: what takes queues takes one."""
        yield self

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def cluster(self) -> Cluster:
        """The cluster that it stands for: with handles, graphs, and why something waits."""
        return default_cluster() if self._cluster is None else self._cluster

    @property
    def connection(self) -> redis.Redis:
        """The cluster's own connection, which answers bytes."""
        return self.cluster.connection

    def enqueue(self, f: Any, /, *args: Any, **kwargs: Any) -> Job:
        """Submit a call of `f`, given as a callable or its dotted name. -> its job

        Of the keywords those that rq names, and `cost`, `node`, `where`, `priority`, `retry_on`, `dont_retry_on` and
        `on_memory_exceeded`, are options; the others go to the function, as do all that stand in `args=` and `kwargs=`.
        Raises what `Cluster.enqueue` raises, and `InvalidFunction` for an option of rq that has no meaning here, and
        for a keyword that is no option and that the function does not take. A `job_id` whose function has ended is used
        again, as in rq; of one that has not, and with `unique=True` of any, it raises `DuplicateJobError`. What it
        depends on and is gone counts as ended.
        """
        return self._enqueue(read_call(f, args, kwargs))

    def enqueue_call(
        self,
        func: Any,
        args: Iterable[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        *positional: Any,
        **options: Any,
    ) -> Job:
        """The same with arguments apart from options, which may come by position as rq's do: `timeout` first."""
        rqs = {name: options.pop(name) for name in options.keys() & _RQS_CALL.parameters.keys()}
        options |= _RQS_CALL.bind_partial(*positional, **rqs).arguments
        if "timeout" in options:
            options["job_timeout"] = options.pop("timeout")
        return self._enqueue(read_call(func, (), {**options, "args": tuple(args or ()), "kwargs": kwargs or {}}))

    def enqueue_in(self, time_delta: timedelta, func: Any, /, *args: Any, **kwargs: Any) -> Job:
        """Submit a call that is ready when so much time has passed."""
        return self._enqueue(read_call(func, args, kwargs), delay=time_delta)

    def enqueue_at(self, datetime: datetime, f: Any, /, *args: Any, **kwargs: Any) -> Job:
        """Submit a call that is ready at a moment; without a zone it is in local time."""
        return self._enqueue(read_call(f, args, kwargs), at=datetime)

    @staticmethod
    def prepare_data(func: Any, *args: Any, **options: Any) -> EnqueueData:
        """Describe a call for `enqueue_many`: its arguments as `args=` and `kwargs=`, and rq's options, as rq's own."""
        return rq.queue.Queue.prepare_data(func, *args, **options)

    def enqueue_many(self, job_datas: Iterable[EnqueueData], pipeline: None = None, group_id: None = None) -> list[Job]:
        """Submit calls that `prepare_data` describes. -> their jobs, in the order in which they were given

        Plain calls go in one round trip together, and raise `PartlySubmitted` where some of them are refused; what has
        callbacks, dependencies or its own lifetimes goes one by one, those that depend on others last.
        """
        check_meaning("enqueue_many", {"pipeline": pipeline, "group_id": group_id})
        given = list(job_datas)
        if len(named := [data.job_id for data in given if data.job_id is not None]) != len(set(named)):
            raise ValueError("a job_id appears more than once in enqueue_many: give each call one of its own")
        many = [data for data in given if self.is_async and _is_plain(data)]
        jobs = {id(data): job for data, job in zip(many, self._enqueue_plain(many), strict=True)}
        others = sorted((data for data in given if id(data) not in jobs), key=lambda data: bool(data.depends_on))
        jobs |= {id(data): self._submit(Asked(data)) for data in others}
        return [jobs[id(data)] for data in given]

    def fetch_job(self, job_id: str) -> Job | None:
        """The job of this id; None where there is none."""
        try:
            return Job.fetch(job_id, self.connection, self.serializer)
        except NoSuchJobError:
            return None

    @property
    def count(self) -> int:
        """How many functions of the namespace are ready and have not started, whichever queue they came by."""
        return Registry(self.cluster, _READY, self.serializer).count

    def __len__(self) -> int:
        return self.count

    def __bool__(self) -> bool:
        return True

    def is_empty(self) -> bool:
        """Whether there is none of these."""
        return self.count == 0

    def get_job_ids(self, offset: int = 0, length: int = -1) -> list[str]:
        """The ids of these as they came, of the newest 10,000."""
        ids = Registry(self.cluster, _READY, self.serializer).get_job_ids()[::-1]
        return ids[offset:] if length < 0 else ids[offset : offset + length]

    @property
    def job_ids(self) -> list[str]:
        """All that `get_job_ids` gives."""
        return self.get_job_ids()

    def get_jobs(self, offset: int = 0, length: int = -1) -> list[Job]:
        """Their jobs, as far as they are still there."""
        return fetch_jobs(self.get_job_ids(offset, length), self.connection, self.serializer)

    @property
    def jobs(self) -> list[Job]:
        """All that `get_jobs` gives."""
        return self.get_jobs()

    def get_job_position(self, job_or_id: rq.job.Job | str) -> int | None:
        """How many of these came before it; None where it is none of them."""
        id, ids = id_of(job_or_id), self.get_job_ids()
        return ids.index(id) if id in ids else None

    @property
    def failed_job_registry(self) -> Registry:
        """What has failed, wherever it ran; `requeue(job)` lets one start afresh."""
        return self._registry("failed")

    @property
    def finished_job_registry(self) -> Registry:
        """What has finished and is still kept."""
        return self._registry("finished")

    @property
    def started_job_registry(self) -> Registry:
        """What runs."""
        return self._registry("started")

    @property
    def deferred_job_registry(self) -> Registry:
        """What waits for others to end."""
        return self._registry("deferred")

    @property
    def scheduled_job_registry(self) -> Registry:
        """What is not ready before a time, retries with it."""
        return self._registry("delayed")

    @property
    def canceled_job_registry(self) -> Registry:
        """What was canceled."""
        return self._registry("canceled")

    def _registry(self, state: str) -> Registry:
        return Registry(self.cluster, (state,), self.serializer)

    def _enqueue(self, asked: Asked, **when: Any) -> Job:
        """Submit a call, or have it submitted in time: whoever derives from this may say when."""
        return self._submit(asked, **when)

    def _submit(self, asked: Asked, **when: Any) -> Job:
        data = asked.data
        id = data.job_id or uuid.uuid4().hex
        options = {**self._defaults, **call_of(data, id, self._default_timeout), **asked.ours, **when}
        if not self.is_async:
            options |= {"cost": None, "node": None, "where": None}
        try:
            handle = self._take(code_of(data.func), id, False if asked.unique else "ended", options)
        except DuplicateFunction as error:
            raise DuplicateJobError(str(error)) from error
        if not self.is_async:
            run_here(self.cluster)
        return self._job(handle, data.func)

    def _take(self, code: Code, id: str, replace: Replace, options: dict[str, Any]) -> Handle:
        while True:
            try:
                return self.cluster.enqueue(code, job_id=id, replace=replace, **options)
            except MissingFunction as error:
                # One may have expired since it was looked for last.
                options = {**options, "depends_on": without(id, options["depends_on"], error.id)}

    def _enqueue_plain(self, datas: list[EnqueueData]) -> list[Job]:
        ids = [data.job_id or uuid.uuid4().hex for data in datas]
        functions = []
        for data, id in zip(datas, ids, strict=True):
            options = {**self._defaults, **call_of(data, id, self._default_timeout)}
            kept = {name: options[name] for name in _OF_FUNCTIONS if name in options}
            functions.append(
                Function(id, code_of(data.func), extra_args=options["args"], kwargs=options["kwargs"], **kept)
            )
        handles = self.cluster.submit_many(functions, job_ids=ids, replace="ended") if functions else []
        return [self._job(handle, data.func) for handle, data in zip(handles, datas, strict=True)]

    def _job(self, handle: Handle, function: Callable[..., Any] | str) -> Job:
        job = self.fetch_job(handle.id)
        if job is None:
            # It has ended by now, and nothing of it is kept.
            job = Job(handle.id, connection=self.connection, serializer=self.serializer)
            job.func_name = function if isinstance(function, str) else function.__qualname__
        return job


def _is_plain(data: EnqueueData) -> bool:
    """Whether all that it asks for is what a `Function` has."""
    others = ("result_ttl", "failure_ttl", "description", "depends_on", "meta", "on_success", "on_failure")
    return all(getattr(data, name) is None for name in others)
