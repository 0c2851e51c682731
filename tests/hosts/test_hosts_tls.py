"""Clients and agents on other hosts reach Redis by TLS, and believe no certificate that they were not given."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import host_tasks
from handoff import Cluster, StoreUnavailable
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.hosts.network import Network
from support.hosts.servers import NAMESPACE, socket_of
from support.hosts.tls import READY, make_certificate
from support.processes import environment
from support.waiting import LIMIT_S

pytestmark = pytest.mark.slow

PORT = 6380


@pytest.fixture
def by_tls(network: Network, server: RedisServer, url: str, tmp_path: Path) -> Iterator[str]:
    """The address of Redis by TLS, without a certificate to believe."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate can be made here: openssl is not installed")
    certificate, address = tmp_path / "redis.pem", network["redis"].address
    make_certificate(certificate, address)
    arguments = [address, str(PORT), str(certificate), str(socket_of(server))]
    command = [*network["redis"].command, sys.executable, "-m", "support.hosts.tls", *arguments]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == READY
        login = url.partition("://")[2].partition("@")[0]
        yield f"rediss://{login}@{address}:{PORT}/0"
        process.kill()


def test_functions_go_to_and_fro_by_tls(
    network: Network, cluster: Cluster, agents: Agents, by_tls: str, tmp_path: Path
) -> None:
    agents.url = f"{by_tls}?ssl_ca_certs={tmp_path}/redis.pem.crt"
    agents.start("a", within=network["a"].command)

    def submit() -> str:
        with Cluster(agents.url, namespace=NAMESPACE) as client:
            node: str = client.enqueue(host_tasks.where).result(LIMIT_S)[0]
            return node

    def be_deceived() -> None:
        with Cluster(by_tls, namespace=NAMESPACE) as client, pytest.raises(StoreUnavailable, match="certificate"):
            client.enqueue(host_tasks.where)

    assert network["client"].call(submit) == "a"
    network["client"].call(be_deceived)
