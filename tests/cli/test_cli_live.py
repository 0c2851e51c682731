"""Commands on a node that really runs functions."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from handoff.client.cluster import Cluster
from support.command_line import Run, handoff
from support.deadlines import LEASE_S
from support.events import await_event
from support.waiting import LIMIT_S


class TestNodes:
    def test_a_node_with_an_agent_has_a_lease_and_a_holder(self, live: tuple[Cluster, str]) -> None:
        (node,) = json.loads(handoff("nodes", "--json", "--url", live[1]).stdout)

        assert (node["node"], node["state"], node["kind"]) == ("a", "up", "leased")
        assert 0 < node["lease_s"] <= LEASE_S
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
        result = run_live("operator:add", ":1", ":2", "--cost", "gpu=2", "--job-id", "decided", "--verbose")

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

    def test_what_a_function_prints_is_no_part_of_the_answer(self, run_live: Run) -> None:
        result = run_live("builtins:print", "hello", "--json")

        assert (result.stdout, result.stderr) == ("null\n", "")

    def test_a_function_that_fails_is_one_line(self, run_live: Run) -> None:
        result = run_live("operator:truediv", ":1", ":0", "--job-id", "divided")

        assert (result.exit_code, result.stdout) == (1, "")
        told = "handoff: function 'divided' failed on a after 1 attempt with ZeroDivisionError: division by zero\n"
        assert result.stderr == told

    def test_its_traceback_is_there_for_who_asks(self, run_live: Run) -> None:
        result = run_live("operator:truediv", ":1", ":0", "--verbose")

        assert result.exit_code == 1
        assert "Traceback (most recent call last):" in result.stderr

    def test_a_module_that_only_a_node_could_have_fails_there(self, run_live: Run) -> None:
        result = run_live("does_not.exist:anywhere")

        assert result.exit_code == 1
        assert "ModuleNotFoundError" in result.stderr

    def test_ctrl_c_ends_the_waiting_and_not_the_function(self, live: tuple[Cluster, str]) -> None:
        command = [sys.executable, "-m", "handoff", "run", "time:sleep", ":3600", "--job-id", "interrupted", "-v"]
        environment = {**os.environ, "HANDOFF_REDIS_URL": live[1]}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert waiting.stderr.readline() == "function interrupted: placed on a\n"

            waiting.send_signal(signal.SIGINT)
            _, rest = waiting.communicate(timeout=LIMIT_S)

        handle = live[0].handle("interrupted")
        assert waiting.returncode == 130
        assert re.match(r"function interrupted (runs, and goes on|is queued, and starts when it can): ", rest.lstrip())
        assert "Traceback" not in rest
        assert handle.status in ("queued", "started")
        handle.cancel()


class TestStatus:
    def test_a_result_and_an_error_are_shown(self, live: tuple[Cluster, str]) -> None:
        cluster, url = live
        finished = cluster.enqueue("operator:add", 1, 2)
        failed = cluster.enqueue("operator:add", 1, "2")
        finished.result(LIMIT_S)
        with pytest.raises(Exception, match="TypeError"):
            failed.result(LIMIT_S)

        shown = [handoff("status", handle.id, "--url", url).stdout.splitlines() for handle in (finished, failed)]

        assert "result     3" in shown[0]
        (error,) = (line for line in shown[1] if line.startswith("error"))
        assert error.startswith("error      TypeError: unsupported operand")


class TestCancel:
    def test_what_runs_is_ended(self, live: tuple[Cluster, str]) -> None:
        cluster, url = live
        handle = cluster.enqueue("time:sleep", 3600)
        await_event(cluster, of=handle.id, event="started")

        result = handoff("cancel", handle.id, "--url", url)

        assert result.exit_code == 0
        assert result.stdout in (f"{handle.id} runs, and is being ended\n", f"{handle.id} is canceled\n")
        with pytest.raises(Exception, match="was canceled"):
            handle.result(LIMIT_S)
