"""Where a function stands among those that wait, and who holds what it waits for."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.words.function import Function
from handoff.words.variants import After
from support.explaining import ask, pass_s, why


class TestPosition:
    def test_it_is_told_in_its_shape_and_among_all(self, cluster: Cluster) -> None:
        waiting = [ask(cluster, cost={"cpu": cpu}) for cpu in (1, 2, 1, 1)]
        urgent = ask(cluster, cost={"cpu": 1}, priority=5)

        found = [why(cluster, handle).position for handle in (*waiting, urgent)]

        assert [tuple((each or {}).values()) for each in found] == [
            (2, 4, 2, 5),
            (1, 1, 3, 5),
            (3, 4, 4, 5),
            (4, 4, 5, 5),
            (1, 4, 1, 5),
        ]

    def test_before_any_variant_counts_it_stands_in_no_shape(self, cluster: Cluster) -> None:
        handle = ask(cluster, cost=[After(30, {"cpu": 1})])

        assert why(cluster, handle).position == {"in_shape": None, "of_shape": None, "among_all": 1, "of_all": 1}

    def test_what_does_not_wait_has_none(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})

        assert why(cluster, ask(cluster)).position is None


class TestHolders:
    def test_they_are_those_of_what_is_short_the_oldest_first_and_at_most_ten(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 12, "memory": 100})
        cluster.tracker.request("a", {"memory": 50})
        holding = []
        for _ in range(12):
            holding.append(cluster.tracker.request("a", {"cpu": 1}).id)
            pass_s(cluster, 1)

        found = why(cluster, ask(cluster, cost={"cpu": 12, "memory": 50}))

        assert [holder["id"] for holder in found.holders] == holding[:10]
        assert [holder["seconds"] for holder in found.holders] == [12.0 - i for i in range(10)]
        assert "; 12 claims hold it, the oldest for 12 s; " in found.text

    def test_of_a_function_the_users_own_id_is_told_too(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        handle = cluster.submit(Function("mine", "tasks:f", cost={"cpu": 1}))

        found = why(cluster, ask(cluster, cost={"cpu": 1}))

        assert (found.holders[0]["id"], found.holders[0]["function_id"]) == (handle.id, "mine")

    def test_who_holds_both_what_the_node_and_what_the_cluster_lacks_is_told_once(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        cluster.share({"license": 1})
        ask(cluster, cost={"cpu": 1, "license": 1})

        found = why(cluster, ask(cluster, cost={"cpu": 1, "license": 1}))

        assert [holder["amounts"] for holder in found.holders] == [{"cpu": 1, "license": 1, "slots": 1}]
