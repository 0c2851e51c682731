"""RQ's `Queue`, `job` and what goes with them, over Handoff: `from handoff.rq import Queue` in place of `from rq`.

What rq has under these names has the same meaning here; docs/from-rq.md lists what differs. Beside rq's own options
stand `cost=`, `node=` and `where=`.
"""

from typing import NoReturn

from rq import Callback, Retry, get_current_job
from rq.exceptions import DuplicateJobError
from rq.job import Dependency, JobStatus

from handoff.rq.absent import OF_MODULE
from handoff.rq.decorators import job
from handoff.rq.jobs import Job, cancel_job, requeue_job
from handoff.rq.queue import Queue

__all__ = [
    "Callback",
    "Dependency",
    "DuplicateJobError",
    "Job",
    "JobStatus",
    "Queue",
    "Retry",
    "cancel_job",
    "get_current_job",
    "job",
    "requeue_job",
]


def __getattr__(name: str) -> NoReturn:
    if instead := OF_MODULE.get(name):
        # Of an `AttributeError` an import would leave out the text.
        raise ImportError(f"rq's {name} has no meaning here: {instead}", name=__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
