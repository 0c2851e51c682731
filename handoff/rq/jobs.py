"""rq's `Job`, which reads what Handoff writes where nobody says how."""

from __future__ import annotations

import redis
import rq.job

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
