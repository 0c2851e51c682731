"""The command line: what each command prints, for people and for programs, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from handoff import LocalCluster
from handoff.cli import main
from handoff.client.cluster import Cluster
from handoff.ledger import store
from handoff.local.server import RedisServer
from handoff.why.explain import explain
from handoff.words.variants import After
from support.books import check_books

Run = Callable[..., Result]

WAIT_S = 30


def handoff(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="handoff")


def said(result: Result) -> str:
    """The one line on stderr of a command that ended badly."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def closed_url() -> str:
    """The address of a port that nobody listens on."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{taken.getsockname()[1]}/0"


@pytest.fixture
def quick_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "GIVE_UP_AFTER_S", 0.0)


@pytest.fixture
def cluster(server: RedisServer) -> Iterator[Cluster]:
    """A namespace of its own on a real server: a command line opens its own connection."""
    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster
        check_books(cluster.store)


@pytest.fixture
def run(server: RedisServer, cluster: Cluster) -> Run:
    """Run a command on the namespace of the test."""
    return lambda *arguments: handoff("--url", server.url, "--namespace", cluster.namespace, *arguments)


@pytest.fixture(scope="module")
def live(server: RedisServer) -> Iterator[tuple[Cluster, str]]:
    """A cluster with one node that really runs functions, and its address with the password."""
    local = LocalCluster({"a": {"cpu": 1, "gpu": 2}})
    with local as cluster:
        yield cluster, local.server.url


@pytest.fixture
def run_live(live: tuple[Cluster, str]) -> Run:
    return lambda *arguments: handoff("--url", live[1], "run", *arguments)


class TestBadArguments:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ([], "Missing command"),
            (["explode"], "No such command"),
            (["nodes", "--explode"], "No such option"),
            (["nodes", "surplus"], "unexpected extra argument"),
            (["nodes", "--url"], "requires an argument"),
            (["nodes", "--url", "localhost:6379"], "The address of Redis is not one"),
            (["nodes", "--url", "redis://localhost?colour=red"], "The address of Redis is not one"),
            (["nodes", "--namespace", "a:b"], "the name 'a:b' is not valid"),
            (["status", "one", "two", "three"], "unexpected extra argument"),
            (["explain", "one", "two", "three"], "unexpected extra argument"),
            (["cancel"], "Missing argument"),
            (["explain"], "Missing argument"),
            (["drain"], "Missing argument"),
            (["undrain", "a", "b"], "unexpected extra argument"),
            (["drain", "a", "--deadline", "soon"], "not a valid float"),
            (["drain", "a", "--deadline", "0"], "0.0 is no time to wait for"),
            (["drain", "a", "--deadline", "nan"], "nan is no time to wait for"),
            (["run"], "Missing argument"),
            (["run", "tasks"], "does not name a module and what is in it"),
            (["run", "tasks:f", "--cost", "cpu"], "'cpu' is no resource and amount"),
            (["run", "tasks:f", "--cost", "cpu=many"], "'cpu=many' is no resource and amount"),
            (["run", "tasks:f", "--cost", "cpu=1,cpu=2"], "'cpu' is given twice"),
            (["run", "tasks:f", "--cost", "cpu=-1"], "resource 'cpu' with value"),
            (["run", "tasks:f", "--cost", "gpu=1.5"], "resource 'gpu' with value 1.5"),
            (["run", "tasks:f", "--cost", "slots=1"], "slots cannot be asked for"),
            (["run", "tasks:f", "--node", "a/b"], "the name 'a/b' is not valid"),
            (["run", "tasks:f", "--timeout", "0"], "its timeout is 0.0"),
            (["run", "tasks:f", "--timeout", "soon"], "its job_timeout is 'soon'"),
            (["run", "tasks:f", "--priority", "high"], "not a valid integer"),
            (["run", "tasks:f", "--priority", "2000"], "its priority is 2000"),
            (["run", "tasks:f", "--max-retries", "-1"], "its max_retries is -1"),
            (["run", "tasks:f", "--where", "zone"], "'zone' is no label and value"),
            (["run", "tasks:f", "--where", "zone="], "its where wants zone to be ''"),
            (["run", "tasks:f", "--where", "9=a"], "its where names the label '9'"),
            (["run", "tasks:f", "--where", "zone=a", "--where", "zone!=b"], "not both"),
            (["run", "tasks:f", "--delay", "-1"], "its delay is -1.0"),
            (["run", "tasks:f", "--wait-ttl", "0"], "its wait_ttl is 0.0"),
            (["run", "tasks:f", "--on-infeasible", "scream"], "its on_infeasible is 'scream'"),
            (["run", "tasks:f", "--strategy", "best"], "its strategy is 'best'"),
            (["run", "tasks:f", "--job-id", "a:b"], "its job_id is not one that RQ allows"),
            (["run", "tasks:f", ":{"], "Unable to parse 1. non keyword argument as JSON"),
            (["run", "tasks:f", "x=1", "x=2"], "multiple values for the same keyword"),
            (["run", "tasks:f", "@/does/not/exist"], "/does/not/exist"),
            (["run", "tasks:f", "@/"], "Is a directory"),
            (["run", "tasks:f", "%..."], "which msgpack does not carry"),
            (["demo", "/does/not/exist"], "there is nothing"),
            (["demo", "one", "two"], "unexpected extra argument"),
        ],
    )
    def test_they_are_told_in_one_line(self, arguments: list[str], expected: str) -> None:
        result = handoff(*arguments)

        assert result.exit_code == 2
        assert expected in said(result)

    def test_the_line_names_the_help_to_read(self) -> None:
        assert said(handoff("nodes", "--explode")).endswith(": see `handoff nodes --help`")

    @pytest.mark.parametrize("command", ["demo", "nodes", "run", "status", "explain", "cancel", "drain", "undrain"])
    def test_every_command_explains_itself(self, command: str) -> None:
        result = handoff(command, "--help")

        assert result.exit_code == 0
        assert {"--url", "--namespace", "--json"} <= set(result.stdout.split())


class TestUnreachableRedis:
    @pytest.mark.parametrize(
        "command",
        [
            ["nodes"],
            ["status"],
            ["status", "f"],
            ["explain", "f"],
            ["cancel", "f"],
            ["drain", "a"],
            ["undrain", "a"],
            ["run", "tasks:f"],
        ],
    )
    @pytest.mark.usefixtures("quick_to_give_up")
    def test_it_is_told_in_one_line(self, command: list[str], closed_url: str) -> None:
        result = handoff(*command, "--url", closed_url)

        assert result.exit_code == 1
        assert said(result).startswith(f"handoff: Redis at {closed_url} is not available (")

    def test_a_program_sees_one_line_and_no_traceback(self, closed_url: str) -> None:
        command = [sys.executable, "-m", "handoff", "nodes", "--json"]

        done = subprocess.run(
            command, env={**os.environ, "HANDOFF_REDIS_URL": closed_url}, capture_output=True, text=True, timeout=WAIT_S
        )

        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1

    def test_a_database_that_the_server_does_not_have_is_told_in_one_line(self, server: RedisServer) -> None:
        result = handoff("status", "f", "--url", server.url.removesuffix("/0") + "/9999")

        assert result.exit_code == 1
        assert "out of range" in said(result)

    def test_a_wrong_password_is_told_in_one_line_that_does_not_show_it(self, server: RedisServer) -> None:
        result = handoff("nodes", "--url", f"redis://:mistaken@127.0.0.1:{server.port}/0")

        assert result.exit_code == 1
        assert "mistaken" not in said(result)


class TestOptionsOfAll:
    def test_they_may_stand_before_the_command(self, server: RedisServer, cluster: Cluster) -> None:
        result = handoff("--json", "--url", server.url, "--namespace", cluster.namespace, "nodes")

        assert (result.exit_code, json.loads(result.stdout)) == (0, [])

    def test_those_of_the_command_win(self, server: RedisServer, closed_url: str, cluster: Cluster) -> None:
        result = handoff("--url", closed_url, "nodes", "--url", server.url, "--namespace", cluster.namespace)

        assert result.exit_code == 0


class TestNode:
    @pytest.fixture
    def executed(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        executed: list[list[str]] = []
        monkeypatch.setattr(os, "execv", lambda program, arguments: executed.append([program, *arguments]))
        return executed

    @pytest.mark.parametrize(
        "arguments",
        [[], ["--help"], ["--cpu", "2", "--burst"], ["--json", "--url", "x"], ["--", "--name"], ["a", "--unknown=3"]],
    )
    def test_it_becomes_the_agent_with_the_same_arguments(
        self, executed: list[list[str]], arguments: list[str]
    ) -> None:
        handoff("node", *arguments)

        assert executed == [[sys.executable, sys.executable, "-m", "handoff_worker", *arguments]]

    def test_what_stands_before_the_command_is_passed_on_too(self, executed: list[list[str]]) -> None:
        handoff("--url", "redis://there", "--namespace", "lab", "--json", "node", "--burst")

        assert executed[0][4:] == ["--url", "redis://there", "--namespace", "lab", "--json", "--burst"]

    def test_the_agent_explains_itself(self) -> None:
        command = [sys.executable, "-m", "handoff", "node", "--help"]

        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)

        assert (done.returncode, done.stderr) == (0, "")
        assert {"--burst", "--slots", "--resource"} <= set(done.stdout.split())


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

        lines = [line.split() for line in run("nodes").stdout.splitlines() if line.strip()]

        assert [line for line in lines if line[0] in ("a", "b", "gpu")] == [
            ["a", "up", "static", "cpu", "0.5/4", "-", "-"],
            ["gpu", "1/2", "(0:", "1,", "3:", "0)"],
            ["b", "up", "static", "cpu", "0/2", "-", "-"],
        ]

    def test_programs_get_the_same_under_fixed_keys(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": [0, 3]})
        cluster.tracker.request("a", {"cpu": 0.5, "gpu": 1})

        assert json.loads(run("nodes", "--json").stdout) == [
            {
                "node": "a",
                "state": "up",
                "kind": "static",
                "holder": None,
                "lease_s": None,
                "labels": {},
                "drain_until": None,
                "held_for": None,
                "resources": {
                    "cpu": {"used": 0.5, "capacity": 4, "devices": None, "sizes": None},
                    "gpu": {"used": 1, "capacity": 2, "devices": {"0": 1, "3": 0}, "sizes": None},
                },
            }
        ]

    def test_labels_and_whom_a_node_is_held_for_have_columns_where_there_are_any(
        self, run: Run, cluster: Cluster
    ) -> None:
        cluster.limit_overtaking(count=1, seconds=None)
        cluster.register_node("a", {"cpu": 2}, labels={"zone": "x", "tier": "spot"})
        cluster.register_node("b", {"cpu": 1})
        cluster.tracker.request("a", {"cpu": 1})
        cluster.enqueue("tasks:f", cost={"cpu": 2}, job_id=f"big-{cluster.namespace}")
        cluster.enqueue("tasks:f", cost={"cpu": 1})

        shown = run("nodes").stdout
        programs = json.loads(run("nodes", "--json").stdout)

        lines = [line.split() for line in shown.splitlines() if line.strip()]
        assert lines[0] == ["node", "state", "kind", "in", "use", "labels", "held", "for", "lease", "holder"]
        assert "tier=spot" in shown
        assert "(cpu)" in shown
        assert [node["labels"] for node in programs] == [{"tier": "spot", "zone": "x"}, {}]
        assert [node["held_for"] for node in programs] == [
            {"id": f"big-{cluster.namespace}", "lacks": ["cpu"]},
            None,
        ]

    def test_the_memory_of_devices_is_told_by_index_with_what_each_has(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"gpu": 2}, device_memory={"gpu": [8000, 24000]})
        cluster.tracker.request("a", {"gpu_memory": 6000})

        (node,) = json.loads(run("nodes", "--json").stdout)

        assert "gpu_memory 6000/32000 (0: 6000/8000, 1: 0/24000)" in " ".join(run("nodes").stdout.split())
        assert node["resources"]["gpu_memory"]["sizes"] == {"0": 8000, "1": 24000}

    def test_a_node_with_an_agent_has_a_lease_and_a_holder(self, live: tuple[Cluster, str]) -> None:
        (node,) = json.loads(handoff("nodes", "--json", "--url", live[1]).stdout)

        assert (node["node"], node["state"], node["kind"]) == ("a", "up", "leased")
        assert 0 < node["lease_s"] <= 6
        assert node["holder"].split()[0] == socket.gethostname()


class TestRun:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["operator:add", "ab", "c"], "'abc'"),
            (["operator:add", ":1", ":2"], "3"),
            (["operator:add", "%(1, 2)", "%(3,)"], "(1, 2, 3)"),
            (["builtins:dict", "a=1", "b:=[2]", "c%=None"], "{'a': '1', 'b': [2], 'c': None}"),
            # These are options of `enqueue` too.
            (["builtins:dict", "cost:=1", "args=x", "kwargs=y"], "{'cost': 1, 'args': 'x', 'kwargs': 'y'}"),
            (["builtins:int", "--", "-1"], "-1"),
            (["operator:add", ":1", ":2", "--cost", "cpu=0.5, gpu=1", "--timeout", "1m", "--node", "a"], "3"),
        ],
    )
    def test_the_result_is_printed_as_python_shows_it(self, run_live: Run, arguments: list[str], expected: str) -> None:
        result = run_live(*arguments)

        assert (result.exit_code, result.stdout) == (0, f"{expected}\n")

    def test_what_was_decided_is_told_apart_from_the_result(self, run_live: Run) -> None:
        result = run_live("operator:add", ":1", ":2", "--cost", "gpu=2", "--job-id", "decided")

        assert result.stderr == "function decided: placed on a with gpu 0 1\n"

    def test_a_value_may_come_from_a_file(self, run_live: Run, tmp_path: Path) -> None:
        (tmp_path / "numbers").write_text("[3, 1, 2]")

        assert run_live("builtins:sorted", f":@{tmp_path / 'numbers'}").stdout == "[1, 2, 3]\n"

    @pytest.mark.parametrize(
        ("literal", "expected"),
        [
            ("{'a': [1, None]}", {"a": [1, None]}),
            ("(1, 'é')", [1, "é"]),
            ("{1}", "{1}"),
            ("{(1, 2): 3}", "{(1, 2): 3}"),
            ("[b'x']", ["b'x'"]),
        ],
    )
    def test_programs_get_json_and_the_repr_of_what_that_does_not_carry(
        self, run_live: Run, literal: str, expected: object
    ) -> None:
        result = run_live("copy:copy", f"%{literal}", "--json")

        assert json.loads(result.stdout) == expected

    def test_a_function_that_fails_is_one_line(self, run_live: Run) -> None:
        result = run_live("operator:truediv", ":1", ":0", "--job-id", "divided")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.splitlines()[1:] == [
            "handoff: function 'divided' failed on a after 1 attempt with ZeroDivisionError: division by zero"
        ]

    def test_its_traceback_is_there_for_who_asks(self, run_live: Run) -> None:
        result = run_live("operator:truediv", ":1", ":0", "--verbose")

        assert result.exit_code == 1
        assert "Traceback (most recent call last):" in result.stderr

    def test_a_module_that_only_a_node_could_have_fails_there(self, run_live: Run) -> None:
        result = run_live("does_not.exist:anywhere")

        assert result.exit_code == 1
        assert "ModuleNotFoundError" in result.stderr.splitlines()[1]

    def test_detached_it_prints_the_id_and_does_not_wait(self, run: Run, cluster: Cluster) -> None:
        result = run("run", "tasks:f", "--detach", "--cost", "cpu=1")

        handle = cluster.handle(result.stdout.strip())
        assert (result.exit_code, handle.status) == (0, "waiting")
        assert result.stderr == f"function {handle.id}: no node is live\n"

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
            == f"handoff: a function '{id}' exists already: choose another id, or wait until it has expired"
        )

    def test_ctrl_c_ends_the_waiting_and_not_the_function(self, live: tuple[Cluster, str]) -> None:
        command = [sys.executable, "-m", "handoff", "run", "time:sleep", ":60", "--job-id", "interrupted"]
        environment = {**os.environ, "HANDOFF_REDIS_URL": live[1]}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert waiting.stderr.readline() == "function interrupted: placed on a\n"

            waiting.send_signal(signal.SIGINT)
            _, rest = waiting.communicate(timeout=WAIT_S)

        handle = live[0].handle("interrupted")
        assert waiting.returncode == 130
        assert rest.split("\n", 1)[1].startswith("function interrupted goes on: ")
        assert "Traceback" not in rest
        assert handle.status in ("queued", "started")
        handle.cancel()


class TestStatus:
    def test_without_an_id_it_counts(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        for _ in range(4):
            cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.enqueue("tasks:f", cost={"cpu": 1}, node="b")

        assert run("status").stdout.splitlines() == [
            "nodes      1 up, 0 quiet, 0 over, 0 draining, 0 lost",
            "queued     2",
            "started    0",
            "delayed    0",
            "waiting    3",
            "           2 for cpu 1",
            "           1 for cpu 1 on b",
        ]

    def test_what_is_shared_and_which_nodes_are_drained_is_told_where_there_is_any(
        self, run: Run, cluster: Cluster
    ) -> None:
        cluster.register_node("a", {"cpu": 2})
        cluster.register_node("b", {"cpu": 2})
        cluster.share({"license": 5, "seats": 3})
        cluster.drain("b")
        cluster.enqueue("tasks:f", cost={"license": 2})
        cluster.enqueue("tasks:f", cost={"license": 4}, where={"zone": "x"})

        assert run("status").stdout.splitlines() == [
            "nodes      1 up, 0 quiet, 0 over, 1 draining, 0 lost",
            "draining   b",
            "queued     1",
            "started    0",
            "delayed    0",
            "waiting    1",
            "           1 for license 4 where zone x",
            "shared     license 2/5",
            "           seats 0/3",
        ]

    def test_beyond_twenty_shapes_are_only_counted(self, run: Run, cluster: Cluster) -> None:
        for cpu in range(1, 24):
            cluster.enqueue("tasks:f", cost={"cpu": cpu})

        lines = run("status").stdout.splitlines()

        assert len(lines) == 5 + 20 + 1
        assert lines[-1] == "           3 for 3 other shapes"

    def test_programs_get_the_counts_under_fixed_keys(self, run: Run, cluster: Cluster) -> None:
        cluster.enqueue("tasks:f", cost={"cpu": 1}, node="b")

        assert json.loads(run("status", "--json").stdout) == {
            "queued": 0,
            "started": 0,
            "waiting": 1,
            "delayed": 0,
            "shapes": [{"cost": {"cpu": 1}, "node": "b", "where": None, "count": 1}],
            "nodes": {"up": 0, "quiet": 0, "over": 0, "draining": 0, "lost": 0},
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
            "reason": "waits for a slot: no live node could hold it, even when idle (no node is live)",
            "result": None,
            "error": None,
            "started_at": None,
            "ended_at": None,
        }

    def test_a_result_and_an_error_are_shown(self, live: tuple[Cluster, str]) -> None:
        cluster, url = live
        finished = cluster.enqueue("operator:add", 1, 2)
        failed = cluster.enqueue("operator:add", 1, "2")
        finished.result(WAIT_S)
        with pytest.raises(Exception, match="TypeError"):
            failed.result(WAIT_S)

        shown = [handoff("status", handle.id, "--url", url).stdout.splitlines() for handle in (finished, failed)]

        assert "result     3" in shown[0]
        (error,) = (line for line in shown[1] if line.startswith("error"))
        assert error.startswith("error      TypeError: unsupported operand")

    def test_an_unknown_id_is_one_line(self, run: Run) -> None:
        result = run("status", "nobody")

        assert result.exit_code == 1
        assert said(result).startswith("handoff: no function 'nobody' is known: ")


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

    def test_what_runs_is_ended(self, live: tuple[Cluster, str]) -> None:
        cluster, url = live
        handle = cluster.enqueue("time:sleep", 60)
        last, seen = b"0-0", False
        while not seen:
            events = cluster.events(last, block_s=WAIT_S)
            last = events[-1][0]
            seen = any(event["event"] == "started" and event["id"].startswith(handle.id) for _, event in events)

        result = handoff("cancel", handle.id, "--url", url)

        assert result.exit_code == 0
        assert result.stdout in (f"{handle.id} runs, and is being ended\n", f"{handle.id} is canceled\n")
        with pytest.raises(Exception, match="was canceled"):
            handle.result(WAIT_S)

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

    def test_an_unknown_id_is_one_line(self, run: Run) -> None:
        result = run("cancel", "nobody")

        assert result.exit_code == 1
        assert said(result).startswith("handoff: no function 'nobody' is known: ")


def test_importing_the_command_line_brings_neither_the_demo_nor_the_worker_side() -> None:
    script = "import json, sys, handoff.cli; print(json.dumps(sorted(sys.modules)))"

    imported = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, timeout=WAIT_S).stdout

    heavy = {"handoff.demo", "handoff.demo.analysis", "handoff_worker", "rq.cli", "psutil", "rich"}
    assert heavy.isdisjoint(json.loads(imported))
