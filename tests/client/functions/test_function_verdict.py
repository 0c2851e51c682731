"""What a client is told at once of a function that it submits."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.ledger.verdict import Verdict
from support.agent import FakeAgent
from support.books import check_books
from support.passing import pass_ms
from support.submits import submit, verdict_of


class TestVerdict:
    def test_a_function_that_fits_is_placed_on_the_first_node_that_was_registered(self, cluster: Cluster) -> None:
        for name in ("b", "a"):
            cluster.register_node(name, {"cpu": 1})

        assert verdict_of(cluster, cost={"cpu": 1}) == Verdict("placed", "b", {}, "placed on b")
        assert verdict_of(cluster, cost={"cpu": 0.5}) == Verdict("placed", "a", {}, "placed on a")

    def test_it_says_which_devices_it_holds(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": [0, 3, 5], "fpga": [7]})

        handle = submit(cluster, cost={"gpu": 2, "fpga": 0.5})

        devices = {"gpu": [0, 3], "fpga": [7]}
        assert handle.verdict == Verdict("placed", "a", devices, "placed on a with fpga 7, gpu 0 3")
        assert handle.devices == devices
        assert verdict_of(cluster, cost={"gpu": 0.5}).devices == {"gpu": [5]}

    def test_what_fits_on_no_node_now_waits_and_says_for_what(self, cluster: Cluster) -> None:
        for name in ("a", "b"):
            cluster.register_node(name, {"cpu": 2})
            cluster.tracker.request(name, {"cpu": 1})

        handle = submit(cluster, cost={"cpu": 2})

        reason = "waits until a node has room for cpu 2: 2 live nodes could hold it when idle"
        assert handle.verdict == Verdict("waiting", None, {}, reason)
        assert (handle.status, handle.node, handle.devices, handle.attempts) == ("waiting", None, {}, 0)

    def test_what_only_lacks_a_slot_waits_for_one(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"slots": 1})
        submit(cluster)

        reason = "waits until a node has room for a slot: 1 live node could hold it when idle"
        assert verdict_of(cluster) == Verdict("waiting", None, {}, reason)

    def test_what_is_pinned_waits_for_its_node_while_others_have_room(self, cluster: Cluster) -> None:
        for name in ("a", "b"):
            cluster.register_node(name, {"cpu": 1})
        submit(cluster, cost={"cpu": 1}, node="b")

        reason = "waits until node b has room for cpu 1"
        assert verdict_of(cluster, cost={"cpu": 1}, node="b") == Verdict("waiting", None, {}, reason)
        assert verdict_of(cluster, cost={"cpu": 1}).node == "a"

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"cost": {"cpu": 5}}, "cpu 5 wanted, a has 4"),
            ({"cost": {"tpu": 0.5}}, "tpu 0.5 wanted, a has 0"),
            ({"cost": {"gpu": 3}}, "gpu 3 wanted, b has 2"),
            ({"cost": {"cpu": 4, "gpu": 1}}, "cpu 4 wanted, b has 2"),
            ({"cost": {"gpu": 1}, "node": "a"}, "gpu 1 wanted, a has 0"),
            ({"cost": {"cpu": 3}, "node": "b"}, "cpu 3 wanted, b has 2"),
        ],
        ids=["too much", "unknown resource", "devices", "at once", "pinned without", "pinned too much"],
    )
    def test_what_no_node_could_hold_even_when_idle_is_infeasible(
        self, cluster: Cluster, fields: dict[str, Any], reason: str
    ) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.register_node("b", {"cpu": 2, "gpu": 2})

        handle = submit(cluster, **fields)

        assert handle.verdict == Verdict("infeasible", None, {}, reason)
        assert handle.status == "waiting"

    def test_without_any_node_everything_is_infeasible(self, cluster: Cluster) -> None:
        assert verdict_of(cluster).state == "infeasible"
        assert verdict_of(cluster, node="a").state == "infeasible"
        assert "node a" in verdict_of(cluster, node="a").reason

    def test_a_node_whose_lease_is_over_holds_nothing(self, cluster: Cluster, agent: FakeAgent) -> None:
        pass_ms(cluster.store, agent.lease_ms)

        assert verdict_of(cluster).state == "infeasible"

    def test_a_handle_made_from_an_id_has_no_verdict(self, cluster: Cluster) -> None:
        assert cluster.handle(submit(cluster).id).verdict is None

    def test_the_users_id_is_kept_and_need_not_be_unique(self, cluster: Cluster) -> None:
        one, other = submit(cluster, "any text: it is the user's"), submit(cluster, "any text: it is the user's")

        assert one.id != other.id
        assert cluster.handle(one.id).function_id == "any text: it is the user's"
        assert one.job.id == one.id


class TestCosts:
    def test_the_default_cost_is_that_of_functions_that_name_none(self, connection: redis.Redis) -> None:
        with Cluster(connection=connection, namespace="default-cost", default_cost={"cpu": 2}) as cluster:
            cluster.register_node("a", {"cpu": 5})

            submit(cluster)
            cluster.enqueue("tasks:work", cost={})
            cluster.enqueue("tasks:work", cost={"cpu": 1})

            assert cluster.tracker.available("a") == {"cpu": 2}
            check_books(cluster.store)

    def test_a_function_takes_a_slot_and_a_claim_does_not(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"slots": 2})

        submit(cluster)
        cluster.tracker.request("a", {})

        assert cluster.tracker.available("a") == {"slots": 1}
