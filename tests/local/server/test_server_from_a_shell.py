"""`python -m handoff.local` gives a shell a server of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

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


def test_an_argument_is_refused() -> None:
    done = subprocess.run([*LOCAL, "--port"], env=environment(), capture_output=True, text=True, timeout=LIMIT_S)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
