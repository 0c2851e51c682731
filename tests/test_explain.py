"""Why a function stands where it does: on both kinds of server, and against a tracker in plain Python."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest

from handoff.books.simple import SimpleResourceTracker
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import ResourcesUnavailable, UnknownFunction
from handoff.ledger.housekeeping import tick
from handoff.ledger.phrases import shortfall_in_words
from handoff.ledger.texts.shortfall import read_shortfall
from handoff.local.server import RedisServer
from handoff.why.explain import explain
from handoff.why.explanation import Explanation
from handoff.words.constraints import Not
from handoff.words.function import Function
from handoff.words.variants import After
from support.agent import FakeAgent, failure, ok

T0 = 1_700_000_000_000


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """With a clock that stands still, so that sentences can be compared."""
    cluster.store.now_ms = T0
    return cluster


def why(cluster: Cluster, handle: Handle) -> Explanation:
    return explain(cluster.store, handle.id)


def pass_s(cluster: Cluster, seconds: float) -> None:
    cluster.store.now_ms += round(1000 * seconds)


def one(entries: list[dict[str, Any]], **where: Any) -> dict[str, Any]:
    """The one entry with these values."""
    (found,) = [entry for entry in entries if all(entry[name] == value for name, value in where.items())]
    return found


def ask(cluster: Cluster, **options: Any) -> Handle:
    return cluster.enqueue("tasks:f", **options)


class TestWhatIsShort:
    def test_of_the_only_node_that_could_hold_it_is_said_what_is_missing_and_who_has_it(self, cluster: Cluster) -> None:
        cluster.register_node("big-1", {"cpu": 8, "gpu": 2})
        cluster.register_node("small", {"cpu": 4})
        first = ask(cluster, cost={"gpu": 1}, job_id=f"first-{uuid.uuid4().hex}")
        pass_s(cluster, 40)

        found = why(cluster, ask(cluster, cost={"gpu": 2}))

        assert found.text == (
            "waits for gpu 2: big-1, the only live node that could hold it, is short of 1 gpu; "
            "1 function holds it, for 40 s by now; would start now on big-1 with gpu 1"
        )
        assert one(found.short, node="big-1")["missing"] == {"gpu": 1}
        assert one(found.short, node="small")["never"] == ["gpu 2 wanted, small has 0"]
        (holder,) = found.holders
        assert (holder["kind"], holder["id"], holder["node"]) == ("function", first.id, "big-1")
        assert (holder["amounts"], holder["seconds"]) == ({"gpu": 1, "slots": 1}, 40.0)
        assert holder["since"] == "2023-11-14T22:13:20.000+00:00"

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
        assert found.text.startswith("waits for cpu 1: node b is short of 1 cpu; 1 claim holds it")

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
        assert found.text == "waits for cpu 1: no node that could hold it takes anything now, see `handoff nodes`"

    def test_a_node_whose_lease_is_over_is_not_told(self, cluster: Cluster) -> None:
        FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        handle = ask(cluster, cost={"cpu": 5})
        pass_s(cluster, 7)

        found = why(cluster, handle)

        assert (found.short, found.text) == (
            [],
            "waits for cpu 5: no live node could hold it, even when idle (no node is live)",
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
        ("", None, "no node is live"),
        ("", "a@b", "node a@b is not live"),
        ("big-1|gpu~40000~20000", None, "gpu 4 wanted, big-1 has 2"),
        ("a|cpu~5000~0|*license~90000~50000", None, "cpu 0.5 wanted, a has 0; license 9 wanted, the cluster has 5"),
        ("a|fpga~15000~20000", None, "fpga 1.5 wanted, a has 2 as whole devices"),
        ("a|@zone~a~b", "a", "zone a wanted, a has b"),
        ("a|@zone~a,b,c~", None, "zone a, b or c wanted, a has none"),
        ("a|@zone~!a,b~a", None, "any zone but a or b wanted, a has a"),
        ("a|@node~b,c~a|@node~!a~a", None, "node b or c wanted, a is another; any node but a wanted, a is it"),
        ("a|", None, "no live node has all of it at once"),
    ],
)
def test_what_the_nearest_node_lacks_is_said_in_words(nearest: str, pinned: str | None, said: str) -> None:
    assert shortfall_in_words(read_shortfall(nearest), pinned) == said


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


class TestSmallestChange:
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
            "waits for cpu 5: every node that could hold it is held for another; would start now on b with cpu 2"
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


class TestWhatDoesNotWait:
    def test_of_what_is_queued_or_runs_is_told_what_it_holds_and_since_when(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4, "gpu": 2}).register()
        cluster.share({"license": 1})
        handle = ask(cluster, cost={"cpu": 1, "gpu": 0.5, "license": 1})
        queued = why(cluster, handle)
        pass_s(cluster, 2)
        agent.take()

        started = why(cluster, handle)

        assert (queued.state, started.state) == ("queued", "started")
        assert started.text == "runs on a, gpu 0"
        (holder,) = started.holders
        assert (holder["id"], holder["node"], holder["seconds"]) == (handle.id, "a", 2.0)
        assert holder["amounts"] == {"cpu": 1, "gpu": 0.5, "license": 1, "slots": 1}

    def test_of_what_is_delayed_is_told_until_when(self, cluster: Cluster) -> None:
        found = why(cluster, ask(cluster, delay=90))

        assert found.state == "delayed"
        assert found.waits_for == [{"kind": "time", "until": "2023-11-14T22:14:50.000+00:00", "seconds": 90.0}]
        assert found.text == "is delayed until 2023-11-14T22:14:50.000+00:00, which is in 90 s"

    def test_of_what_is_to_be_tried_again_is_told_when(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        handle = ask(cluster, max_retries=1)
        (started,) = agent.take()
        agent.finish(failure(started.id))

        found = why(cluster, handle)

        assert found.text == "attempt 1 failed: the next one is due in 1.0 s"
        assert [entry["seconds"] for entry in found.waits_for] == [1.0]

    def test_of_what_is_stopped_because_its_node_is_drained_that_is_said(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}, lease_ms=60_000).register()
        handle = ask(cluster)
        agent.take()
        cluster.drain("a", deadline=1)
        pass_s(cluster, 2)
        tick(cluster.store)

        assert why(cluster, handle).text == "runs on a, and is being stopped, for the node is drained"

    def test_of_what_has_ended_is_told_how(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        finished, failed, canceled = (ask(cluster) for _ in range(3))
        canceled.cancel()
        ids = {started.job_id: started.id for started in agent.take(2)}
        agent.finish(ok(ids[finished.id]), failure(ids[failed.id]))

        texts = [why(cluster, handle).text for handle in (finished, failed, canceled)]

        assert texts == [
            "finished on a",
            "failed on a after 1 attempt with builtins.ValueError: no",
            "canceled before it started",
        ]

    def test_one_that_nobody_submitted_is_unknown(self, cluster: Cluster) -> None:
        with pytest.raises(UnknownFunction, match="nobody"):
            explain(cluster.store, "nobody")


def test_the_keys_are_the_same_in_every_state_and_all_of_it_is_json(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 4, "gpu": 2})
    handles = [
        ask(cluster, cost={"cpu": 4}),
        ask(cluster, cost=[{"cpu": 4}, After(5, {"gpu": 1})]),
        ask(cluster, cost={"cpu": 3}),
        ask(cluster, cost={"cpu": 9}),
        ask(cluster, delay=5),
    ]

    dicts = [why(cluster, handle).to_dict() for handle in handles]

    names = [field.name for field in fields(Explanation)]
    assert all(list(each) == names for each in dicts)
    assert [each["state"] for each in dicts] == ["queued", "waiting", "waiting", "infeasible", "delayed"]
    assert json.loads(json.dumps(dicts, allow_nan=False)) == dicts
    changes = [each["smallest_change"] for each in dicts if each["smallest_change"]]
    assert len({change["kind"] for change in changes}) == len(changes) == 3
    assert len({tuple(change) for change in changes}) == 1


# Against a tracker in plain Python that has the same nodes and the same claims.

KINDS: list[tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = [
    ({"cpu": 4, "memory": 8}, {}, {}),
    ({"cpu": 8, "gpu": 2}, {"zone": "x"}, {}),
    ({"cpu": 2, "gpu": 3}, {"zone": "y"}, {"gpu": [4, 8, 8]}),
    ({"cpu": 8, "memory": 4, "tpu": 1}, {"zone": "x", "tier": "spot"}, {}),
]
COSTS: list[dict[str, float]] = [
    {"cpu": 1}, {"cpu": 3}, {"cpu": 8}, {"memory": 3}, {"gpu": 1}, {"gpu": 0.5}, {"gpu": 2}, {"gpu": 3},
    {"gpu_memory": 4}, {"gpu_memory": 7}, {"tpu": 1}, {"cpu": 2, "gpu": 1}, {"cpu": 4, "memory": 4},
    {"cpu": 2, "tpu": 1},
    {"cpu": 8, "gpu": 2}, {"cpu": 2, "gpu_memory": 8},
]  # fmt: skip
WHERES: list[dict[str, Any] | None] = [None, None, None, {"zone": "x"}, {"zone": Not("x")}, {"tier": Not("spot")}]


class Mirror:
    """Nodes and claims, in Redis and in plain Python."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self._cluster = cluster
        self._plain = SimpleResourceTracker()
        self._idle = SimpleResourceTracker()
        self.labels: dict[str, dict[str, str]] = {}
        self.claims: dict[str, tuple[Any, Any]] = {}
        for i in range(chance.randint(1, 6)):
            capabilities, labels, memory = chance.choice(KINDS)
            name = f"n{i}"
            for tracker in (cluster.tracker, self._plain, self._idle):
                tracker.register_node(name, capabilities, labels, memory)
            self.labels[name] = labels
        for _ in range(chance.randint(0, 12)):
            self.claim(chance.choice(list(self.labels)), chance.choice(COSTS))
            pass_s(cluster, 1)

    def claim(self, node: str, cost: Mapping[str, float]) -> None:
        try:
            claim = self._cluster.tracker.request(node, cost)
        except ResourcesUnavailable:
            return
        self.claims[claim.id] = (claim, self._plain.request(node, cost))

    def release(self, id: str) -> None:
        claim, plain = self.claims.pop(id)
        assert self._cluster.tracker.release(claim)
        assert self._plain.release(plain)

    def allowed(self, where: Mapping[str, Any] | None) -> list[str]:
        (term,) = (where or {"node": list(self.labels)}).items()
        values = term[1].values if isinstance(term[1], Not) else term[1]
        has = {name: name if term[0] == "node" else labels.get(term[0]) for name, labels in self.labels.items()}
        return [
            name for name, value in has.items() if (value is not None and value in values) != isinstance(term[1], Not)
        ]

    def fits(self, node: str, cost: Mapping[str, float], *, idle: bool = False) -> bool:
        return (self._idle if idle else self._plain).resources_available(node, cost)

    def missing(self, nodes: list[str], resource: str, amount: float) -> float:
        """Of the best of these nodes."""
        found = []
        for node in nodes:
            try:
                self._plain.release(self._plain.request(node, {resource: amount}))
                found.append(0.0)
            except ResourcesUnavailable as error:
                found.append(float(error.short[resource]))
        return min(found)

    def smallest_part(self, nodes: list[str], cost: Mapping[str, float], *, idle: bool) -> float | None:
        """How small a part of one amount would have to be given up."""
        parts = [
            (wanted - less) / wanted
            for resource, wanted in cost.items()
            for less in (0.5, *range(1, int(wanted + 1)))
            if less < wanted and any(self.fits(node, {**cost, resource: less}, idle=idle) for node in nodes)
        ]
        return min(parts, default=None)


