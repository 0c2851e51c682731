"""Jobs on RQ's own queues that depend on functions: released by RQ's own code once these have ended.

RQ's workers look for dependents when they end a job. Scripts that end functions do not: it would cost each of them a
command. So nothing is noted at an end, and nothing can be lost with whoever was to do it: agents walk over what is
deferred on other queues, a little at each tick, and find the same again until it is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import is_queue_of
from handoff.ledger.rqmodel import enqueue_dependents
from handoff.ledger.store import Store

QUEUES, JOBS = 32, 64
"""That are looked at in one go: of each queue about so many jobs."""


class Dependents:
    """One walk after the other, by whoever ticks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._left: list[str] = []  #: queues of this walk
        self._cursors: dict[str, int] = {}  #: of those whose deferred jobs are more than one look

    def go_on(self) -> None:
        """Look at some of what is deferred, and release what waits for nothing any more."""
        store = self._store
        if not self._left:
            start, queues = store.keys("rq_queue"), store.read("SMEMBERS", store.keys("rq_queues"))
            names = [key.decode(errors="replace").removeprefix(start) for key in queues]
            self._left = [name for name in names if not is_queue_of(store.namespace, name)]
        some, self._left = self._left[:QUEUES], self._left[QUEUES:]
        if ids := self._deferred(some):
            for dependency in self._over(ids):
                store.insist(partial(enqueue_dependents, dependency, store.client))

    def _deferred(self, queues: Sequence[str]) -> list[str]:
        """Some of what is deferred on these queues."""
        if not queues:
            return []
        key = self._store.keys
        pages = self._store.read_each(
            [("ZSCAN", key("rq_deferred", name), self._cursors.pop(name, 0), "COUNT", JOBS) for name in queues]
        )
        self._cursors |= {name: cursor for name, (cursor, _) in zip(queues, pages, strict=True) if cursor}
        return [id.decode(errors="replace") for _, entries in pages for id, _ in entries]

    def _over(self, ids: Sequence[str]) -> list[str]:
        """Functions that have ended, and for which some of these jobs have waited that wait for nothing else."""
        key = self._store.keys
        needs = self._store.read_each([("SMEMBERS", key.dependencies(id)) for id in ids])
        allows = self._store.read_each(
            [("HGET", key("rq_job", id), FIELDS["allow_dependency_failures"].name) for id in ids]
        )
        everything = sorted({id.decode(errors="replace") for each in needs for id in each})
        if not everything:
            return []
        fields = (FIELDS["status"].name, FIELDS["origin"].name)
        told = self._store.read_each([("HMGET", key("rq_job", id), *fields) for id in everything])
        states = dict(zip(everything, told, strict=True))
        found: dict[str, None] = {}
        for each, allowed in zip(needs, allows, strict=True):
            found |= dict.fromkeys(self._met([id.decode(errors="replace") for id in each], states, allowed == b"1"))
        return list(found)

    def _met(self, needs: Sequence[str], states: Mapping[str, list[bytes | None]], allows_failure: bool) -> list[str]:
        """Which of its dependencies are functions of ours, if all are as they have to be; RQ looks once more."""
        allowed = (b"finished", b"failed") if allows_failure else (b"finished",)
        # One that is gone counts as met for RQ too.
        if not all(states[id][0] in (*allowed, None) for id in needs):
            return []
        origins = {id: (states[id][1] or b"").decode(errors="replace") for id in needs}
        return [id for id, origin in origins.items() if is_queue_of(self._store.namespace, origin)]
