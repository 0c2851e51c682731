"""How a function is submitted and, where it waits or has ended, canceled."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from support.command_line import Run, said


class TestRun:
    def test_detached_it_prints_the_id_and_does_not_wait(self, run: Run, cluster: Cluster) -> None:
        result = run("run", "tasks:f", "--detach", "--cost", "cpu=1")

        handle = cluster.handle(result.stdout.strip())
        assert (result.exit_code, handle.status) == (0, "waiting")
        assert result.stderr == (
            f"function {handle.id} waits for a node that could hold it (no node is live: `handoff node` starts one): "
            f"`handoff cancel {handle.id}` ends it\n"
        )

    def test_detached_programs_get_the_id_and_what_was_decided(self, run: Run) -> None:
        result = run("run", "tasks:f", "--no-wait", "--job-id", "mine-" + uuid.uuid4().hex, "--json")

        answer = json.loads(result.stdout)
        assert set(answer) == {"id", "state", "node", "devices", "reason"}
        assert answer["id"].startswith("mine-")
        assert answer["state"] == "infeasible"

    def test_where_it_may_run_and_how_long_it_may_wait_are_options(self, run: Run, cluster: Cluster) -> None:
        where = ["--where", "zone=a", "--where", "zone=b", "--where", "tier!=spot"]

        result = run("run", "tasks:f", "--detach", *where, "--wait-ttl", "60", "--delay", "90")

        found = json.loads(run("status", result.stdout.strip(), "--json").stdout)
        assert (found["status"], found["where"]) == ("delayed", "any tier but spot, zone a or b")
        assert found["reason"].startswith("is delayed until 20")

    def test_what_no_node_could_hold_may_be_refused(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})

        result = run("run", "tasks:f", "--cost", "cpu=2", "--on-infeasible", "raise", "--job-id", "wide")

        assert result.exit_code == 1
        assert "(cpu 2 wanted, a has 1)" in said(result)

    def test_what_has_waited_too_long_is_one_line(self, run: Run, cluster: Cluster) -> None:
        result = run("run", "tasks:f", "--wait-ttl", "0.1", "--job-id", f"late-{cluster.namespace}")

        assert (result.exit_code, result.stdout) == (1, "")
        assert "had not started after 0.1 s of waiting for room" in result.stderr.splitlines()[-1]

    @pytest.mark.parametrize(("how", "limit"), [("wait", ""), ("60", " up to 60 s")])
    def test_what_no_live_node_could_hold_says_at_once_why_it_waits_and_how_to_end_that(
        self, run: Run, cluster: Cluster, how: str, limit: str
    ) -> None:
        cluster.register_node("a", {"cpu": 1})
        id = f"wide-{cluster.namespace}"

        result = run("run", "tasks:f", "--cost", "cpu=2", "--wait-ttl", "0.1", "--job-id", id, "--on-infeasible", how)

        assert result.stderr.splitlines()[0] == (
            f"function {id} waits{limit} for a node that could hold it (cpu 2 wanted, a has 1): "
            f"Ctrl-C leaves it waiting, `handoff cancel {id}` ends it"
        )

    def test_what_no_live_node_could_hold_is_refused_at_once_unless_asked_to_wait(
        self, run: Run, cluster: Cluster
    ) -> None:
        cluster.register_node("a", {"cpu": 1})
        id = f"wide-{cluster.namespace}"

        result = run("run", "tasks:f", "--cost", "cpu=2", "--job-id", id)

        assert result.exit_code == 1
        assert said(result) == (
            f"handoff: function '{id}' fits on no live node, even an idle one (cpu 2 wanted, a has 1): "
            "ask for less, start a node that has it, or wait for one by --on-infeasible wait"
        )
        with pytest.raises(UnknownFunction):
            cluster.handle(id)

    def test_what_waits_for_room_says_at_once_who_has_it(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        first = cluster.enqueue("tasks:f", cost={"cpu": 1})
        id = f"behind-{cluster.namespace}"

        result = run("run", "tasks:f", "--cost", "cpu=1", "--wait-ttl", "0.1", "--job-id", id)

        assert result.stderr.startswith(
            f"function {id}: waits for cpu 1: a, the only live node that could hold it, is short of 1 cpu; "
            f"function {first.id} holds it"
        )

    def test_of_several_costs_some_may_count_later(self, run: Run, cluster: Cluster) -> None:
        costs = ["--cost", "gpu=1", "--cost", "cpu=8,memory=500 after 30s", "--cost", "cpu=1 after 2h"]

        result = run("run", "tasks:f", "--detach", *costs)

        assert json.loads(run("status", result.stdout.strip(), "--json").stdout)["variants"] == [
            {"cost": {"gpu": 1}, "after_s": 0},
            {"cost": {"cpu": 8, "memory": 500}, "after_s": 30},
            {"cost": {"cpu": 1}, "after_s": 7200},
        ]

    def test_the_strategy_may_be_chosen(self, run: Run, cluster: Cluster) -> None:
        for name, cpu in (("a", 2), ("b", 4)):
            cluster.register_node(name, {"cpu": cpu})

        results = [
            run("run", "tasks:f", "--detach", "--cost", "cpu=1", "--strategy", strategy, "--json")
            for strategy in ("first_available", "load_balanced")
        ]

        assert [json.loads(result.stdout)["node"] for result in results] == ["a", "b"]

    def test_an_id_that_exists_is_refused_in_one_line(self, run: Run, cluster: Cluster) -> None:
        id = cluster.enqueue("tasks:f").id

        result = run("run", "tasks:f", "--job-id", id)

        assert result.exit_code == 1
        assert (
            said(result)
            == f"handoff: a function '{id}' exists already: go on with cluster.handle('{id}'), or choose another id;"
            " one that has failed or was canceled makes way for replace=True"
        )


class TestCancel:
    def test_what_waits_is_canceled_at_once(self, run: Run, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f")

        result = run("cancel", handle.id)

        assert (result.exit_code, result.stdout) == (0, f"{handle.id} is canceled\n")
        assert handle.status == "canceled"

    def test_what_has_ended_is_left_alone(self, run: Run, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f")
        handle.cancel()

        result = run("cancel", handle.id)

        assert (result.exit_code, result.stdout) == (0, f"{handle.id} was canceled already\n")

    def test_what_is_kept_nowhere_after_its_end_is_canceled_too(self, run: Run, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f", failure_ttl=0)

        assert run("cancel", handle.id).stdout == f"{handle.id} is canceled\n"

    @pytest.mark.parametrize("first", [False, True])
    def test_programs_get_who_decided(self, run: Run, cluster: Cluster, first: bool) -> None:
        handle = cluster.enqueue("tasks:f")
        if not first:
            handle.cancel()

        answer: dict[str, Any] = json.loads(run("cancel", handle.id, "--json").stdout)

        assert answer == {"id": handle.id, "canceled": first, "status": "canceled"}

    def test_several_are_canceled_and_one_that_is_unknown_is_told_behind_them(self, run: Run, cluster: Cluster) -> None:
        first, second, third = (cluster.enqueue("tasks:f", job_id=id) for id in ("a", "b", "c"))

        result = run("cancel", first.id, "nobody", second.id)

        assert (result.exit_code, result.stdout) == (1, "a is canceled\nb is canceled\n")
        assert result.stderr.startswith("handoff: no function 'nobody' is known: ")
        assert [each.status == "canceled" for each in (first, second, third)] == [True, True, False]

    def test_programs_get_a_list_of_several(self, run: Run, cluster: Cluster) -> None:
        for id in ("a", "b"):
            cluster.enqueue("tasks:f", job_id=id)

        answer = json.loads(run("cancel", "a", "b", "--json").stdout)

        assert answer == [{"id": id, "canceled": True, "status": "canceled"} for id in ("a", "b")]

    def test_an_unknown_id_is_one_line(self, run: Run) -> None:
        result = run("cancel", "nobody")

        assert result.exit_code == 1
        assert said(result).startswith("handoff: no function 'nobody' is known: ")
