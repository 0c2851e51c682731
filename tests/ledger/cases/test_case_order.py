"""What random campaigns once found wrong with the order of decisions, each as the shortest story that tells it."""

from __future__ import annotations

from typing import Any

import pytest
from rq.job import Job as RqJob

from handoff.client.cluster import Cluster
from handoff.ledger import functions as work
from handoff.serializer import Serializer
from support.ledger import read_ledger
from support.stories import LEASE_MS, agent, pass_ms, register_in_one_call, submit, tick, where


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
        reply = cluster.store.run("deregister", name="a", incarnation="", cause="")
        assert reply == ["again"]

        cluster.register_node("a", {"cpu": 1000})
        for number in range(10):
            cluster.store.run("tick", room=0, token=f"{number}")

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
        arguments: dict[str, Any] = {"name": "a", "epoch": runs.epoch, "op": 1, "room": 0, "waits": 0}

        first = cluster.store.run("finish", **arguments)

        assert first[3] == 1
        assert cluster.store.run("finish", **arguments) == first
        tick(cluster)
