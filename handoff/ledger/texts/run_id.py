"""Names that a run gives: the job of its n-th function is `<run>-<n>`, the token of its max_concurrency `run.<run>`."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"run\.[0-9a-f]{32}")


def run_job_id(run: str, number: int) -> str:
    """The RQ job id of a function in a run."""
    return f"{run}-{number}"


def run_of(job_id: str) -> str:
    """The run of a function in one."""
    return job_id.rpartition("-")[0]


def number_of(job_id: str) -> int:
    """The number of a function in its run."""
    return int(job_id.rpartition("-")[2])


def run_token(run: str) -> str:
    """The shared resource of which each function needs one in a run with max_concurrency."""
    return f"run.{run}"


def is_run_token(resource: str) -> bool:
    """Whether a shared resource is the max_concurrency of a run: nobody asks for it by name."""
    return _TOKEN.fullmatch(resource) is not None


def run_of_token(resource: str) -> str:
    """The run of which a shared resource is the max_concurrency; '' of any other."""
    return resource.partition(".")[2] if is_run_token(resource) else ""
