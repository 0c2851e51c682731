"""What random campaigns once found wrong after RQ's tools, each as the shortest story that tells it."""

from __future__ import annotations

from rq.job import Job as RqJob
from rq.registry import CanceledJobRegistry

from handoff.client.cluster import Cluster
from handoff.ledger.functions import cancel
from handoff.ledger.records import look
from handoff.serializer import Serializer
from handoff.words.variants import After
from support.agent import FakeAgent, Started, killed, ok
from support.ledger import read_ledger
from support.stories import agent, submit, tick


def two_of_one_id(cluster: Cluster) -> tuple[FakeAgent, Started, Started]:
    """One function runs whose job rq has deleted, and beside it another of the same id."""
    runs = agent(cluster, "a", cpu=2)
    submit(cluster, "j", cpu=1)
    (old,) = runs.take()
    RqJob.fetch("j", connection=cluster.connection, serializer=Serializer).delete()
    submit(cluster, "j", cpu=1)
    (new,) = runs.take()
    return runs, old, new


class TestRqsTools:
    def test_a_job_of_an_id_that_rq_deleted_never_meets_what_that_one_left(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        submit(cluster, "j", cpu=1)
        RqJob.fetch("j", connection=cluster.connection, serializer=Serializer).delete()

        submit(cluster, "j", cpu=1)
        tick(cluster, times=3)

        assert cluster.tracker.available("a") == {"cpu": 1}
        assert cancel(cluster.store, "j")
        assert cluster.tracker.available("a") == {"cpu": 2}

    def test_the_result_of_a_deleted_job_is_not_taken_for_its_namesakes(self, cluster: Cluster) -> None:
        runs, old, new = two_of_one_id(cluster)

        assert old.id != new.id
        assert runs.finish(ok(old.id, "old")) == ["canceled"]
        assert look(cluster.store, "j").status == "started"
        assert runs.finish(ok(new.id, "new")) == ["stored"]

    def test_what_runs_of_a_deleted_job_is_stopped_though_its_namesake_runs_too(self, cluster: Cluster) -> None:
        runs, old, new = two_of_one_id(cluster)

        assert runs.beat() == [old.id]

        assert runs.finish(killed(old.id), ok(new.id)) == ["canceled", "stored"]

    def test_a_canceled_function_that_rq_requeues_runs_like_any_other(self, cluster: Cluster) -> None:
        submit(cluster, "j", cpu=1)
        cancel(cluster.store, "j")
        runs = agent(cluster, "a", cpu=1)

        registry = CanceledJobRegistry(cluster.namespace, connection=cluster.connection, serializer=Serializer)
        registry.requeue("j")
        tick(cluster)

        (started,) = runs.take()
        assert runs.beat() == []
        assert runs.finish(ok(started.id)) == ["stored"]

    def test_a_deleted_hash_leaves_nothing_in_rqs_registry(self, cluster: Cluster) -> None:
        submit(cluster, "j", cpu=1)

        cluster.connection.delete(cluster.store.keys("rq_job", "j"))
        tick(cluster, times=2)

        assert read_ledger(cluster.store).rq.get(f"deferred:{cluster.namespace}") is None

    def test_a_hash_deleted_before_any_of_its_costs_counts_leaves_nothing(self, cluster: Cluster) -> None:
        cluster.enqueue("module:f", job_id="j", cost=[After(9, {"cpu": 1})])

        cluster.connection.delete(cluster.store.keys("rq_job", "j"))
        tick(cluster, times=2)

        assert read_ledger(cluster.store).get("waiting") == {}
        assert read_ledger(cluster.store).rq.get(f"deferred:{cluster.namespace}") is None

    def test_nothing_waits_under_the_id_of_a_deleted_function_that_is_delayed_now(self, cluster: Cluster) -> None:
        submit(cluster, "first-of-all", memory=1)
        submit(cluster, "first", gpu=1)
        submit(cluster, "j", gpu=1)
        RqJob.fetch("j", connection=cluster.connection, serializer=Serializer).delete()
        cluster.enqueue("module:f", job_id="j", cost={"cpu": 1}, delay=60)

        cancel(cluster.store, "first")
        tick(cluster, times=4)

        assert read_ledger(cluster.store).get("waiting").keys() == {"first-of-all"}

    def test_one_take_looks_at_a_bounded_number_of_entries(self, cluster: Cluster) -> None:
        runs = agent(cluster, "a", cpu=1)
        queue = cluster.store.keys("rq_queue", cluster.store.keys.queue("a"))
        cluster.connection.rpush(queue, *(f"unknown-{number}" for number in range(1000)))

        assert runs.take() == []

        assert cluster.connection.llen(queue) > 500
        cluster.connection.delete(queue)
