"""How functions end."""

from __future__ import annotations

import math

from support.agent import Result
from support.oracle.model import Job, Node
from support.oracle.placing import Placing


class Ending(Placing):
    """Ends functions that run, that wait, and whose node is lost."""

    def _end(self, node: Node, job: Job, result: Result) -> str:
        if job not in node.running:
            return "refused"
        node.running.remove(job)
        self._give_back(node, job)
        if job.state != "started" or job.marked:
            job.state = "canceled" if job.state == "started" else job.state
            return "canceled"
        if result.kind == "finished":
            job.state = "finished"
            return "stored"
        if result.kind == "stopped" and not job.evicted:
            job.state = "failed"
            return "stopped"
        if result.kind == "stopped":
            self._fail(job, retryable=True, jitter=1.0)
        else:
            self._fail(job, retryable=result.retryable, jitter=result.jitter)
        return "retrying" if job.state == "delayed" else "failed"

    def _fail(self, job: Job, *, retryable: bool, jitter: float) -> None:
        if retryable and job.attempts <= job.retries:
            job.state, job.shunned = "delayed", job.node
            job.due_ms = math.floor(self.now_ms + min(60_000, 1000 * 2 ** (job.attempts - 1)) * jitter)
        else:
            job.state = "failed"

    def _end_before_start(self, job: Job, state: str, error: str = "") -> None:
        """It is queued, waits, or is delayed."""
        node = self.nodes[job.node] if job.state == "queued" else None
        self._take_off_queue(job)
        self._stop_waiting(job)
        self.overtaking.gone += job.state == "waiting"
        self.timers.pop(f"expire|{job.id}", None)
        job.state, job.error = state, error
        if node is not None:
            self._give_back(node, job)
            self._wake(node)

    def _lose_run(self, node: Node, job: Job) -> None:
        node.running.remove(job)
        self._give_back(node, job)
        if job.state == "started" and job.marked:
            job.state = "canceled"
        elif job.state == "started":
            self._fail(job, retryable=True, jitter=1.0)

    def _touch(self, job: Job) -> None:
        self._stop_waiting(job)
        self.timers.pop(f"expire|{job.id}", None)
        self.touched.add(job)

    def _take_off_queue(self, job: Job) -> None:
        if job.state == "queued" and job in self.nodes[job.node].queue:
            self.nodes[job.node].queue.remove(job)
