"""What is told of where a function, or all of them, stand."""

from __future__ import annotations

import json

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.ledger.result_entry import encode_traceback
from handoff.words.function import Function
from support.agent import FakeAgent, Result
from support.command_line import Run, said

TRACEBACK = 'Traceback (most recent call last):\n  File "m.py", line 1, in f\nValueError: no'


class TestStatus:
    def test_without_an_id_it_counts(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        first = [cluster.enqueue("tasks:f", cost={"cpu": 1}) for _ in range(5)][2]
        cluster.enqueue("tasks:f", cost={"cpu": 2})
        cluster.enqueue("tasks:f", cost={"cpu": 8}).cancel()

        lines = run("status").stdout.splitlines()

        assert max(map(len, lines)) <= 80
        assert lines.pop(5).startswith(f"waiting    4, {first.id} longest: for 0.")
        assert lines == [
            "nodes      1 up, 0 quiet, 0 over, 0 draining, 0 cordoned, 0 lost",
            "queued     2",
            "started    0",
            "delayed    0",
            "deferred   0",
            "           3 for cpu 1",
            "           1 for cpu 2",
            "finished   0",
            "failed     0",
            "canceled   1",
            "see        `handoff jobs --state STATE` for which these are",
        ]

    def test_what_no_node_could_hold_is_told_apart_and_first(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        cluster.enqueue("tasks:f", cost={"cpu": 2})
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.enqueue("tasks:f", cost={"cpu": 1}, node="b")
        cluster.enqueue("tasks:f", cost={"gpu": 1})

        lines = run("status").stdout.splitlines()

        assert max(map(len, lines)) <= 80
        assert lines[1:4] == [
            "infeasible 2 of what waits: no live node could hold it, even when idle",
            "           1 for cpu 1 on b",
            "           1 for gpu 1",
        ]
        assert lines[-5:-1] == ["           1 for cpu 1", "finished   0", "failed     0", "canceled   0"]

    def test_what_is_shared_and_which_nodes_are_drained_is_told_where_there_is_any(
        self, run: Run, cluster: Cluster
    ) -> None:
        cluster.register_node("a", {"cpu": 2})
        cluster.register_node("b", {"cpu": 2})
        cluster.share({"license": 5, "seats": 3})
        cluster.drain("b")
        cluster.enqueue("tasks:f", cost={"license": 2})

        lines = run("status").stdout.splitlines()

        assert lines[:2] == ["nodes      1 up, 0 quiet, 0 over, 1 draining, 0 cordoned, 0 lost", "draining   b"]
        assert lines[-3:-1] == ["shared     license 2/5", "           seats 0/3"]

    def test_beyond_twenty_shapes_are_only_counted(self, run: Run, cluster: Cluster) -> None:
        for cpu in range(1, 24):
            cluster.enqueue("tasks:f", cost={"cpu": cpu})

        lines = run("status").stdout.splitlines()

        assert len(lines) == 10 + 20 + 2
        assert lines[22] == "           3 for 3 other shapes"

    def test_programs_get_the_counts_under_fixed_keys(self, run: Run, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f", cost={"cpu": 1}, node="b")

        found = json.loads(run("status", "--json").stdout)

        assert found["oldest"].pop("waited_s") >= 0
        assert found["shapes"][0].pop("waited_s") >= 0
        assert found == {
            "queued": 0,
            "started": 0,
            "waiting": 1,
            "delayed": 0,
            "deferred": 0,
            "finished": 0,
            "failed": 0,
            "canceled": 0,
            "infeasible": 1,
            "oldest": {"id": handle.id},
            "shapes": [
                {
                    "cost": {"cpu": 1},
                    "node": "b",
                    "where": None,
                    "count": 1,
                    "shape": "cpu=10000,slots=10000@node=b",
                    "infeasible": True,
                    "second_choice": False,
                    "first": handle.id,
                }
            ],
            "nodes": {"up": 0, "quiet": 0, "over": 0, "draining": 0, "cordoned": 0, "lost": 0},
            "draining": [],
            "shared": {},
        }

    def test_with_an_id_it_says_where_that_one_stands(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2, "gpu": 2})
        handle = cluster.enqueue("tasks:f", 1, x="y", cost={"cpu": 1, "gpu": 0.5}, node="a")

        lines = run("status", handle.id).stdout.splitlines()

        assert lines[:-1] == [
            f"function   {handle.id}",
            "call       tasks.f(1, x='y')",
            "status     queued: placed on a, gpu 0, and not yet started: "
            "no agent runs node a, it was registered by hand",
            "node       a",
            "devices    gpu 0",
            "attempts   0",
            "cost       cpu 1, gpu 0.5",
            "pinned     a",
        ]
        assert lines[-1].startswith("created    20")

    def test_programs_get_all_keys_in_every_state(self, run: Run, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f")

        found = json.loads(run("status", handle.id, "--json").stdout)

        assert found.pop("created_at").startswith("20")
        assert found == {
            "id": handle.id,
            "function_id": handle.id,
            "description": "tasks.f()",
            "status": "waiting",
            "node": None,
            "devices": {},
            "attempts": 0,
            "cost": {},
            "variants": [{"cost": {}, "after_s": 0.0}],
            "variant": None,
            "pinned": None,
            "where": None,
            "reason": (
                "waits for a slot: no live node could hold it, even when idle "
                "(no node is live: `handoff node` starts one)"
            ),
            "result": None,
            "error": None,
            "traceback": None,
            "usage": None,
            "started_at": None,
            "ended_at": None,
        }

    def test_what_has_failed_has_its_traceback_for_people_and_for_programs(self, run: Run, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
        handle = cluster.enqueue("tasks:f", cost={"cpu": 1})
        (started,) = agent.take()
        agent.finish(Result(started.id, "failed", encode_traceback(f"{TRACEBACK}\x1b[2J"), "ValueError", "no"))

        lines = run("status", handle.id).stdout.splitlines()
        found = json.loads(run("status", handle.id, "--json").stdout)

        assert found["traceback"] == f"{TRACEBACK}\x1b[2J"
        assert lines[-3:] == [*TRACEBACK.splitlines()[:2], f"{TRACEBACK.splitlines()[2]} [2J"]

    def test_of_several_each_is_shown_and_one_that_is_unknown_is_told_behind_them(
        self, run: Run, cluster: Cluster
    ) -> None:
        for id in ("a", "b"):
            cluster.enqueue("tasks:f", job_id=id)
        cluster.submit_dag(DAG("graph").add(Function("first", "tasks:f")))

        told = run("status", "nobody", "a", "nothing", "b")
        programs = run("status", "a", "graph", "nobody", "--json")

        assert [line for line in told.stdout.splitlines() if line.startswith("function") or not line] == [
            "function   a",
            "",
            "function   b",
        ]
        assert told.stderr.startswith("handoff: none of these is known: 'nobody', 'nothing'; ")
        assert [json.loads(line)["id"] for line in programs.stdout.splitlines()] == ["a", "graph"]
        assert (told.exit_code, programs.exit_code) == (1, 1)

    def test_two_are_a_run_with_its_function_or_else_two_functions(self, run: Run, cluster: Cluster) -> None:
        for id in ("graph", "other"):
            cluster.submit_dag(DAG(id).add(Function("first", "tasks:f")))
        cluster.enqueue("tasks:f", job_id="single")

        shown = [
            [json.loads(line) for line in run("status", "graph", second, "--json").stdout.splitlines()]
            for second in ("first", "other", "single")
        ]

        assert [[each.get("function_id") or each["id"] for each in found] for found in shown] == [
            ["first"],
            ["graph", "other"],
            ["graph", "single"],
        ]

    def test_an_unknown_id_is_one_line(self, run: Run) -> None:
        result = run("status", "nobody")

        assert result.exit_code == 1
        assert said(result).startswith("handoff: no function 'nobody' is known: ")
