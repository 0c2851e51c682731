"""Every move of every function, as a real server tells it: MONITOR shows each write, also those within a script."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from handoff.client.cluster import Cluster
from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import is_queue_of
from handoff.ledger.states import NEW, PARKED, state_of

STATUS, FINER = FIELDS["status"].name, FIELDS["state"].name

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')


@contextmanager
def watching(cluster: Cluster) -> Iterator[set[tuple[str, str]]]:
    """Note which state of a function followed on which; known when the block has ended."""
    connection: Any = cluster.store.client
    prefix = cluster.store.keys("rq_job")
    seen: set[tuple[str, str]] = set()
    with connection.monitor() as monitor:
        yield seen
        last = uuid.uuid4().hex
        connection.echo(last)
        jobs: dict[str, dict[str, str]] = {}
        while last not in (line := monitor.connection.read_response(disable_decoding=True).decode()):
            command, *rest = _WORD.findall(line.partition("] ")[2])
            if rest and rest[0].startswith(prefix):
                moves = set(_moves(jobs, command.upper(), rest))
                if is_queue_of(cluster.namespace, jobs.get(rest[0], {}).get("origin", cluster.namespace)):
                    seen |= moves


def _moves(jobs: dict[str, dict[str, str]], command: str, rest: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Do to the copies of jobs what a command did to a job."""
    job = jobs.setdefault(rest[0], {})
    before = _state(job)
    if command in ("DEL", "UNLINK"):
        for key in rest:
            jobs.pop(key, None)
    elif command == "HDEL":
        for name in rest[1:]:
            job.pop(name, None)
    elif command in ("HSET", "HMSET"):
        job |= dict(zip(rest[1::2], rest[2::2], strict=True))
        after = _state(job)
        if after == "started" and before not in ("queued", "started"):
            # Placed and taken in one script, which writes it once.
            yield before, "queued"
            before = "queued"
        if before != after:
            yield before, after


def _state(job: dict[str, str]) -> str:
    """The API's word, or the finer one of the scripts."""
    if STATUS not in job:
        return NEW
    finer = job.get(FINER, "")
    return PARKED if (job[STATUS], finer) == ("deferred", PARKED) else state_of(job[STATUS], finer)
