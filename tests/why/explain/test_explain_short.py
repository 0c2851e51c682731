"""What is missing of which nodes, and who has it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.phrases import shortfall_in_words
from handoff.ledger.texts.shortfall import read_shortfall
from handoff.words.constraints import Not
from support.agent import FakeAgent
from support.explaining import ask, one, pass_s, why


class TestWhatIsShort:
    def test_of_the_only_node_that_could_hold_it_is_said_what_is_missing_and_who_has_it(self, cluster: Cluster) -> None:
        cluster.register_node("big-1", {"cpu": 8, "gpu": 2})
        cluster.register_node("small", {"cpu": 4})
        first = ask(cluster, cost={"gpu": 1}, job_id=f"first-{uuid.uuid4().hex}")
        pass_s(cluster, 40)

        found = why(cluster, ask(cluster, cost={"gpu": 2}))

        assert found.text == (
            "waits for gpu 2: big-1, the only live node that could hold it, is short of 1 gpu; "
            f"function {first.id} holds it, for 40 s by now; would start now on big-1 with gpu 1"
        )
        assert one(found.short, node="big-1")["missing"] == {"gpu": 1}
        assert one(found.short, node="small")["never"] == ["gpu 2 wanted, small has 0"]
        (holder,) = found.holders
        assert (holder["kind"], holder["id"], holder["node"]) == ("function", first.id, "big-1")
        assert (holder["amounts"], holder["seconds"]) == ({"gpu": 1, "slots": 1}, 40.0)
        assert holder["since"] == "2023-11-14T22:13:20.000+00:00"

    def test_whose_the_claim_is_that_holds_it_is_told(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"gpu": 1})
        cluster.tracker.request("a", {"gpu": 1}, owner="nightly on ci-2")
        pass_s(cluster, 40)

        found = why(cluster, ask(cluster, cost={"gpu": 1}))

        assert "; a claim of nightly on ci-2 holds it, for 40 s by now" in found.text
        assert [holder["owner"] for holder in found.holders] == ["nightly on ci-2"]

    def test_alike_nodes_are_told_of_once(self, cluster: Cluster) -> None:
        for name in "abc":
            cluster.register_node(name, {"cpu": 4}, labels={"zone": "x"})
        cluster.register_node("d", {"cpu": 4})
        cluster.register_node("e", {"cpu": 4})
        for name in "abcde":
            cluster.tracker.request(name, {"cpu": 3 if name == "c" else 4})

        found = why(cluster, ask(cluster, cost={"cpu": 3}))

        kinds = [(kind["node"], kind["nodes"], kind["labels"], kind["missing"]) for kind in found.short]
        assert kinds == [("a", 3, {"zone": "x"}, {"cpu": 2}), ("d", 2, {}, {"cpu": 3})]
        assert found.short[0]["resources"] == {"cpu": 4}
        assert found.text.startswith(
            "waits for cpu 3: none of the 5 live nodes that could hold it has room, c, the nearest, is short of 2 cpu"
        )

    def test_what_is_there_but_never_on_one_node_is_apart(self, cluster: Cluster) -> None:
        for name in "ab":
            cluster.register_node(name, {"cpu": 4, "memory": 100})
        cluster.tracker.request("a", {"cpu": 4})
        cluster.tracker.request("b", {"memory": 100})

        found = why(cluster, ask(cluster, cost={"cpu": 4, "memory": 100}))

        (kind,) = found.short
        assert (kind["missing"], kind["apart"], kind["room"]) == ({}, True, 0)
        assert "none of the 2 live nodes that could hold it has room for all of it at once" in found.text

    @pytest.mark.parametrize(
        ("where", "never"),
        [
            ({"zone": "b"}, ["zone b wanted, a has a"]),
            ({"zone": ["b", "c"], "tier": "x"}, ["tier x wanted, a has none", "zone b or c wanted, a has a"]),
            ({"zone": Not("a")}, ["any zone but a wanted, a has a"]),
            ({"node": Not("a")}, ["any node but a wanted, a is it"]),
        ],
    )
    def test_a_kind_that_may_not_hold_it_says_which_labels_are_in_the_way(
        self, cluster: Cluster, where: Mapping[str, Any], never: list[str]
    ) -> None:
        cluster.register_node("a", {"cpu": 4}, labels={"zone": "a"})

        found = why(cluster, ask(cluster, where=where))

        assert (found.state, found.short[0]["never"], found.smallest_change) == ("infeasible", never, None)

    def test_of_a_pinned_function_only_its_own_node_is_told(self, cluster: Cluster) -> None:
        for name in "ab":
            cluster.register_node(name, {"cpu": 4})
        cluster.tracker.request("b", {"cpu": 4})

        found = why(cluster, ask(cluster, cost={"cpu": 1}, node="b"))

        assert [(kind["node"], kind["nodes"]) for kind in found.short] == [("b", 1)]
        assert found.text.startswith("waits for cpu 1: node b is short of 1 cpu; a claim holds it")

    def test_of_devices_the_missing_idle_ones_count_and_of_memory_the_best_device(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"gpu": 3}, device_memory={"gpu": [8000, 8000, 4000]})
        for cost in ({"gpu": 0.5}, {"gpu_memory": 5000}):
            cluster.tracker.request("a", cost)

        whole = why(cluster, ask(cluster, cost={"gpu": 3}))
        memory = why(cluster, ask(cluster, cost={"gpu_memory": 7000}))

        assert whole.short[0]["missing"] == {"gpu": 2}
        assert memory.short[0]["missing"] == {"gpu_memory": 3000}
        assert memory.short[0]["resources"] == {"gpu": 3, "gpu_memory": 8000}
        assert len(whole.holders) == len(memory.holders) == 2

    def test_a_node_that_takes_nothing_is_not_told_as_short(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        agent.quiet()

        found = why(cluster, ask(cluster, cost={"cpu": 1}))

        (kind,) = found.short
        assert (kind["nodes"], kind["open"], kind["missing"], kind["apart"]) == (1, 0, {}, False)
        assert kind["closed"] == {"node": "a", "how": "quiet", "reason": ""}
        assert found.text == "waits for cpu 1: a could hold it and is quiet: its agent was told to take no more"

    def test_a_node_of_which_more_is_held_than_it_has_is_named_as_that(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.tracker.request("a", {"cpu": 4})
        cluster.register_node("a", {"cpu": 2})

        found = why(cluster, ask(cluster, cost={"cpu": 1}))

        assert found.short[0]["closed"]["how"] == "over"
        assert (
            found.text == "waits for cpu 1: a could hold it, and more is held there than it has since that was lowered"
        )

    @pytest.mark.parametrize(
        ("others", "pin", "nearest"),
        [
            ([], None, "b, lost 3 min ago, could hold it: `handoff node` on its host brings it back"),
            (["a"], "b", "b, lost 3 min ago, could hold it: `handoff node` on its host brings it back"),
            (["a"], None, "gpu 1 wanted, a has 0; b, lost 3 min ago, could hold it"),
        ],
        ids=["where none is live", "to which it is pinned", "beside what the nearest live one lacks"],
    )
    def test_a_node_that_is_lost_and_could_hold_it_is_named(
        self, cluster: Cluster, others: list[str], pin: str | None, nearest: str
    ) -> None:
        FakeAgent(cluster.store, "b", {"cpu": 4, "gpu": 1}, lease_ms=6000).register()
        FakeAgent(cluster.store, "c", {"cpu": 4}, lease_ms=6000).register()
        for name in others:
            cluster.register_node(name, {"cpu": 4})
        pass_s(cluster, 6)
        handle = ask(cluster, cost={"gpu": 1}, node=pin)
        pass_s(cluster, 180)

        assert why(cluster, handle).text == f"waits for gpu 1: no live node could hold it, even when idle ({nearest})"

    def test_a_lost_node_that_is_back_is_not_named_any_more(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "b", {"gpu": 1}, lease_ms=6000).register()
        pass_s(cluster, 7)
        handle = ask(cluster, cost={"gpu": 2})
        assert "no node is live" in why(cluster, handle).text

        agent.register()

        assert "(gpu 2 wanted, b has 1)" in why(cluster, handle).text

    def test_the_verdict_names_a_lost_node_that_could_hold_it(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        FakeAgent(cluster.store, "b", {"gpu": 1}, lease_ms=6000).register()
        pass_s(cluster, 7)

        verdict = ask(cluster, cost={"gpu": 1}).verdict

        assert verdict is not None
        assert verdict.reason == "gpu 1 wanted, a has 0; b, which is lost, could hold it"

    def test_a_node_whose_lease_is_over_is_not_told(self, cluster: Cluster) -> None:
        FakeAgent(cluster.store, "a", {"cpu": 4}, lease_ms=6000).register()
        handle = ask(cluster, cost={"cpu": 5})
        pass_s(cluster, 7)

        found = why(cluster, handle)

        assert (found.short, found.text) == (
            [],
            "waits for cpu 5: no live node could hold it, even when idle (no node is live: `handoff node` starts one)",
        )

    def test_what_is_lacked_of_what_the_cluster_shares_is_told_with_who_holds_it_where(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.register_node("b", {"cpu": 4})
        cluster.share({"license": 3})
        claim = cluster.tracker.request("b", {"license": 1})
        pass_s(cluster, 1)
        holding = ask(cluster, cost={"license": 2, "cpu": 1})

        found = why(cluster, ask(cluster, cost={"license": 2, "cpu": 1}))

        shared = one(found.short, node="*")
        assert (shared["missing"], shared["open"]) == ({"license": 2}, 1)
        assert one(found.short, node="a")["room"] == 2
        assert [(holder["id"], holder["node"], holder["amounts"]) for holder in found.holders] == [
            (claim.id, "b", {"license": 1}),
            (holding.id, "a", {"license": 2}),
        ]
        assert found.text == (
            "waits for cpu 1, license 2: the cluster is short of 2 license; "
            f"2 reservations hold it, the oldest for 1.0 s; a has room when {holding.function_id} has ended"
        )

    def test_more_than_the_cluster_shares_is_infeasible(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.share({"license": 3})

        found = why(cluster, ask(cluster, cost={"license": 9}))

        assert found.state == "infeasible"
        assert one(found.short, node="*")["never"] == ["license 9 wanted, the cluster has 3"]


@pytest.mark.parametrize(
    ("nearest", "pinned", "said"),
    [
        ("", None, "no node is live: `handoff node` starts one"),
        ("", "a@b", "node a@b is not live"),
        ("big-1|gpu~40000~20000", None, "gpu 4 wanted, big-1 has 2"),
        ("a|cpu~5000~0|*license~90000~50000", None, "cpu 0.5 wanted, a has 0; license 9 wanted, the cluster has 5"),
        ("a|fpga~15000~20000", None, "fpga 1.5 wanted, a has 2 as whole devices"),
        ("a|@zone~a~b", "a", "zone a wanted, a has b"),
        ("a|@zone~a,b,c~", None, "zone a, b or c wanted, a has none"),
        ("a|@zone~!a,b~a", None, "any zone but a or b wanted, a has a"),
        ("a|@node~b,c~a|@node~!a~a", None, "node b or c wanted, a is another; any node but a wanted, a is it"),
        ("a|", None, "no live node has all of it at once"),
        ("|^b", None, "b could hold it and is drained: `handoff undrain b` opens it"),
        ("a|cpu~50000~0|^b", None, "cpu 5 wanted, a has 0; b could hold it and is drained"),
        ("|^b^1000", None, "b, which is lost, could hold it: `handoff node` on its host brings it back"),
    ],
)
def test_what_the_nearest_node_lacks_is_said_in_words(nearest: str, pinned: str | None, said: str) -> None:
    assert shortfall_in_words(read_shortfall(nearest), pinned) == said
