"""How often the first of its kind was overtaken, and what is held for it."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from support.explaining import ask, pass_s, why


class TestOvertaking:
    @pytest.fixture
    def overtaken(self, cluster: Cluster) -> Handle:
        """The first of its shape, which lacks cpu on `a`, and was overtaken once."""
        cluster.limit_overtaking(count=2, seconds=600)
        cluster.register_node("a", {"cpu": 4})
        cluster.tracker.request("a", {"cpu": 1})
        handle = ask(cluster, cost={"cpu": 4})
        pass_s(cluster, 5)
        ask(cluster, cost={"cpu": 1})
        return handle

    def test_the_first_of_its_shape_is_told_how_often_it_was_overtaken(
        self, cluster: Cluster, overtaken: Handle
    ) -> None:
        found = why(cluster, overtaken)

        assert found.overtakes == {
            "count": 1,
            "since": "2023-11-14T22:13:20.000+00:00",
            "seconds": 5.0,
            "limit": 2,
            "limit_s": 600.0,
        }
        assert found.holds == []

    def test_others_are_not(self, cluster: Cluster, overtaken: Handle) -> None:
        assert why(cluster, ask(cluster, cost={"cpu": 4})).overtakes is None

    def test_no_limit_is_none(self, cluster: Cluster, overtaken: Handle) -> None:
        cluster.limit_overtaking(count=None, seconds=None)

        overtakes = why(cluster, overtaken).overtakes

        assert overtakes is not None
        assert (overtakes["limit"], overtakes["limit_s"]) == (None, None)

    def test_what_is_held_for_it_is_told(self, cluster: Cluster, overtaken: Handle) -> None:
        ask(cluster, cost={"cpu": 1})

        found = why(cluster, overtaken)

        assert found.holds == [
            {"node": "a", "lacks": ["cpu"], "id": overtaken.id, "function_id": overtaken.id, "own": True}
        ]
        assert found.text.endswith("; a is held for it")

    def test_who_is_kept_back_by_that_is_told_for_whom(self, cluster: Cluster, overtaken: Handle) -> None:
        ask(cluster, cost={"cpu": 1})

        found = why(cluster, ask(cluster, cost={"cpu": 1}))

        assert [(hold["node"], hold["id"], hold["own"]) for hold in found.holds] == [("a", overtaken.id, False)]
        (kind,) = found.short
        assert (kind["room"], kind["withheld"]) == (1, 1)
        assert found.text == f"waits for cpu 1: a has room, held for {overtaken.id}"
        assert found.own_text == "waits for cpu 1: no node that could hold it takes it now"
