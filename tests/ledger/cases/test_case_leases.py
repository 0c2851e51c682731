"""What random campaigns once found wrong with leases, claims and times, each as the shortest story that tells it."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger import functions as work
from handoff.words.function import Function
from support.agent import Stale, ok
from support.books import check_books
from support.ledger import read_ledger
from support.stories import LEASE_MS, agent, pass_ms, placed_on, submit, tick, where


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

    def test_claims_that_were_made_together_end_together_and_none_of_them_is_told_any_more(
        self, cluster: Cluster
    ) -> None:
        cluster.register_node("a", {"cpu": 2})
        functions = [Function(id, "module:f", cost={"cpu": 1}) for id in "fg"]
        cluster.tracker.allocate_and_claim(functions, ttl=1, owner="batch")
        pass_ms(cluster, 999)
        assert [(claim.owner, claim.left_s, claim.held_s) for claim in cluster.tracker.claims()] == [
            ("batch", 0.001, 0.999)
        ] * 2

        pass_ms(cluster, 1)

        assert cluster.tracker.claims() == []
        assert cluster.resources_available("a", {"cpu": 2})
        assert not cluster.connection.exists(cluster.store.keys("claim_owners"))

    @pytest.mark.parametrize("lost", ["a", "b"])
    def test_an_allocation_asked_again_after_one_of_its_nodes_was_lost_is_made_anew(
        self, cluster: Cluster, lost: str
    ) -> None:
        keeps = {"a": "b", "b": "a"}[lost]
        agents = {name: agent(cluster, name, cpu=1) for name in "ab"}
        entries = ["~one", 0, "first_available", "", "cpu=10000", "~two", 1, "first_available", "", "cpu=10000"]
        assert cluster.store.run("allocate", *entries, among="", ttl_ms=0, owner="") == ["claimed", placed_on("a", "b")]
        pass_ms(cluster, LEASE_MS - 1)
        agents[keeps].beat()
        cluster.register_node("c", {"cpu": 1})
        pass_ms(cluster, 1)

        again = cluster.store.run("allocate", *entries, among="", ttl_ms=0, owner="")

        assert again == ["claimed", placed_on(keeps, "c")]
        check_books(cluster.store)

    def test_an_allocation_that_cannot_be_made_anew_leaves_nothing_claimed(self, cluster: Cluster) -> None:
        agent(cluster, "a", cpu=1)
        cluster.register_node("b", {"cpu": 1})
        entries = ["~one", 0, "first_available", "", "cpu=10000", "~two", 1, "first_available", "", "cpu=10000"]
        cluster.store.run("allocate", *entries, among="", ttl_ms=0, owner="")
        submit(cluster, "j", cpu=1)
        pass_ms(cluster, LEASE_MS)

        assert cluster.store.run("allocate", *entries, among="", ttl_ms=0, owner="")[0] == "short"

        assert where(cluster, "j") == ["b"]


class TestTimes:
    def test_of_two_limits_that_have_passed_unnoticed_the_first_counts(self, cluster: Cluster) -> None:
        for number in range(8):
            cluster.enqueue("module:f", job_id=f"j{number}", cost={"gpu": 1}, wait_ttl=0.4, on_infeasible=1)

        pass_ms(cluster, 5000)
        tick(cluster)

        jobs = read_ledger(cluster.store).jobs
        assert {job["h_error"] for job in jobs.values()} == {"handoff.errors.WaitExpired"}
