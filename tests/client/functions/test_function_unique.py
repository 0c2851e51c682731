"""Unique keys: who submits a function of a key that another one has is given that one, and nothing is written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import DuplicateFunction, FunctionFailed, InvalidFunction
from handoff.graph.dag import DAG
from handoff.ledger.housekeeping import tick
from handoff.ledger.verdict import Verdict
from handoff.testing import cluster as cluster_here
from handoff.words.function import Function
from support.agent import FakeAgent, Stale, failure, ok
from support.ledger import read_ledger
from support.submits import later, run, submit

KEY = "order-17"


@pytest.fixture
def agent(agent: FakeAgent) -> Iterator[FakeAgent]:
    """In the end it takes up what rq's tools leave behind."""
    yield agent
    with contextlib.suppress(Stale):
        agent.take()
        agent.beat()


def again(cluster: Cluster, **options: Any) -> Handle:
    return submit(cluster, "other", unique=KEY, **options)


def verdict(handle: Handle) -> Verdict:
    assert handle.verdict is not None
    return handle.verdict


def all_but_time(cluster: Cluster) -> dict[str, Any]:
    return {key: value for key, value in read_ledger(cluster.store).own.items() if key not in ("clock", "able")}


class TestWhileItHasNotEnded:
    @pytest.mark.parametrize(
        ("options", "state", "reason"),
        [
            ({"cost": {"cpu": 1}}, "placed", "placed on a"),
            ({"cost": {"cpu": 9}}, "infeasible", "cpu 9 wanted, a has 2"),
            ({"delay": 60}, "delayed", "is delayed until"),
        ],
    )
    def test_whoever_comes_is_given_the_first_and_nothing_is_written(
        self, cluster: Cluster, agent: FakeAgent, options: dict[str, Any], state: str, reason: str
    ) -> None:
        first = submit(cluster, "first", unique=KEY, **options)
        before = all_but_time(cluster)

        second = again(cluster)

        assert (first.created, second.created) == (True, False)
        assert (second.id, second.function_id) == (first.id, "first")
        assert (verdict(second).state, verdict(second).node) == (state, verdict(first).node)
        assert verdict(second).reason.startswith(f"the key 'order-17' is that of function 'first', {reason}")
        assert all_but_time(cluster) == before

    def test_of_one_that_waits_it_is_told_for_what_that_waits(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, cost={"cpu": 2})
        submit(cluster, "first", unique=KEY, cost={"cpu": 2}, node="a")

        second = again(cluster, cost={"cpu": 1})

        assert verdict(second).state == "waiting"
        assert verdict(second).reason.endswith("function 'first', waits until node a has room for cpu 2")

    def test_one_that_runs_is_told_to_run(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, "first", unique=KEY, cost={"cpu": 1})
        agent.take()

        assert verdict(again(cluster)).reason == "the key 'order-17' is that of function 'first', started on a"

    def test_a_handle_from_an_id_was_created_by_another(self, cluster: Cluster, agent: FakeAgent) -> None:
        assert not cluster.handle(again(cluster).id).created

    def test_other_keys_and_no_key_are_no_matter(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, unique=KEY)

        handles = [submit(cluster, unique="order-18"), submit(cluster)]

        assert all(handle.created and handle.id != first.id for handle in handles)

    def test_one_that_is_to_be_tried_again_still_has_it(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, unique=KEY, max_retries=1)
        run(agent, failure)
        assert first.status == "delayed"

        assert again(cluster).id == first.id

    def test_one_that_is_canceled_has_it_until_its_child_is_dead(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, unique=KEY)
        [started] = agent.take()
        first.cancel()
        assert again(cluster).id == first.id

        agent.finish(ok(started.id))

        assert again(cluster).created

    def test_it_goes_before_an_id_that_is_taken(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = cluster.enqueue("tasks:work", job_id="mine", unique=KEY)

        second = cluster.enqueue("tasks:work", job_id="mine", unique=KEY)

        assert (second.id, second.created) == (first.id, False)
        run(agent)
        with pytest.raises(DuplicateFunction):
            cluster.enqueue("tasks:work", job_id="mine", unique=KEY)

    def test_it_goes_before_a_refusal(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, unique=KEY)

        assert again(cluster, cost={"cpu": 99}, on_infeasible="raise").id == first.id

    def test_of_many_the_first_has_it(self, cluster: Cluster, agent: FakeAgent) -> None:
        functions = [Function(f"f{n}", "tasks:work", unique=key) for n, key in enumerate(["a", "b", "a", None, "a"])]

        handles = cluster.submit_many(functions)

        assert [handle.created for handle in handles] == [True, True, False, True, False]
        assert [handle.function_id for handle in handles] == ["f0", "f1", "f0", "f3", "f0"]
        assert handles[2].id == handles[4].id == handles[0].id

    def test_namespaces_have_their_own(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, unique=KEY)

        with Cluster(connection=cluster.connection, namespace=f"{cluster.namespace}x") as other:
            assert submit(other, unique=KEY).created


ENDS: dict[str, Callable[[Cluster, FakeAgent, Handle], object]] = {
    "finished": lambda cluster, agent, handle: run(agent),
    "failed": lambda cluster, agent, handle: run(agent, failure),
    "canceled": lambda cluster, agent, handle: handle.cancel(),
    "lost": lambda cluster, agent, handle: (agent.take(), agent.goodbye()),
    "deleted by rq": lambda cluster, agent, handle: handle.job.delete(),
    "canceled by rq": lambda cluster, agent, handle: handle.job.cancel(),
    "waited for too long": lambda cluster, agent, handle: later(cluster, 61),
}


class TestWhenItHasEnded:
    @pytest.mark.parametrize("end", ENDS)
    @pytest.mark.parametrize("ttl", [None, 60])
    def test_the_key_is_free_at_once_but_after_it_has_finished(
        self, cluster: Cluster, agent: FakeAgent, end: str, ttl: float | None
    ) -> None:
        first = submit(cluster, unique=KEY, unique_ttl=ttl, wait_ttl=60)
        ENDS[end](cluster, agent, first)

        assert again(cluster).created == (ttl is None or end != "finished")

    @pytest.mark.parametrize("end", ENDS)
    def test_nothing_is_left_of_it(self, cluster: Cluster, agent: FakeAgent, end: str) -> None:
        ENDS[end](cluster, agent, submit(cluster, unique=KEY, wait_ttl=60))
        tick(cluster.store)

        assert not cluster.connection.exists(cluster.store.keys("unique"), cluster.store.keys("unique_after", KEY))

    def test_for_as_long_as_it_is_asked_to_it_has_the_key_and_a_result(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        first = submit(cluster, "first", unique=KEY, unique_ttl=9_000)
        run(agent)

        second = again(cluster)

        assert verdict(second).reason == "the key 'order-17' is that of function 'first', finished on a"
        assert second.result(0) is None
        left_ms: Any = cluster.connection.pttl(cluster.store.keys("unique_after", KEY))
        assert 8_000_000 < left_ms <= 9_000_000
        job: Any = cluster.connection.ttl(f"rq:job:{first.id}")
        assert 8_000 < job <= 9_000

    def test_one_that_keeps_nothing_is_free_too(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.enqueue("tasks:work", unique=KEY, result_ttl=0)
        run(agent)

        assert again(cluster).created

    def test_what_is_kept_for_ever_stays_so(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = cluster.enqueue("tasks:work", unique=KEY, unique_ttl=5, result_ttl=-1)
        run(agent)

        assert cluster.connection.ttl(f"rq:job:{first.id}") == -1

    def test_the_next_one_has_the_key_as_the_first_had_it(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, unique=KEY, unique_ttl=60)
        run(agent)
        cluster.connection.delete(cluster.store.keys("unique_after", KEY))
        second = again(cluster)

        assert second.created
        assert again(cluster).id == second.id

    def test_one_that_rq_deleted_after_it_had_finished_leaves_the_next_its_key(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        first = submit(cluster, unique=KEY, unique_ttl=60)
        run(agent)
        first.job.delete()
        second = again(cluster)
        run(agent, failure)

        assert second.status == "failed"
        assert again(cluster).created

    def test_nothing_is_left_when_rq_deletes_the_first_and_then_the_next(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        first = submit(cluster, unique=KEY, unique_ttl=60)
        run(agent)
        first.job.delete()
        again(cluster).job.delete()
        tick(cluster.store)

        assert not cluster.connection.exists(cluster.store.keys("unique"), cluster.store.keys("unique_after", KEY))

    def test_one_that_rq_requeues_has_its_key_again(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, unique=KEY)
        run(agent, failure)
        first.job.requeue()
        agent.beat()
        tick(cluster.store)
        agent.take()
        assert first.status == "started"

        assert again(cluster).id == first.id

    def test_one_that_rq_requeues_leaves_it_to_who_has_it_meanwhile(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, unique=KEY)
        run(agent, failure)
        second = again(cluster, cost={"cpu": 9})
        first.job.requeue()
        tick(cluster.store)
        run(agent)

        assert again(cluster).id == second.id

    def test_of_many_that_rq_deleted_housekeeping_forgets_all_by_and_by(self, cluster: Cluster) -> None:
        for number in range(40):
            submit(cluster, unique=f"order-{number}").job.delete()

        for _ in range(1000):
            tick(cluster.store)
            if not cluster.connection.exists(cluster.store.keys("unique")):
                break
        else:
            raise AssertionError("some are left")

    def test_the_errors_of_the_first_are_those_of_its_handle(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, unique=KEY)
        second = again(cluster)
        run(agent, failure)

        with pytest.raises(FunctionFailed):
            second.result(0)


def test_a_time_without_a_key_is_no_key(cluster: Cluster, agent: FakeAgent) -> None:
    first, second = (submit(cluster, id, unique=None, unique_ttl=900) for id in ("first", "second"))

    assert (first.created, second.created) == (True, True)
    assert first.job.result_ttl == 500


def test_a_function_of_a_graph_has_none(cluster: Cluster) -> None:
    with pytest.raises(InvalidFunction, match="it has a unique key, and functions of a DAG"):
        cluster.submit_dag(DAG().add(Function("f", "tasks:work", unique=KEY)))


def test_in_a_unit_test_it_is_free_when_that_time_has_passed() -> None:
    with cluster_here() as here:
        first = here.enqueue("operator:add", 1, 2, unique=KEY, unique_ttl=60)
        assert first.result() == 3
        here.advance(59)
        assert not here.enqueue("operator:add", 1, 2, unique=KEY).created

        here.advance(2)

        assert here.enqueue("operator:add", 1, 2, unique=KEY).created
