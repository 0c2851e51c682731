"""What is printed of nodes, and how they are drained."""

from __future__ import annotations

import json
import re

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import read_nodes
from support.agent import FakeAgent, died
from support.command_line import Run, said
from support.waiting import wait_until


class TestNodes:
    def test_none_is_a_sentence(self, run: Run, cluster: Cluster) -> None:
        result = run("nodes")

        assert result.exit_code == 0
        assert result.stdout.startswith(f"No node is registered in namespace {cluster.namespace} at redis://127.0.0.1:")
        assert len(result.stdout.splitlines()) == 1

    def test_the_table_has_what_is_in_use_of_what_each_has(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": [0, 3]})
        cluster.register_node("b", {"cpu": 2})
        cluster.tracker.request("a", {"cpu": 0.5, "gpu": 1})

        assert run("nodes").stdout.splitlines() == [
            "node  state  in use",
            "a     up     cpu 0.5/4",
            "             gpu 1/2 (device 0: taken, device 3: free)",
            "             claim of somebody: cpu 0.5, gpu 1",
            "             registered by hand",
            "b     up     cpu 0/2",
            "             registered by hand",
        ]

    def test_eighty_columns_are_enough_for_long_names_labels_and_many_devices(self, run: Run, cluster: Cluster) -> None:
        long = "gpu-worker-17.rack-4.eu-central-1.compute.example.com"
        labels = {f"label{number}": "of-some-length" for number in range(6)}
        cluster.register_node(long, {"cpu": 64, "memory": 512_000, "gpu": 8, "fpga": [0, 1]}, labels=labels)
        cluster.register_node("b", {"cpu": 2})
        for _ in range(5):
            cluster.tracker.request(long, {"gpu": 0.3})

        lines = run("nodes").stdout.splitlines()

        assert max(map(len, lines)) <= 80
        assert lines[1] == long
        told = " ".join(" ".join(lines).split())
        assert "gpu 1.5/8 (device 0: 0.1 of 1 free, device 1: 0.4 of 1 free, devices 2-7: free)" in told
        assert "label5=of-some-length" in told

    def test_programs_get_the_same_under_fixed_keys(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": [0, 3]})
        claim = cluster.tracker.request("a", {"cpu": 0.5, "gpu": 1})
        [told] = json.loads(run("nodes", "--json").stdout)

        [of_claim] = told.pop("claims")
        assert (of_claim.pop("held_s") >= 0, of_claim) == (
            True,
            {"id": claim.id, "owner": None, "amounts": {"cpu": 0.5, "gpu": 1}, "left_s": None},
        )
        assert [told] == [
            {
                "node": "a",
                "state": "up",
                "kind": "static",
                "holder": None,
                "lease_s": None,
                "lost_since": None,
                "labels": {},
                "quiet_since": None,
                "quiet_reason": None,
                "cordoned_since": None,
                "cordon_reason": None,
                "drain_until": None,
                "external": None,
                "held_for": None,
                "resources": {
                    "cpu": {"used": 0.5, "capacity": 4, "devices": None, "sizes": None, "free": None},
                    "gpu": {
                        "used": 1,
                        "capacity": 2,
                        "devices": {"0": 1, "3": 0},
                        "sizes": None,
                        "free": {"0": 0, "3": 1},
                    },
                },
            }
        ]

    def test_a_lost_node_says_since_when_it_is_lost(self, run: Run, cluster: Cluster) -> None:
        FakeAgent(cluster.store, "a", {"cpu": 1}, lease_ms=30).register()

        def is_lost() -> bool:
            tick(cluster.store)
            return read_nodes(cluster.store)[0].lost_since is not None

        wait_until(is_lost, "its lease is gone")

        (node,) = json.loads(run("nodes", "--json").stdout)
        lines = run("nodes").stdout.splitlines()

        assert (node["state"], node["lease_s"], node["lost_since"][:2]) == ("lost", None, "20")
        assert lines[1] == "a     lost   cpu 0/1"
        assert re.fullmatch(r" +lost [0-9.]+ s ago, agent .+", lines[2])

    def test_whose_claims_are_and_for_how_long_yet_is_told(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.store.now_ms = 1_900_000_000_000
        cluster.tracker.request("a", {"cpu": 1}, ttl=550)
        cluster.tracker.request("a", {"cpu": 2}, owner="ci on build-1")

        told = run("nodes").stdout

        assert "claim of somebody: cpu 1, for " in told
        assert "claim of ci on build-1: cpu 2\n" in told

    def test_what_other_programs_use_is_told(self, run: Run, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"memory": 8000, "gpu": 1}, device_memory={"gpu": 9000})
        agent.external = ({"memory": 3000}, {0: 500})
        agent.register()

        [told] = json.loads(run("nodes", "--json").stdout)
        assert told["external"] == {"gpu_memory": 500, "memory": 3000}
        assert "external gpu_memory 500, memory 3000, which other programs use\n" in run("nodes").stdout

    def test_labels_and_whom_a_node_is_held_for_are_told(self, run: Run, cluster: Cluster) -> None:
        cluster.limit_overtaking(count=1, seconds=None)
        cluster.register_node("a", {"cpu": 2}, labels={"zone": "x", "tier": "spot"})
        cluster.register_node("b", {"cpu": 1})
        cluster.tracker.request("a", {"cpu": 1})
        cluster.enqueue("tasks:f", cost={"cpu": 2}, job_id=f"big-{cluster.namespace}")
        cluster.enqueue("tasks:f", cost={"cpu": 1})

        shown = run("nodes").stdout
        programs = json.loads(run("nodes", "--json").stdout)

        assert "tier=spot, zone=x\n" in shown
        assert f"held for big-{cluster.namespace}, which lacks cpu\n" in shown
        assert [node["labels"] for node in programs] == [{"tier": "spot", "zone": "x"}, {}]
        assert [node["held_for"] for node in programs] == [
            {"id": f"big-{cluster.namespace}", "lacks": ["cpu"]},
            None,
        ]

    def test_the_memory_of_devices_is_told_by_index_with_what_each_has(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"gpu": 2}, device_memory={"gpu": [8000, 24000]})
        cluster.tracker.request("a", {"gpu_memory": 6000})

        (node,) = json.loads(run("nodes", "--json").stdout)

        told = " ".join(run("nodes").stdout.split())
        assert "gpu_memory 6000/32000 (device 0: 2000 of 8000 free, device 1: 24000 of 24000 free)" in told
        assert "gpu 0/2 (device 0: taken, device 1: free)" in told
        assert node["resources"]["gpu_memory"]["sizes"] == {"0": 8000, "1": 24000}


class TestDrain:
    def test_a_drained_node_takes_no_more_until_it_is_undrained(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})

        drained = run("drain", "a")
        handle = cluster.enqueue("tasks:f")
        assert (drained.exit_code, drained.stdout) == (0, "a takes no more, and what runs there ends\n")
        assert handle.status == "waiting"

        undrained = run("undrain", "a")
        assert (undrained.exit_code, undrained.stdout) == (0, "a takes functions again\n")
        assert handle.status == "queued"

    def test_a_deadline_is_told_in_words_and_in_the_list_of_nodes(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})

        result = run("drain", "a", "--deadline", "90.5")

        (node,) = json.loads(run("nodes", "--json").stdout)
        assert result.stdout == "a takes no more, and what runs there ends within 90.5 s, or is stopped\n"
        assert node["state"] == "draining"
        assert node["drain_until"].startswith("20")

    def test_programs_get_what_is_so_now(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})

        answers = [json.loads(run(*command, "a", "--json").stdout) for command in (["drain"], ["undrain"])]

        assert answers == [
            {"node": "a", "draining": True, "deadline_s": None},
            {"node": "a", "draining": False, "deadline_s": None},
        ]

    @pytest.mark.parametrize("command", ["drain", "undrain"])
    def test_an_unknown_node_is_one_line(self, run: Run, command: str) -> None:
        result = run(command, "nobody")

        assert result.exit_code == 1
        assert said(result).startswith("handoff: no live node is named 'nobody': ")


class TestCordoned:
    def test_a_node_on_which_functions_died_says_why_it_is_closed_and_undrain_opens_it(
        self, run: Run, cluster: Cluster
    ) -> None:
        agent, *_ = [FakeAgent(cluster.store, name, {"cpu": 8}).register() for name in "abc"]
        for number in range(5):
            cluster.enqueue(f"m:f{number}", node="a")
            (started,) = agent.take()
            agent.finish(died(started.id))
        why = "5 different functions died there within 10 minutes: m.f0, m.f1, m.f2, m.f3, m.f4"

        told = json.loads(run("nodes", "--json").stdout)[0]

        assert f"cordoned, for {why}" in " ".join(run("nodes").stdout.split())
        assert (told["state"], told["cordon_reason"]) == ("cordoned", why)
        assert told["cordoned_since"] is not None
        assert "1 cordoned" in run("status").stdout
        assert run("undrain", "a").exit_code == 0
        assert [node["state"] for node in json.loads(run("nodes", "--json").stdout)] == ["up"] * 3
