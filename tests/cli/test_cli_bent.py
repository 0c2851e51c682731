"""Every option and argument of every command, bent in every way: done, or one line and exit code 1 or 2."""

from __future__ import annotations

import pytest
from click.testing import Result

from handoff.cli import main
from handoff.cli.group import LONGEST_COMPLAINT
from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.command_line import handoff

BENT = [
    "", " ", "nan", "-nan", "inf", "-inf", "-1", "0", "1e400", "1" * 5000, "-" + "1" * 5000, "9" * 30, "x" * 100_000,
    "a b", "\0", "a\nb", "\udcff", "ü", "[]", "{", "--", "=", "a=", "=a", "a=nan", "cpu=-1", "cpu=" + "9" * 5000,
    "cpu=1e999999", "cpu=1,cpu=1", ":", "a:b", ":nan", ":{", "%", "%..", "@/no/such", "@/", "*", "\u0661", "1_0",
    "0x10", "True", "None", ":" + "[" * 3000, "a:=" + "[" * 3000, "%" + "(" * 3000, ":" + "9" * 5000, ':"\\ud800"',
]  # fmt: skip

ADDRESSES = [
    "redis://:::", "redis://h:99999999/0", "redis://h:port/0", "redis://h/notadb", "redis://h/" + "9" * 5000,
    "redis://h/-1", "rediss://h?ssl_cert_reqs=x", "redis://h?nonsense=1", "redis://h?socket_timeout=x", "redis://h?db=x",
    "redis://h?max_connections=-1", "redis://h?health_check_interval=x", "redis://h?protocol=9", "redis://[::1",
    "redis://\0/0", "http://h", "redis+sentinel://", "redis+sentinel://h/s/x", "redis://h?retry_on_error=x",
]  # fmt: skip

COMMANDS = [
    ["status", "--", "{}"], ["status", "--", "run", "{}"], ["cancel", "--", "{}"], ["explain", "--", "{}"],
    ["explain", "--", "run", "{}"], ["drain", "--", "{}"], ["drain", "a", "--deadline={}"], ["undrain", "--", "{}"],
    ["runs", "--", "{}"], ["runs", "--mermaid", "--", "{}"], ["runs", "--count={}"], ["nodes", "--", "{}"],
    ["ping", "--nodes={}"],
    *(["jobs", f"--{option}={{}}"] for option in ("state", "node", "name", "run", "shape", "since", "limit")),
    ["retry", "--", "{}"], ["events", "--count={}"], ["limit", "--count={}"],
    ["limit", "--seconds={}"], ["schedule", "{}"], ["schedule", "pause", "--", "{}"],
    ["share", "--", "{}"], ["share", "--remove={}"],
    *(["retry", "--failed", f"--{option}={{}}"] for option in ("error", "name", "node", "since")),
    *(["dashboard", f"--{option}={{}}", "--user=x"] for option in ("port", "host", "user")),
    ["dashboard", "--password-file={}"],
    *(["metrics", f"--{option}={{}}", "--namespace="] for option in ("port", "host", "examine-every")),
    ["top", "--interval={}"],
    ["logs", "--", "{}"], ["logs", "--", "run", "{}"],
    ["doctor", "--patience={}"], ["nodes", "--namespace={}"], ["nodes", "--url={}"], ["nodes", "--{}"], ["{}"],
    ["run", "--detach", "--", "{}"], ["run", "--detach", "tasks:f", "--", "{}"],
    *(["run", "--detach", f"--{option}={{}}", "tasks:f"] for option in (
        "cost", "node", "where", "priority", "timeout", "max-retries", "delay", "wait-ttl", "on-infeasible", "strategy",
        "job-id", "isolation", "on-node-loss", "on-memory-exceeded",
    )),
]  # fmt: skip


@pytest.fixture
def cluster(server: RedisServer, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Cluster:
    monkeypatch.setenv("HANDOFF_REDIS_URL", server.url)
    return cluster


def fault_of(arguments: list[str]) -> str:
    """What is wrong with the end of a command; '' if nothing is."""
    return fault_in(handoff(*arguments))


def fault_in(result: Result) -> str:
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return repr(result.exception)
    if result.exit_code not in (0, 1, 2):
        return f"exit code {result.exit_code}"
    lines = result.stderr.splitlines()
    if result.exit_code and (len(lines) != 1 or ": " not in lines[0] or len(lines[0]) > LONGEST_COMPLAINT + 200):
        return f"no line: {result.stderr[:300]!r}"
    return ""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_bent_argument_is_told_in_one_line(cluster: Cluster, command: list[str]) -> None:
    faults = []
    for bent in BENT:
        arguments = [part.format(bent) if part in ("{}", "--{}") or "={}" in part else part for part in command]
        if "--namespace={}" not in command and command != ["{}"] and command[0] != "{}":
            arguments.insert(1, f"--namespace={cluster.namespace}")
        if arguments != ["--"] and (fault := fault_of(arguments)):
            faults.append((bent[:20], fault))

    assert faults == []


@pytest.mark.parametrize("url", ADDRESSES, ids=lambda url: url[:30].replace("\0", "NUL"))
def test_what_is_no_address_is_told_in_one_line(url: str) -> None:
    result = handoff("nodes", f"--url={url}")

    assert fault_in(result) == ""
    assert result.exit_code in (1, 2)


@pytest.mark.parametrize("option", ["--url", "--namespace"])
def test_an_empty_option_is_not_taken_for_one_that_was_left_out(option: str) -> None:
    result = handoff("nodes", option, "")

    assert result.exit_code == 2
    assert "it is empty" in result.stderr


def test_every_option_of_every_command_is_bent() -> None:
    tried = {word.partition("=")[0] for command in COMMANDS for word in command}
    options = {
        option
        for name, command in main.commands.items()
        if name not in ("demo", "node")
        for parameter in command.params
        if not getattr(parameter, "is_flag", False)
        for option in parameter.opts
        if option.startswith("--")
    }

    assert options <= tried
