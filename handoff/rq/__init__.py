"""RQ's `Queue`, `job` and what goes with them, over Handoff: `from handoff.rq import Queue` in place of `from rq`.

What rq has under these names has the same meaning here; docs/from-rq.md lists what differs. Beside rq's own options
stand `cost=`, `node=` and `where=`.
"""

from rq import Callback, Retry, get_current_job
from rq.exceptions import DuplicateJobError
from rq.job import Dependency, JobStatus

from handoff.rq.decorators import job
from handoff.rq.jobs import Job
from handoff.rq.queue import Queue

__all__ = [
    "Callback",
    "Dependency",
    "DuplicateJobError",
    "Job",
    "JobStatus",
    "Queue",
    "Retry",
    "get_current_job",
    "job",
]
