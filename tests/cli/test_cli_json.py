"""What programs get that give --json: one object a line on stderr too, with the same exit codes, from every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from handoff.cli import main
from handoff.client.cluster import Cluster
from support import need_redis_server
from support.command_line import Run, handoff
from support.private_servers import server_of
from support.processes import environment
from support.waiting import LIMIT_S

CALLS = {
    "nodes": ["nodes"],
    "doctor": ["doctor"],
    "ping": ["ping"],
    "runs": ["runs"],
    "jobs": ["jobs"],
    "costs": ["costs"],
    "status": ["status", "f"],
    "logs": ["logs", "f"],
    "explain": ["explain", "f"],
    "events": ["events"],
    "dashboard": ["dashboard", "--port", "0"],
    "metrics": ["metrics", "--port", "0"],
    "top": ["top"],
    "cancel": ["cancel", "f"],
    "retry": ["retry", "f"],
    "drain": ["drain", "a"],
    "undrain": ["undrain", "a"],
    "share": ["share", "license=1"],
    "schedule": ["schedule", "pause", "nightly"],
    "limit": ["limit", "--count", "5"],
    "run": ["run", "tasks:f"],
    "completion": ["completion", "bash"],
    "demo": ["demo", "/does/not/exist"],
    "node": ["node", "--wait", "0", "--no-probe"],
}
"""Of each command how it is called; all but the demo, top and completion want a Redis at once."""


def told(result: Result) -> dict[str, Any]:
    """The error of a command that ended badly."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    error: dict[str, Any] = json.loads(line)["error"]
    assert error.keys() == {"type", "message"}
    return error


def call(*arguments: str) -> Result:
    """Call a command; the agent takes the place of the process that is called."""
    if arguments[0] != "node":
        return handoff(*arguments)
    command = [sys.executable, "-m", "handoff", *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, timeout=LIMIT_S)
    return Result(
        CliRunner(), done.stdout, done.stderr, done.stdout + done.stderr, return_value=None, exit_code=done.returncode,
        exception=None,
    )  # fmt: skip


def test_every_command_is_called_here() -> None:
    assert CALLS.keys() == main.commands.keys()


@pytest.mark.parametrize("command", CALLS)
def test_a_bad_argument_is_an_object_and_exit_code_2(command: str) -> None:
    result = call(command, "--explode", "--json")

    assert (result.exit_code, told(result)["type"]) == (2, "NoSuchOption")


@pytest.mark.parametrize("command", sorted(CALLS.keys() - {"demo", "top", "completion"}))
@pytest.mark.usefixtures("quick_to_give_up")
def test_a_redis_that_is_away_is_an_object_and_exit_code_1(command: str, closed_url: str) -> None:
    result = call(*CALLS[command], "--json", "--url", closed_url)

    error = told(result)
    assert (result.exit_code, error["type"]) == (1, "StoreUnavailable")
    assert error["message"].startswith(f"Redis at {closed_url} is not available (")


def test_the_demo_says_what_it_cannot_analyze_as_an_object() -> None:
    result = call(*CALLS["demo"], "--json")

    assert (result.exit_code, told(result)["type"]) == (2, "UsageError")


@pytest.mark.parametrize("command", ["status", "logs", "explain", "cancel", "retry"])
def test_what_nobody_knows_is_an_object_that_names_the_error(run: Run, command: str) -> None:
    result = run(command, "nobody", "--json")

    assert (result.exit_code, told(result)["type"]) == (1, "UnknownFunction")


def test_top_which_is_for_people_says_what_tells_programs_the_same() -> None:
    result = call(*CALLS["top"], "--json")

    error = told(result)
    assert (result.exit_code, error["type"]) == (2, "UsageError")
    assert "`handoff status --json`" in error["message"]


def test_json_may_be_asked_for_before_the_command(run: Run) -> None:
    assert told(run("--json", "status", "nobody"))["type"] == "UnknownFunction"
    assert told(handoff("--json", "explode"))["message"].startswith("No such command 'explode'")


def test_an_argument_of_the_function_does_not_ask_for_json() -> None:
    result = handoff("run", "--explode", "tasks:f", "--", "--json")

    assert (result.exit_code, result.stderr[:9]) == (2, "handoff: ")


def test_a_function_that_failed_is_an_object_behind_what_was_decided(run_live: Run) -> None:
    result = run_live("operator:truediv", ":1", ":0", "--job-id", "divided-for-json", "--json", "--verbose")

    decided, traceback, error = map(json.loads, result.stderr.splitlines())
    assert (result.exit_code, result.stdout) == (1, "")
    assert (decided["state"], decided["node"]) == ("placed", "a")
    assert "Traceback (most recent call last):" in traceback["notice"]
    assert error["error"]["type"] == "FunctionFailed"
    assert error["error"]["message"].endswith("with ZeroDivisionError: division by zero")


def test_warnings_about_the_server_are_objects_too(tmp_path: Path) -> None:
    need_redis_server()
    with server_of(tmp_path, "--maxmemory-policy", "allkeys-lru") as server:
        command = [sys.executable, "-m", "handoff", "nodes", "--json", "--url", server.url]
        done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, timeout=LIMIT_S, check=True)

    evicts, forgets = (json.loads(line)["notice"] for line in done.stderr.splitlines())
    assert json.loads(done.stdout) == []
    assert "throws keys away when its memory is full" in evicts
    assert "keeps nothing on disk" in forgets


def test_what_waits_for_a_node_that_could_hold_it_is_told_with_its_reason(run: Run, cluster: Cluster) -> None:
    result = run("run", "tasks:f", "--cost", "cpu=2", "--wait-ttl", "0.1", "--json")

    decided, error = map(json.loads, result.stderr.splitlines())
    assert decided.keys() == {"notice", "id", "state", "node", "devices", "reason"}
    assert (decided["state"], decided["reason"]) == ("infeasible", "no node is live: `handoff node` starts one")
    assert decided["notice"].startswith(f"function {decided['id']} waits for a node that could hold it (no node is ")
    assert error["error"]["type"] == "WaitExpired"
