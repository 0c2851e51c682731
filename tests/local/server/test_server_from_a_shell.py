"""`python -m handoff.local` gives a shell a server of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import psutil
import pytest

from handoff.local.server import RedisServer, any_port
from support import need_redis_server
from support.processes import environment
from support.waiting import LIMIT_S

LOCAL = [sys.executable, "-m", "handoff.local"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_shell_that_is_given_its_line_uses_it_until_it_ends(number: signal.Signals) -> None:
    need_redis_server()
    asks = [sys.executable, "-m", "handoff", "nodes", "--json"]
    with subprocess.Popen(LOCAL, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as local:
        assert local.stdout is not None
        line = local.stdout.readline()

        script = f'{line}exec "$@"'
        shell = subprocess.run(
            ["sh", "-c", script, "sh", *asks], env=environment(), capture_output=True, text=True, timeout=LIMIT_S
        )
        local.send_signal(number)
        _, said = local.communicate(timeout=LIMIT_S)

    assert (shell.returncode, json.loads(shell.stdout), shell.stderr) == (0, [], "")
    assert (local.returncode, len(said.splitlines())) == (0, 1)


def test_where_no_server_is_found_it_says_how_to_get_one() -> None:
    done = subprocess.run(
        LOCAL, env=environment() | {"HANDOFF_REDIS_SERVER": "/does/not/exist"}, capture_output=True, text=True,
        timeout=LIMIT_S,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert "HANDOFF_REDIS_SERVER names '/does/not/exist'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["surplus"], "unrecognized arguments: surplus"),
        (["--port"], "expected one argument"),
        (["--port", "0"], "'0' is no port"),
        (["--port", "high"], "'high' is no port"),
    ],
)
def test_what_it_cannot_read_is_told_in_one_line(arguments: list[str], expected: str) -> None:
    done = subprocess.run([*LOCAL, *arguments], env=environment(), capture_output=True, text=True, timeout=LIMIT_S)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert expected in done.stderr


def test_it_has_the_port_that_is_asked_for_and_ends_with_its_server() -> None:
    need_redis_server()
    port = any_port()
    command = [*LOCAL, "--port", str(port)]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as local:
        assert local.stdout is not None
        url = local.stdout.readline().strip().partition("=")[2]

        (server,) = psutil.Process(local.pid).children()
        server.kill()
        _, said = local.communicate(timeout=LIMIT_S)

    assert f"@127.0.0.1:{port}/0" in url
    assert local.returncode == 1
    assert said.splitlines()[1:] == [
        "handoff.local: the server has ended by signal 9, and what it had is gone: start another"
    ]


def test_a_port_that_somebody_has_is_told_and_no_other_is_taken(server: RedisServer) -> None:
    command = [*LOCAL, "--port", str(server.port)]

    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S)

    assert (done.returncode, done.stdout) == (1, "")
    assert "Address already in use" in done.stderr