@pytest.mark.parametrize("seed", range(20))
def test_an_explanation_agrees_with_plain_python(cluster: Cluster, seed: int) -> None:
    chance = random.Random(seed)
    mirror = Mirror(cluster, chance)
    for _ in range(6):
        cost, where = chance.choice(COSTS), chance.choice(WHERES)
        handle = ask(cluster, cost=cost, where=where)
        if handle.status == "waiting":
            check(cluster, mirror, handle, cost, where)
        handle.cancel()


def check(
    cluster: Cluster, mirror: Mirror, handle: Handle, cost: Mapping[str, float], where: Mapping[str, Any] | None
) -> None:
    found = why(cluster, handle)
    nodes = mirror.allowed(where)
    able = [name for name in nodes if mirror.fits(name, cost, idle=True)]

    assert found.state == ("waiting" if able else "infeasible")
    assert sum(kind["nodes"] for kind in found.short) == len(mirror.labels)
    for kind in found.short:
        alike = [name for name in able if mirror.labels[name] == kind["labels"]]
        assert bool(kind["never"]) == (kind["node"] not in able)
        if not kind["never"]:
            lacks = {resource: mirror.missing(alike, resource, amount) for resource, amount in cost.items()}
            assert kind["missing"] == {resource: lack for resource, lack in lacks.items() if lack}
            assert (kind["room"], kind["apart"]) == (0, not kind["missing"])

    change = found.smallest_change
    part = mirror.smallest_part(nodes, cost, idle=False)
    if part is not None:
        assert change is not None
        assert (change["kind"], 1 - change["to"] / change["from"]) == ("lower", pytest.approx(part))
        assert mirror.fits(change["node"], change["cost"])
    elif able:
        assert change is not None
        assert change["kind"] == "releases"
        assert change["node"] in able
        for i, each in enumerate(change["functions"]):
            assert not mirror.fits(change["node"], cost), (i, change)
            mirror.release(each["id"])
        assert handle.status == "queued"
    elif change is not None:
        assert change["kind"] == "lower_capacity"
        assert 1 - change["to"] / change["from"] == pytest.approx(mirror.smallest_part(nodes, cost, idle=True))
        assert mirror.fits(change["node"], change["cost"], idle=True)
    else:
        assert mirror.smallest_part(nodes, cost, idle=True) is None


