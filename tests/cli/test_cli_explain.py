"""Why a function waits, in a sentence and in what it is made from."""

from __future__ import annotations

import json

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.why.explain import explain
from handoff.words.function import Function
from handoff.words.variants import After
from support.command_line import Run, said


class TestExplain:
    def test_it_says_why_in_a_sentence_and_then_what_it_is_made_from(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": 2}, labels={"zone": "x"})
        cluster.register_node("b", {"cpu": 4})
        cluster.register_node("c", {"cpu": 4})
        holder = cluster.enqueue("tasks:f", cost={"gpu": 1})
        handle = cluster.enqueue("tasks:f", cost={"gpu": 2})

        lines = run("explain", handle.id).stdout.splitlines()

        assert lines[0] == f"function   {handle.id}"
        assert lines[1].startswith(
            "state      waiting: waits for gpu 2: a, the only live node that could hold it, is short of 1 gpu; "
        )
        assert lines[1].endswith("; would start now on a with gpu 1")
        assert lines[2:5] == [
            "position   1 of 1 of its shape, 1 of 1 that wait",
            "nodes      a (cpu 4, gpu 2, zone x): short of gpu 1",
            "           b and 1 like it (cpu 4): never, gpu 2 wanted, b has 0",
        ]
        assert lines[5].startswith(f"held by    {holder.id} on a: gpu 1, slots 1 since 20")
        assert lines[6].startswith("overtaken  0 times since 20")
        assert lines[6].endswith(", and holds a node after 100 times or 60 s")
        assert len(lines) == 7

    def test_of_several_variants_each_kind_of_node_says_for_which(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": 2})
        cluster.tracker.request("a", {"gpu": 1})
        handle = cluster.enqueue("tasks:f", cost=[{"gpu": 2}, After(600, {"cpu": 4})])

        lines = run("explain", handle.id).stdout.splitlines()

        assert [line for line in lines if " a (" in line] == [
            "nodes      for gpu 2: a (cpu 4, gpu 2): short of gpu 1",
            "           for cpu 4: a (cpu 4, gpu 2): has room",
        ]

    def test_what_is_held_for_whom_is_told(self, run: Run, cluster: Cluster) -> None:
        cluster.limit_overtaking(count=1, seconds=None)
        cluster.register_node("a", {"cpu": 4})
        cluster.tracker.request("a", {"cpu": 1})
        first = cluster.enqueue("tasks:f", cost={"cpu": 4})
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        later = cluster.enqueue("tasks:f", cost={"cpu": 1})

        shown = [run("explain", handle.id).stdout.splitlines() for handle in (first, later)]

        assert shown[0][-1] == "holds      a: cpu, for it"
        assert shown[1][-1] == f"holds      a: cpu, for {first.id}"
        assert "nodes      a (cpu 4): has room, which is held for others" in shown[1]

    def test_of_what_a_function_of_a_run_waits_for_the_ids_are_told_that_commands_take(
        self, run: Run, cluster: Cluster
    ) -> None:
        graph = DAG("g").add(Function("load", "tasks:f")).add(Function("sum", "tasks:f", args=["load"]))
        started = cluster.submit_dag(graph)
        handles = [started.handle(name) for name in ("load", "sum")]
        lone = cluster.enqueue("tasks:f", depends_on=handles[0])

        told = [run("explain", handle.id).stdout.splitlines() for handle in (handles[1], lone)]

        assert told[0][0] == f"function   sum ({handles[1].id})"
        assert [lines[-1] for lines in told] == [f"waits for  load ({handles[0].id}): waiting"] * 2
        assert run("status", handles[0].id).exit_code == 0

    def test_programs_get_all_of_it_under_fixed_keys(self, run: Run, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f")

        found = json.loads(run("explain", handle.id, "--json").stdout)

        assert found == explain(cluster.store, handle.id).to_dict() | {
            "overtakes": found["overtakes"] | {"seconds": found["overtakes"]["seconds"]}
        }

    def test_an_unknown_id_is_one_line(self, run: Run) -> None:
        result = run("explain", "nobody")

        assert result.exit_code == 1
        assert said(result).startswith("handoff: no function 'nobody' is known: ")
