"""`handoff metrics`: where it listens, and what it tells."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx2
import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.command_line import handoff
from support.processes import environment
from support.waiting import LIMIT_S


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_end(server: RedisServer) -> None:
    command = [sys.executable, "-m", "handoff", "metrics", "--port", "0", "--url", server.url]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
            assert address is not None
            with httpx2.Client(timeout=LIMIT_S) as web:
                root = address[0].removesuffix("metrics")
                found, alive, elsewhere = web.get(address[0]), web.get(root), web.get(f"{root}other")
            process.send_signal(signal.SIGTERM)
            status = process.wait(LIMIT_S)
            said = process.stderr.read()
        finally:
            process.kill()

    assert found.headers["Content-Type"].startswith("text/plain")
    assert "\nhandoff_up 1.0\n" in found.text
    assert (alive.status_code, alive.text) == (200, "Metrics are at /metrics.\n")
    assert elsewhere.status_code == 404
    assert (status, said) == (0, "")


def test_without_its_extra_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    for name in [name for name in sys.modules if name.startswith(("prometheus_client", "handoff.metrics"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    result = handoff("metrics", "--port", "0")

    assert result.exit_code == 1
    assert "pip install 'handoff-rq[metrics]'" in result.stderr


def test_a_host_that_is_empty_is_told() -> None:
    result = handoff("metrics", "--host=")

    assert result.exit_code == 2
    assert "it is empty" in result.stderr