def test_asking_takes_as_many_commands_however_many_wait_and_however_many_nodes_are_alike(server: RedisServer) -> None:
    def commands(cluster: Cluster) -> int:
        stats = cluster.connection.info("commandstats")
        return sum(each["calls"] for name, each in stats.items() if name not in ("cmdstat_info", "cmdstat_evalsha"))

    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        counts = []
        handle = None
        for nodes, waiting in ((20, 10), (200, 1000)):
            for i in range(nodes):
                cluster.register_node(f"n{i}", {"cpu": 4, "gpu": 2})
                cluster.tracker.request(f"n{i}", {"cpu": 4}) if cluster.resources_available(
                    f"n{i}", {"cpu": 4}
                ) else None
            for i in range(waiting):
                handle = ask(cluster, cost={"cpu": 1 + i % 3})
            assert handle is not None
            why(cluster, handle)
            before = commands(cluster)
            why(cluster, handle)
            counts.append(commands(cluster) - before)

    assert counts[1] <= 1.2 * counts[0]


def undo(cluster: Cluster, claims: dict[str, Any], holder: dict[str, Any]) -> None:
    if holder["kind"] == "claim":
        assert cluster.tracker.release(claims.pop(holder["id"]))
    else:
        assert cluster.handle(holder["id"]).cancel()


