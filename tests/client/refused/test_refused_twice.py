"""An id is given once, whoever has it and in whatever state."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import rq

from handoff.client.cluster import Cluster
from handoff.errors import DuplicateFunction
from handoff.ledger.states import TERMINAL
from support.refused import assert_refused, enqueue, work
from support.waiting import LIMIT_S


class TestDuplicates:
    @pytest.mark.parametrize("status", ["waiting", "queued", "canceled", *sorted(TERMINAL), "started", "scheduled"])
    def test_an_id_that_exists_in_any_state_is_refused(self, busy: Cluster, status: str) -> None:
        id = status if status in ("waiting", "queued") else "other"
        if id == "other":
            busy.enqueue(work, job_id=id)
            busy.handle(id).cancel()
            busy.connection.hset(busy.store.keys("rq_job", id), "status", status)

        assert_refused(busy, enqueue(job_id=id), DuplicateFunction, repr(id))
        busy.connection.delete(busy.store.keys("rq_job", "other"))

    def test_an_id_of_another_namespace_or_of_a_job_of_rq_itself_is_refused_too(self, busy: Cluster) -> None:
        rq.Queue("default", connection=busy.connection).enqueue("tasks.work", job_id="rqs-own")
        with Cluster(connection=busy.connection, namespace="other") as other:
            other.enqueue(work, job_id="theirs")

            for id in ("rqs-own", "theirs"):
                assert_refused(busy, enqueue(job_id=id), DuplicateFunction, repr(id))
            assert other.handle("theirs").cancel()

    def test_of_eight_that_enqueue_one_id_at_the_same_time_one_succeeds(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        start = threading.Barrier(8)

        def attempt(_: int) -> bool:
            start.wait(timeout=LIMIT_S)
            try:
                cluster.enqueue(work, job_id="one", cost={"cpu": 1})
            except DuplicateFunction:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(attempt, range(8)))

        assert sorted(outcomes) == [False] * 7 + [True]
        assert cluster.tracker.available("a") == {"cpu": 0}
