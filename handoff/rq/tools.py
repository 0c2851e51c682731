"""Imported into a process of rq's tools, it lets them read functions: `rq-dashboard -c handoff.rq.tools`.

They read what a job holds by pickle, and few of them can be told otherwise. With this each job is read and written by
the serializer that it was submitted with; jobs of rq's own stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any

import rq.job

from handoff.ledger.stored_job import StoredJob
from handoff.serializer import PickleSerializer, Serializer

_restore = rq.job.Job.restore


@wraps(_restore)
def _restored(job: rq.job.Job, stored: Mapping[bytes, bytes]) -> Any:
    ours = StoredJob(stored)
    if ours.bytes("code"):
        job.serializer = PickleSerializer if ours.bytes("serializer") == b"pickle" else Serializer
    return _restore(job, stored)


rq.job.Job.restore = _restored  # type: ignore[assignment, method-assign]
