"""What is said of bad arguments and of a Redis that cannot be used; which options all commands have."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from handoff.cli import main
from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.command_line import handoff, said
from support.waiting import LIMIT_S


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
            (["nodes", "--url", "redis+sentinel://localhost:26379"], "it names no service"),
            (["nodes", "--url", "redis+sentinel://localhost:x/main/0"], "the port of host 1 of its sentinels"),
            (["nodes", "--namespace", "a:b"], "the name 'a:b' is not valid"),
            (["explain", "one", "two", "three"], "unexpected extra argument"),
            (["doctor", "surplus"], "unexpected extra argument"),
            (["doctor", "--patience", "soon"], "not a valid float"),
            (["events", "surplus"], "unexpected extra argument"),
            (["schedule", "pause"], "pause needs a name"),
            (["schedule", "list", "nightly"], "list takes no names"),
            (["schedule", "stop"], "'stop' is not one of"),
            (["share", "license"], "'license' is no resource and amount"),
            (["share", "license=many"], "'license=many' is no resource and amount"),
            (["share", "license=1", "license=2"], "'license' is given twice"),
            (["share", "license=1", "--remove", "license"], "'license' is to be set and removed"),
            (["limit", "--count", "0"], "'0' is no number of placements"),
            (["limit", "--seconds", "nan"], "'nan' is no time to wait for"),
            (["limit", "--seconds", "1", "--reset"], "--reset sets both limits"),
            (["jobs", "surplus"], "unexpected extra argument"),
            (["top", "surplus"], "unexpected extra argument"),
            (["top", "--interval", "0"], "0.0 is not from 0.2 to 3600 seconds"),
            (["jobs", "--state", "done"], "'done' is not one of 'deferred'"),
            (["jobs", "--limit", "0"], "0 is not in the range 1<=x<=10000"),
            (["ping", "surplus"], "unexpected extra argument"),
            (["ping", "--nodes", "-1"], "-1 is not in the range x>=0"),
            (["cancel"], "Missing argument"),
            (["retry"], "Name functions, or give --failed"),
            (["retry", "f", "--failed"], "Name functions, or give --failed"),
            (["retry", "f", "--error", "E"], "choose among what has failed"),
            (["explain"], "Missing argument"),
            (["logs"], "Missing argument"),
            (["logs", "one", "two", "three"], "unexpected extra argument"),
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
            (["run", "tasks:f", "--cost", "cpu=1 after soon"], "'soon' is no time, such as in 'cpu=8 after 30s'"),
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
            (["run", "tasks:f", "--isolation", "cold"], "'cold' is not one of 'warm', 'fresh'"),
            (["run", "tasks:f", "--on-node-loss", "wait"], "'wait' is not one of 'retry', 'fail'"),
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

    # `node` becomes another program, which reads its arguments itself.
    @pytest.mark.parametrize("command", sorted(main.commands.keys() - {"node"}))
    def test_every_command_explains_itself(self, command: str) -> None:
        result = handoff(command, "--help")

        assert result.exit_code == 0
        assert {"--url", "--namespace", "--json"} <= set(result.stdout.split())


class TestUnreachableRedis:
    @pytest.mark.parametrize(
        "command",
        [
            ["nodes"],
            ["doctor"],
            ["runs"],
            ["jobs"],
            ["costs"],
            ["events", "--follow"],
            ["status"],
            ["status", "f"],
            ["explain", "f"],
            ["logs", "f"],
            ["cancel", "f"],
            ["retry", "f"],
            ["dashboard", "--port", "0"],
            ["metrics", "--port", "0"],
            ["drain", "a"],
            ["undrain", "a"],
            ["share"],
            ["limit"],
            ["schedule"],
            ["ping"],
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
            command,
            env={**os.environ, "HANDOFF_REDIS_URL": closed_url},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
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

        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)

        assert (done.returncode, done.stderr) == (0, "")
        assert {"--burst", "--slots", "--resource"} <= set(done.stdout.split())


def test_importing_the_command_line_brings_neither_the_demo_nor_the_worker_side() -> None:
    script = "import json, sys, handoff.cli; print(json.dumps(sorted(sys.modules)))"

    imported = subprocess.run(
        [sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, timeout=LIMIT_S
    ).stdout

    heavy = {"handoff.demo", "handoff.demo.analysis", "handoff_worker", "rq.cli", "psutil", "rich", "textual"}
    assert heavy.isdisjoint(json.loads(imported))
