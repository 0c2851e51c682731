"""`handoff dashboard`: where it listens, and whom it lets in."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from handoff.cli.listening import is_loopback
from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.command_line import handoff
from support.processes import environment
from support.waiting import LIMIT_S


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_end(server: RedisServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret\n")
    options = ["--port", "0", "--user", "ada", "--password-file", str(file), "--url", server.url]
    command = [sys.executable, "-m", "handoff", "dashboard", *options]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
            assert address is not None
            with httpx2.Client(base_url=address[0], timeout=LIMIT_S) as web:
                refused, page = web.get("/"), web.get("/", auth=("ada", "secret"))
                with web.stream("GET", "/live/", auth=("ada", "secret")) as live:
                    first = next(line for line in live.iter_lines() if line.startswith("event:"))
                    process.send_signal(signal.SIGTERM)
                    assert process.wait(LIMIT_S) in (0, -signal.SIGTERM)
        finally:
            process.kill()

    assert refused.status_code == 401
    assert page.status_code == 200
    assert first == "event: page"


def test_a_port_that_is_taken_is_told_in_one_line(server: RedisServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = handoff("dashboard", "--port", str(taken.getsockname()[1]), "--url", server.url)

    assert result.exit_code == 1
    assert "nothing can listen at 127.0.0.1:" in result.stderr


@pytest.mark.parametrize("host", ["", "x" * 300, "a b", "\0", "\udcff", "999.1.1.1", "::1::1", "ü.example"])
def test_a_host_that_is_none_is_told_in_one_line(server: RedisServer, host: str) -> None:
    result = handoff("dashboard", "--port", "0", f"--host={host}", "--url", server.url)

    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--user", "ada"], "go together"),
        (["--password-file", __file__], "go together"),
        (["--port", "70000"], "70000"),
        (["--user", "ada", "--password-file", "/does/not/exist"], "cannot be read"),
    ],
)
def test_what_does_not_go_together_is_told(options: list[str], said: str) -> None:
    result = handoff("dashboard", *options)

    assert result.exit_code == 2
    assert said in result.stderr


def test_an_empty_password_is_none(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("\n")

    assert "is empty" in handoff("dashboard", "--user", "ada", "--password-file", str(file)).stderr


@pytest.mark.parametrize(
    ("host", "is_of_this_machine"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.com", False)],
)
def test_which_addresses_are_reached_from_this_machine_alone(host: str, is_of_this_machine: bool) -> None:
    assert is_loopback(host) == is_of_this_machine


def test_without_its_extra_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    for name in [name for name in sys.modules if name.startswith(("starlette", "handoff.dashboard"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    result = handoff("dashboard", "--port", "0")

    assert result.exit_code == 1
    assert "pip install 'handoff-rq[dashboard]'" in result.stderr
