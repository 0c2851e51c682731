"""A real Prometheus scrapes a real node, by the file that is shipped."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from handoff.client.cluster import Cluster
from support.local import local_cluster
from support.monitoring import need
from support.processes import environment
from support.waiting import LIMIT_S, wait_until

FILES = Path(__file__).resolve().parents[2] / "workers" / "monitoring"

pytestmark = pytest.mark.slow


@contextmanager
def prometheus(program: str, folder: Path) -> Iterator[httpx2.Client]:
    """Run it on a port of its own choice, which it says nowhere: it is looked for among what it listens at."""
    command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stderr=log, stdout=log) as process:
        try:
            wait_until(lambda: port_of(process.pid) is not None, "it listens")
            with httpx2.Client(base_url=f"http://127.0.0.1:{port_of(process.pid)}", timeout=LIMIT_S) as web:
                wait_until(lambda: web.get("/-/ready").status_code == 200, "it is ready")
                yield web
        finally:
            process.kill()


def port_of(pid: int) -> int | None:
    listening = [each for each in psutil.Process(pid).net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    return listening[0].laddr.port if listening else None


def ask(web: httpx2.Client, expression: str) -> dict[str, float]:
    """What it knows now, by the labels that the expression leaves."""
    found: Any = web.get("/api/v1/query", params={"query": expression}).json()
    return {
        ",".join(value for name, value in each["metric"].items() if name not in ("__name__", "instance", "job")): float(
            each["value"][1]
        )
        for each in found["data"]["result"]
    }


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[tuple[Cluster, httpx2.Client]]:
    """A cluster with a node that runs functions, and a Prometheus that scrapes it every 200 ms."""
    program = need("prometheus")
    local = local_cluster({"a": {"cpu": 2}})
    with local as cluster:
        serving = [sys.executable, "-m", "handoff", "metrics", "--port", "0", "--url", local.server.url]
        with subprocess.Popen(serving, env=environment(), stderr=subprocess.PIPE, text=True) as metrics:
            try:
                assert metrics.stderr is not None
                address = re.search(r"http://(\S+)/metrics", metrics.stderr.readline())
                assert address is not None
                configuration = (FILES / "prometheus.yml").read_text().replace("127.0.0.1:8291", address[1])
                configuration = configuration.replace(": 15s", ": 200ms")
                (tmp_path / "prometheus.yml").write_text(configuration)
                (tmp_path / "alerts.yml").write_text((FILES / "alerts.yml").read_text())
                with prometheus(program, tmp_path) as web:
                    yield cluster, web
            finally:
                metrics.kill()


def test_what_a_node_does_is_found_by_asking_prometheus(scraped: tuple[Cluster, httpx2.Client]) -> None:
    cluster, web = scraped
    wait_until(lambda: ask(web, "handoff_attempts_total") != {}, "it was scraped before anything has run")
    for _ in range(3):
        cluster.enqueue("operator:add", 1, 2, cost={"cpu": 1}).result(LIMIT_S)
    cluster.enqueue("operator:add", 1, 2, cost={"gpu": 1})

    wait_until(lambda: ask(web, 'handoff_attempts_total{outcome="finished"}') == {"finished": 3}, "three have finished")
    wait_until(lambda: ask(web, 'handoff_waiting_functions{reason="infeasible"}') == {"infeasible": 1}, "one waits")
    assert ask(web, 'handoff_function_attempts_total{function="operator.add"}') == {"operator.add,finished": 3}
    assert ask(web, 'handoff_capacity{resource="cpu"}') == {"cpu": 2}
    assert ask(web, "handoff_run_seconds_count") == {"": 3}
    wait_until(lambda: ask(web, 'ALERTS{alertname="HandoffInfeasible"}') != {}, "the alert is pending")
