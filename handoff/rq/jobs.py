"""rq's `Job`, which reads what Handoff writes where nobody says how."""

from __future__ import annotations

from collections.abc import Sequence

import redis
import rq.job

from handoff.errors import shown
from handoff.serializer import Serializer, SerializerLike


class Job(rq.job.Job):
    """`rq.job.Job` of a function: its arguments and result are read by `handoff.Serializer` unless another is named.

    What it writes is honoured: `cancel()`, `delete()`, `requeue()`, `save_meta()`. `Job.fetch(id, connection=...)`.
    """

    def __init__(
        self, id: str | None = None, connection: redis.Redis | None = None, serializer: SerializerLike | None = None
    ) -> None:
        super().__init__(id, connection=connection, serializer=Serializer if serializer is None else serializer)

    @classmethod
    def fetch(cls, id: str, connection: redis.Redis | None = None, serializer: SerializerLike | None = None) -> Job:
        """Read one. Raises `rq.exceptions.NoSuchJobError`."""
        job = cls(rq.job.parse_job_id(id), connection=connection, serializer=serializer)
        job.refresh()  # type: ignore[no-untyped-call]
        return job


def fetch_jobs(ids: Sequence[str], connection: redis.Redis, serializer: SerializerLike) -> list[Job]:
    """Those of these that are still there."""
    return [job for job in Job.fetch_many(ids, connection, serializer=serializer) if isinstance(job, Job)]


def id_of(job_or_id: rq.job.Job | str) -> str:
    """The id of one, given either way."""
    return job_or_id if isinstance(job_or_id, str) else job_or_id.id


def check_job_class(given: type[rq.job.Job] | str | None) -> None:
    """Raise `TypeError` where a queue is to have jobs of another class."""
    if given not in (None, rq.job.Job, Job, "rq.job.Job", "rq.Job", "handoff.rq.Job"):
        raise TypeError(f"rq's job_class has no meaning here: jobs are handoff.rq.Job, and {shown(given)} was given")


def cancel_job(
    job_id: str,
    connection: redis.Redis,
    serializer: SerializerLike | None = None,
    enqueue_dependents: bool = False,
) -> None:
    """Cancel one by its id."""
    Job.fetch(job_id, connection, serializer).cancel(enqueue_dependents=enqueue_dependents)


def requeue_job(job_id: str, connection: redis.Redis, serializer: SerializerLike | None = None) -> Job:
    """Have one that has failed start afresh."""
    job = Job.fetch(job_id, connection, serializer)
    job.requeue()
    return job