@pytest.mark.parametrize("seed", range(20))
def test_what_it_says_would_start_it_starts_it(cluster: Cluster, seed: int) -> None:
    chance = random.Random(seed)
    cluster.share({"license": 4, "memory": 6})
    for i in range(chance.randint(1, 4)):
        capabilities, labels, memory = chance.choice(KINDS)
        cluster.register_node(f"n{i}", capabilities, labels, memory)
    claims: dict[str, Any] = {}
    for _ in range(chance.randint(4, 20)):
        name, cost = chance.choice(list(cluster.discover_nodes())), a_cost(chance)
        if chance.random() < 0.3:
            handle = ask(cluster, cost=cost)
            if handle.status == "waiting":
                # It would take what is given back before there is enough of it.
                handle.cancel()
        elif cluster.resources_available(name, cost):
            claim = cluster.tracker.request(name, cost)
            claims[claim.id] = claim
        pass_s(cluster, 1)

    for _ in range(5):
        handle = ask(cluster, cost=[a_cost(chance), After(5, a_cost(chance))], where=chance.choice(WHERES))
        change = why(cluster, handle).smallest_change if handle.status == "waiting" else None
        match change:
            case {"kind": "variant", "joins_s": seconds, "node": node}:
                pass_s(cluster, seconds)
                tick(cluster.store)
                assert (handle.status, handle.node) == ("queued", node)
            case {"kind": "releases", "functions": holders, "count": count}:
                assert len(holders) == count
                for holder in holders:
                    assert handle.status == "waiting"
                    undo(cluster, claims, holder)
                assert handle.status == "queued"
            case {"kind": "lower", "cost": lowered, "node": node}:
                assert cluster.resources_available(node, lowered)
        handle.cancel()


def a_cost(chance: random.Random) -> dict[str, float]:
    return chance.choice(COSTS) | chance.choice([{}, {"license": chance.randint(1, 5)}])
