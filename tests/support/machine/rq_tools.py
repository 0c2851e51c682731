"""What RQ's tools do."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from rq.job import Job as RqJob
from rq.queue import Queue as RqQueue

from handoff.serializer import Serializer
from support.machine.both import Both
from support.machine.draws import NAMES
from support.oracle.model import Job


class RqTools(Both):
    """Jobs are canceled, deleted and taken off queues behind the ledger's back."""

    # rq's tools.

    def let_rq_cancel(self, data: st.DataObject) -> None:
        for job in self._one_unfinished(data):
            self.oracle.rq_cancels(job)
            RqJob.fetch(job.id, connection=self.store.client, serializer=Serializer).cancel()
        self._settle()

    def let_rq_delete(self, data: st.DataObject) -> None:
        for job in self._one_unfinished(data):
            self.oracle.rq_deletes(job)
            RqJob.fetch(job.id, connection=self.store.client, serializer=Serializer).delete()
        self._settle()

    def delete_a_hash(self, data: st.DataObject) -> None:
        for job in self._one_unfinished(data):
            self.oracle.rq_deletes(job, off_queue=False)
            self.store.client.delete(self.store.keys("rq_job", job.id))
        self._settle()

    def take_off_a_queue(self, data: st.DataObject) -> None:
        """One of a node at most: two would be found in no known order."""
        for job in self._one_unfinished(data):
            if job.state == "queued" and all(
                other in self.oracle.nodes[job.node].queue
                for other in self.oracle.nodes[job.node].holds
                if isinstance(other, Job) and other.state == "queued"
            ):
                self.oracle.rq_unqueues(job)
                self._rq_queue(job.node).remove(job.id)
        self._settle()

    def empty_a_queue(self, data: st.DataObject) -> None:
        name = data.draw(NAMES)
        if name in self.oracle.nodes:
            self.oracle.rq_empties(name)
        queue: Any = self._rq_queue(name)
        queue.empty()
        self._settle()

    def _one_unfinished(self, data: st.DataObject) -> list[Job]:
        """For rq's tools to have it. What waits is in the way of others until it is found, so nothing is due then."""
        self._settle()
        unfinished = {job.id: job for job in self._unfinished()}
        return [unfinished[data.draw(st.sampled_from(list(unfinished)))]] if unfinished else []

    def _rq_queue(self, name: str) -> RqQueue:
        return RqQueue(self.store.keys.queue(name), connection=self.store.client, serializer=Serializer)
