"""rq's registries of a queue, as what `handoff.view` finds by state: of all nodes together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import redis
import rq.job

from handoff.client.cluster import Cluster
from handoff.rq.absent import OF_REGISTRIES, refuse
from handoff.rq.jobs import Job, fetch_jobs, id_of
from handoff.serializer import SerializerLike
from handoff.view.functions import MOST_LISTED, Wanted, list_functions
from handoff.view.overview import read_overview


class Registry:
    """The functions of one state: how many, and which, the newest first. rq's own of a node's queue stand beside it."""

    def __init__(self, cluster: Cluster, states: Sequence[str], serializer: SerializerLike) -> None:
        self._cluster, self._states, self._serializer = cluster, tuple(states), serializer

    def __getattr__(self, name: str) -> NoReturn:
        refuse("Registry", OF_REGISTRIES, name)

    @property
    def connection(self) -> redis.Redis:
        """That of the cluster."""
        return self._cluster.connection

    @property
    def count(self) -> int:
        """How many there are."""
        overview = read_overview(self._cluster.store)
        return sum(int(getattr(overview, state)) for state in self._states)

    def get_job_count(self, cleanup: bool = True) -> int:
        """The same; there is nothing to clean up."""
        return self.count

    def __len__(self) -> int:
        return self.count

    def get_job_ids(self, start: int = 0, end: int = -1) -> list[str]:
        """The ids of the newest 10,000, or of a part of these, both ends with it as in Redis."""
        listing = list_functions(self._cluster.store, Wanted(states=self._states), MOST_LISTED)
        ids = [row.id for row in listing.rows]
        return ids[start:] if end == -1 else ids[start : end + 1]

    def get_jobs(self) -> list[Job]:
        """The jobs of the newest, as far as they are still there."""
        return fetch_jobs(self.get_job_ids(), self.connection, self._serializer)

    def cleanup(self, timestamp: float | None = None) -> None:
        """Do nothing: agents see to what has expired."""

    def __contains__(self, job_or_id: rq.job.Job | str) -> bool:
        return id_of(job_or_id) in self.get_job_ids()

    def requeue(self, job_or_id: rq.job.Job | str) -> Job:
        """Have one that has failed start afresh."""
        id = id_of(job_or_id)
        self._cluster.handle(id).retry()
        return Job.fetch(id, self.connection, serializer=self._serializer)
