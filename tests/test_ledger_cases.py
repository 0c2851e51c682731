"""What random campaigns against the ledger once found wrong, each as the shortest story that tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from rq.job import Job as RqJob
from rq.registry import CanceledJobRegistry

from handoff.client.cluster import Cluster
from handoff.ledger import functions as work
from handoff.ledger import housekeeping
from handoff.ledger.records import look
from handoff.ledger.result_entry import ENDING_TEXTS, LOST_TEXT
from handoff.serializer import Serializer
from handoff.words.variants import After
from support.agent import FakeAgent, Stale, ok
from support.books import check_books, read_ledger
from support.database import database

__all__ = ["database"]

START_MS = 1_800_000_000_000
LEASE_MS = 5000


@pytest.fixture
def cluster(database: redis.Redis) -> Iterator[Cluster]:
    """Its clock stands until `pass_ms`."""
    with Cluster(connection=database, namespace="cases") as cluster:
        cluster.store.now_ms = START_MS
        yield cluster
        check_books(cluster.store)


def pass_ms(cluster: Cluster, ms: int) -> None:
    cluster.store.now_ms += ms


def agent(cluster: Cluster, name: str, **capabilities: Any) -> FakeAgent:
    return FakeAgent(cluster.store, name, {"slots": 4, **capabilities}, lease_ms=LEASE_MS).register()


def submit(cluster: Cluster, id: str, *, node: str | None = None, priority: int = 0, **cost: float) -> str:
    """-> where it was placed, else the state of the verdict."""
    verdict = cluster.enqueue("module:f", job_id=id, node=node, priority=priority, cost=cost).verdict
    assert verdict is not None
    return verdict.node or verdict.state


def where(cluster: Cluster, *ids: str) -> list[str]:
    """The node of each that is placed, the status of the others."""
    records = [look(cluster.store, id) for id in ids]
    return [record.node if record.status == "queued" and record.node else record.status for record in records]


def tick(cluster: Cluster, times: int = 1) -> None:
    for _ in range(times):
        housekeeping.tick(cluster.store)


def placed_on(*nodes: str) -> list[bytes]:
    """What `allocate` answers where each entry costs one cpu."""
    return [value for node in nodes for value in (node.encode(), b"", b"cpu=10000")]


def register_in_one_call(cluster: Cluster, name: str, units: str) -> None:
    """With work left over, if that is more than one call does."""
    cluster.store.run("register_node", name=name, units=units, devices="", labels="", lost_text=LOST_TEXT)


class TestLeases:
    def test_of_many_leases_that_are_over_at_once_none_is_taken_for_live(self, cluster: Cluster) -> None:
        for name in "abcdefgh":
            agent(cluster, name, cpu=1)
        pass_ms(cluster, LEASE_MS)

        assert submit(cluster, "j", cpu=1) == "infeasible"

    def test_a_finish_after_the_lease_is_over_is_stale_though_nobody_has_noticed(self, cluster: Cluster) -> None:
        late = agent(cluster, "a", cpu=1)
        submit(cluster, "j", cpu=1)
        (started,) = late.take()
        pass_ms(cluster, LEASE_MS)

        with pytest.raises(Stale):
            late.finish(ok(started.id), room=1)

    def test_room_on_a_node_whose_lease_is_over_starts_nothing_there(self, cluster: Cluster) -> None:
        agent(cluster, "a", cpu=2)
        submit(cluster, "first", cpu=1)
        claim = cluster.tracker.request("a", {"cpu": 1})
        submit(cluster, "second", cpu=1)
        submit(cluster, "third", cpu=1)
        pass_ms(cluster, LEASE_MS)

        work.cancel(cluster.store, "first")
        assert where(cluster, "second", "third") == ["waiting", "waiting"]
        assert cluster.tracker.release(claim) is False
        assert where(cluster, "second", "third") == ["waiting", "waiting"]

    def test_a_static_node_that_follows_a_lost_agent_is_no_worker_of_rq(self, cluster: Cluster) -> None:
        agent(cluster, "a", cpu=1)
        pass_ms(cluster, LEASE_MS)

        cluster.register_node("a", {"cpu": 1})

        assert read_ledger(cluster.store).rq["workers"] == set()

    def test_a_lost_node_can_be_undrained_as_one_that_left(self, cluster: Cluster) -> None:
        drained = agent(cluster, "a", cpu=1)
        cluster.drain("a")
        pass_ms(cluster, LEASE_MS)

        cluster.undrain("a")

        drained.register()
        assert submit(cluster, "j", cpu=1) == "a"


class TestClaims:
    def test_a_claim_whose_time_is_over_makes_room_though_nobody_ticks(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        cluster.tracker.request("a", {"cpu": 2}, ttl=1)
        pass_ms(cluster, 999)
        assert not cluster.resources_available("a", {"cpu": 1})

        pass_ms(cluster, 1)

        assert cluster.resources_available("a", {"cpu": 1})
        assert cluster.tracker.request("a", {"cpu": 2}).node == "a"

    def test_a_claim_whose_time_is_over_cannot_be_released(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        claim = cluster.tracker.request("a", {"cpu": 2}, ttl=1)

        pass_ms(cluster, 1000)

        assert cluster.tracker.release(claim) is False

    @pytest.mark.parametrize("lost", ["a", "b"])
    def test_an_allocation_asked_again_after_one_of_its_nodes_was_lost_is_made_anew(
        self, cluster: Cluster, lost: str
    ) -> None:
        keeps = {"a": "b", "b": "a"}[lost]
        agents = {name: agent(cluster, name, cpu=1) for name in "ab"}
        entries = ["~one", 0, "first_available", "", "cpu=10000", "~two", 1, "first_available", "", "cpu=10000"]
        assert cluster.store.run("allocate", *entries, among="") == ["claimed", placed_on("a", "b")]
        pass_ms(cluster, LEASE_MS - 1)
        agents[keeps].beat()
        cluster.register_node("c", {"cpu": 1})
        pass_ms(cluster, 1)

        again = cluster.store.run("allocate", *entries, among="")

        assert again == ["claimed", placed_on(keeps, "c")]
        check_books(cluster.store)

    def test_an_allocation_that_cannot_be_made_anew_leaves_nothing_claimed(self, cluster: Cluster) -> None:
        agent(cluster, "a", cpu=1)
        cluster.register_node("b", {"cpu": 1})
        entries = ["~one", 0, "first_available", "", "cpu=10000", "~two", 1, "first_available", "", "cpu=10000"]
        cluster.store.run("allocate", *entries, among="")
        submit(cluster, "j", cpu=1)
        pass_ms(cluster, LEASE_MS)

        assert cluster.store.run("allocate", *entries, among="")[0] == "short"

        assert where(cluster, "j") == ["b"]


class TestOrder:
    def test_functions_of_a_lost_node_are_placed_again_by_rank(self, cluster: Cluster) -> None:
        agent(cluster, "a", cpu=3)
        submit(cluster, "low", cpu=1, priority=-5)
        submit(cluster, "middle", cpu=0.5)
        submit(cluster, "high", cpu=1.5, priority=5)
        cluster.register_node("b", {"cpu": 1.5})

        pass_ms(cluster, LEASE_MS)
        tick(cluster)

        assert where(cluster, "high", "middle", "low") == ["b", "waiting", "waiting"]

    def test_a_node_that_falls_quiet_hands_its_functions_back_by_rank(self, cluster: Cluster) -> None:
        leaving = agent(cluster, "a", cpu=3)
        submit(cluster, "low", cpu=1, priority=-5)
        submit(cluster, "middle", cpu=0.5)
        submit(cluster, "high", cpu=1.5, priority=5)
        cluster.register_node("b", {"cpu": 1.5})

        leaving.quiet()

        assert where(cluster, "high", "middle", "low") == ["b", "waiting", "waiting"]

    @pytest.mark.parametrize("room", ["a claim ends", "a node changes"])
    def test_behind_a_function_that_rq_canceled_nobody_comes_before_their_turn(
        self, cluster: Cluster, room: str
    ) -> None:
        cluster.register_node("a", {"cpu": 2, "memory": 1})
        claim = cluster.tracker.request("a", {"cpu": 2})
        submit(cluster, "canceled", cpu=2, priority=9)
        submit(cluster, "other", cpu=1.5)
        submit(cluster, "like-the-canceled", cpu=2, priority=-9)
        RqJob.fetch("canceled", connection=cluster.connection, serializer=Serializer).cancel()

        if room == "a claim ends":
            cluster.tracker.release(claim)
        else:
            cluster.register_node("a", {"cpu": 4})

        assert where(cluster, "other", "like-the-canceled") == ["a", "waiting"]

    def test_a_better_function_that_comes_while_a_node_is_still_tried_is_not_passed_over(
        self, cluster: Cluster
    ) -> None:
        for number in range(80):
            submit(cluster, f"j{number}", cpu=1)
        register_in_one_call(cluster, "a", units="cpu=700000,slots=1000000")
        assert read_ledger(cluster.store).get("dirty")

        submit(cluster, "comes-first", cpu=1, priority=9)
        tick(cluster)

        assert where(cluster, "comes-first", "j68", "j69") == ["a", "a", "waiting"]


class TestRqsTools:
    def test_a_job_of_an_id_that_rq_deleted_never_meets_what_that_one_left(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        submit(cluster, "j", cpu=1)
        RqJob.fetch("j", connection=cluster.connection, serializer=Serializer).delete()

        submit(cluster, "j", cpu=1)
        tick(cluster, times=3)

        assert cluster.tracker.available("a") == {"cpu": 1}
        assert work.cancel(cluster.store, "j")
        assert cluster.tracker.available("a") == {"cpu": 2}

    def test_the_result_of_a_deleted_job_is_not_taken_for_its_namesakes(self, cluster: Cluster) -> None:
        runs = agent(cluster, "a", cpu=2)
        submit(cluster, "j", cpu=1)
        (old,) = runs.take()
        RqJob.fetch("j", connection=cluster.connection, serializer=Serializer).delete()
        submit(cluster, "j", cpu=1)
        (new,) = runs.take()

        assert old.id != new.id
        assert runs.finish(ok(old.id, "old")) == ["canceled"]
        assert look(cluster.store, "j").status == "started"
        assert runs.finish(ok(new.id, "new")) == ["stored"]

    def test_a_canceled_function_that_rq_requeues_runs_like_any_other(self, cluster: Cluster) -> None:
        submit(cluster, "j", cpu=1)
        work.cancel(cluster.store, "j")
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

        work.cancel(cluster.store, "first")
        tick(cluster, times=4)

        assert read_ledger(cluster.store).get("waiting").keys() == {"first-of-all"}

    def test_one_take_looks_at_a_bounded_number_of_entries(self, cluster: Cluster) -> None:
        runs = agent(cluster, "a", cpu=1)
        queue = cluster.store.keys("rq_queue", cluster.store.keys.queue("a"))
        cluster.connection.rpush(queue, *(f"unknown-{number}" for number in range(1000)))

        assert runs.take() == []

        assert cluster.connection.llen(queue) > 500
        cluster.connection.delete(queue)


class TestTimes:
    def test_of_two_limits_that_have_passed_unnoticed_the_first_counts(self, cluster: Cluster) -> None:
        for number in range(8):
            cluster.enqueue("module:f", job_id=f"j{number}", cost={"gpu": 1}, wait_ttl=0.4, on_infeasible=1)

        pass_ms(cluster, 5000)
        tick(cluster)

        jobs = read_ledger(cluster.store).jobs
        assert {job["h_error"] for job in jobs.values()} == {"handoff.errors.WaitExpired"}


class TestOvertaking:
    def test_those_in_front_that_start_in_their_turn_put_off_no_hold(self, cluster: Cluster) -> None:
        cluster.limit_overtaking(count=2, seconds=None)
        cluster.register_node("a", {"cpu": 4})
        in_front = ["e0", "e1", "e2", "e3", "e4"]
        for id in in_front:
            submit(cluster, id, cpu=3)
        submit(cluster, "whole", cpu=4)
        for id in in_front[:-1]:
            work.cancel(cluster.store, id)
        assert where(cluster, "e4", "whole") == ["a", "waiting"]

        placed = [submit(cluster, id, cpu=0.25) for id in ("first", "second", "third")]

        assert placed == ["a", "a", "waiting"]


class TestWorkLeftOver:
    def test_a_tick_that_leaves_work_over_may_be_repeated_at_once(self, cluster: Cluster) -> None:
        """By the server's clock: only there one tick keeps another away."""
        cluster.store.now_ms = 0
        for number in range(200):
            submit(cluster, f"j{number}", cpu=1)
        register_in_one_call(cluster, "a", units="cpu=2000000,slots=2000000")
        assert read_ledger(cluster.store).get("dirty")

        tick(cluster)

        assert where(cluster, "j199") == ["a"]

    def test_a_name_that_is_registered_while_its_node_is_taken_away_keeps_what_comes_after(
        self, cluster: Cluster
    ) -> None:
        """None of them waits for long, so that what is given back is at once placed there again."""
        cluster.register_node("a", {"cpu": 1000})
        for number in range(100):
            submit(cluster, f"j{number}", cpu=1 + number / 100)
        reply = cluster.store.run("deregister", name="a", incarnation="", lost_text=LOST_TEXT)
        assert reply == ["again"]

        cluster.register_node("a", {"cpu": 1000})
        for number in range(10):
            cluster.store.run("tick", room=0, token=f"{number}", **ENDING_TEXTS)

        ledger = read_ledger(cluster.store)
        assert ledger.get("abandoned") == {}
        assert len(ledger.queue("a")) == 100

    def test_a_finish_asked_again_tells_again_that_work_is_left_over(self, cluster: Cluster) -> None:
        agent(cluster, "z", memory=100, slots=100)
        runs = agent(cluster, "a", cpu=1)
        for number in range(30):
            submit(cluster, f"j{number}", memory=1, node="z")
        pass_ms(cluster, LEASE_MS - 1)
        runs.beat()
        pass_ms(cluster, 1)
        arguments: dict[str, Any] = {"name": "a", "epoch": runs.epoch, "op": 1, "room": 0, "lost_text": LOST_TEXT}

        first = cluster.store.run("finish", **arguments)

        assert first[3] == 1
        assert cluster.store.run("finish", **arguments) == first
        tick(cluster)
