"""The smallest change that would start what waits."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.words.variants import After
from support.explaining import ask, pass_s, why


class TestSmallestChange:
    @pytest.mark.parametrize("resource", ["gpu", "cpu"])
    def test_of_thirds_that_were_rounded_up_it_is_said_which_would_fit(self, cluster: Cluster, resource: str) -> None:
        cluster.register_node("a", {resource: 1})
        *_, third = [ask(cluster, cost={resource: 1 / 3}) for _ in range(3)]

        assert why(cluster, third).text.endswith(
            f"; would start now on a with {resource} 0.3332 (requests are rounded up to 0.0001, and 3 x 0.3334 is more "
            "than 1: ask for 0.3333)"
        )

    def test_where_more_than_a_rounding_is_missing_nothing_is_said_of_it(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"gpu": 1})
        ask(cluster, cost={"gpu": 0.7})

        assert why(cluster, ask(cluster, cost={"gpu": 1 / 3})).text.endswith("; would start now on a with gpu 0.3")

    def test_first_comes_another_variant_that_would_fit_now(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 8, "gpu": 2})
        cluster.tracker.request("a", {"gpu": 1})

        found = why(cluster, ask(cluster, cost=[{"gpu": 2}, After(30, {"gpu": 3}), After(60, {"cpu": 8})]))

        change = found.smallest_change
        assert change is not None
        assert (change["kind"], change["variant"], change["node"], change["joins_s"]) == ("variant", 2, "a", 60.0)
        assert found.text.endswith("; would start now on a with cpu 8, which counts in 60 s")

    def test_one_none_of_whose_costs_counts_yet_is_told_what_would_start_it(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 8})
        handle = ask(cluster, cost=[After(30, {"cpu": 9}), After(60, {"cpu": 8})])
        pass_s(cluster, 10)

        assert why(cluster, handle).text == (
            "waits for cpu 9 or cpu 8: none of it counts for another 20 s; "
            "would start now on a with cpu 8, which counts in 50 s"
        )

    def test_a_variant_that_would_not_fit_either_is_not_told(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 8, "gpu": 2})
        cluster.tracker.request("a", {"gpu": 1, "cpu": 1})

        found = why(cluster, ask(cluster, cost=[{"gpu": 2}, After(30, {"cpu": 8})]))

        assert found.smallest_change is not None
        assert (found.smallest_change["kind"], found.smallest_change["to"]) == ("lower", 1)

    def test_of_amounts_that_could_be_lowered_the_one_is_told_of_which_least_is_given_up(
        self, cluster: Cluster
    ) -> None:
        cluster.register_node("a", {"cpu": 8, "memory": 100})
        cluster.register_node("b", {"cpu": 8, "memory": 100})
        cluster.register_node("c", {"cpu": 8, "memory": 100})
        cluster.tracker.request("a", {"cpu": 4})
        cluster.tracker.request("b", {"memory": 10})
        cluster.tracker.request("c", {"memory": 10})

        found = why(cluster, ask(cluster, cost={"cpu": 8, "memory": 100}))

        change = found.smallest_change
        assert change is not None
        assert (change["kind"], change["resource"], change["from"], change["to"]) == ("lower", "memory", 100, 90)
        assert (change["node"], change["nodes"], change["cost"]) == ("b", 2, {"cpu": 8, "memory": 90})

    def test_what_the_cluster_shares_may_be_what_is_to_be_lowered(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 8})
        cluster.share({"license": 5})
        cluster.tracker.request("a", {"license": 2})

        found = why(cluster, ask(cluster, cost={"cpu": 8, "license": 4}))

        change = found.smallest_change
        assert change is not None
        assert (change["kind"], change["resource"], change["to"], change["node"]) == ("lower", "license", 3, "a")

    def test_a_node_that_is_held_for_another_is_no_place_to_lower_for(self, cluster: Cluster) -> None:
        cluster.limit_overtaking(count=1, seconds=None)
        cluster.register_node("a", {"cpu": 8})
        cluster.register_node("b", {"cpu": 2})
        cluster.tracker.request("a", {"cpu": 4})
        ask(cluster, cost={"cpu": 8})
        ask(cluster, cost={"cpu": 2})

        found = why(cluster, ask(cluster, cost={"cpu": 5}))

        assert found.smallest_change is not None
        assert (found.smallest_change["node"], found.smallest_change["to"]) == ("b", 2)
        assert found.text == (
            "waits for cpu 5: every node that could hold it is held for another, a is short of 3 cpu too; "
            "would start now on b with cpu 2"
        )

    def test_without_any_amount_to_lower_it_is_told_who_has_to_end_first(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        claims = []
        for cpu in (1, 2, 1):
            claims.append(cluster.tracker.request("a", {"cpu": cpu}))
            pass_s(cluster, 1)
        handle = ask(cluster, cost={"cpu": 2})

        change = why(cluster, handle).smallest_change

        assert change is not None
        assert (change["kind"], change["node"], change["count"]) == ("releases", "a", 1)
        assert [each["id"] for each in change["functions"]] == [claims[1].id]
        cluster.tracker.release(claims[1])
        assert handle.status == "queued"

    def test_who_has_to_end_may_hold_what_the_cluster_shares(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.register_node("b", {"cpu": 1})
        cluster.share({"license": 1})
        on_b = cluster.tracker.request("b", {"license": 1})
        on_a = cluster.tracker.request("a", {"cpu": 4})
        handle = ask(cluster, cost={"cpu": 4, "license": 1})

        change = why(cluster, handle).smallest_change

        assert change is not None
        assert {each["id"] for each in change["functions"]} == {on_a.id, on_b.id}
        cluster.tracker.release(on_a)
        assert handle.status == "waiting"
        cluster.tracker.release(on_b)
        assert handle.status == "queued"

    def test_what_no_idle_node_could_hold_is_told_what_one_could(self, cluster: Cluster) -> None:
        cluster.register_node("big-1", {"gpu": 2, "cpu": 8})
        cluster.register_node("small", {"gpu": 1, "cpu": 8})
        for name, gpu in (("big-1", 2), ("small", 1)):
            cluster.tracker.request(name, {"gpu": gpu})

        found = why(cluster, ask(cluster, cost={"gpu": 4, "cpu": 8}))

        change = found.smallest_change
        assert change is not None
        assert (change["kind"], change["to"], change["node"]) == ("lower_capacity", 2, "big-1")
        assert found.text == (
            "waits for cpu 8, gpu 4: no live node could hold it, even when idle (gpu 4 wanted, big-1 has 2); "
            "big-1 could with gpu 2"
        )

    def test_one_whose_later_variant_could_be_held_waits_and_is_not_infeasible(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"gpu": 2, "cpu": 8})

        found = why(cluster, ask(cluster, cost=[{"gpu": 4}, After(30, {"cpu": 8})]))

        assert found.state == "waiting"
        assert found.text == (
            "waits for gpu 4: no live node could hold it, even when idle (gpu 4 wanted, a has 2); "
            "would start now on a with cpu 8, which counts in 30 s"
        )
