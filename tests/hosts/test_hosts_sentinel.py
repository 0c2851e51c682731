"""The host of the master is cut off while functions are submitted and run: sentinels make the other one the master."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent_tasks
from handoff import Cluster, InvalidFunction, NotDurable, StoreUnavailable
from support import need_redis_server
from support.agent_processes import Agents
from support.books import assert_nothing_held, check_books
from support.hosts.network import Network, need_namespaces
from support.hosts.servers import NAMESPACE
from support.hosts.watched import WatchedOnHosts
from support.sentinels import SOON_MS
from support.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.slow

ENOUGH = 5


@pytest.fixture
def network() -> Iterator[Network]:
    need_redis_server()
    need_namespaces()
    with Network("one", "two", "three", "a", "client") as network:
        yield network


@pytest.fixture
def watched(network: Network, tmp_path: Path) -> Iterator[WatchedOnHosts]:
    with WatchedOnHosts(tmp_path / "watched", [network[name] for name in ("one", "two", "three")]) as watched:
        yield watched


class Load:
    """Submits one function after the other, and notes what was acknowledged as being on both servers, or after that."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.acknowledged: dict[str, int] = {}
        self.refused = 0
        self.enough = threading.Event()

    def submit(self) -> None:
        number = 0
        with Cluster(self._url, namespace=NAMESPACE, durability="replica", timeout=1) as cluster:
            while not self.enough.is_set():
                number += 1
                try:
                    id = cluster.enqueue(agent_tasks.echo, number, job_id=f"number-{number}").id
                except (StoreUnavailable, NotDurable, InvalidFunction):
                    self.refused += 1
                else:
                    self.acknowledged[id] = number

    def results(self) -> dict[str, int]:
        with Cluster(self._url, namespace=NAMESPACE) as cluster:
            handles = cluster.handles(self.acknowledged)
            return dict(zip(self.acknowledged, cluster.gather(handles, timeout=LIMIT_S), strict=True))


def test_nothing_that_a_replica_had_is_lost_when_the_host_of_the_master_is_cut_off_and_healed(
    network: Network, watched: WatchedOnHosts, tmp_path: Path
) -> None:
    old, new = watched.servers
    url = watched.url
    load = Load(url)
    here = f"unix://:{watched.password}@{watched.client(old).connection_pool.connection_kwargs['path']}?db=0"
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(Cluster(here, namespace=NAMESPACE))
        agents = stack.enter_context(Agents(before, url, tmp_path))
        agents.start("a", within=network["a"].command)
        # The replica is behind: what only the master has acknowledged would be lost.
        network["two"].wire.late_s = 0.1
        submitted = network["client"].begin(load.submit)
        stack.callback(load.enough.set)
        wait_until(lambda: len(load.acknowledged) > ENOUGH, "functions are acknowledged")

        network["one"].wire.is_cut, network["two"].wire.late_s = True, 0.0
        watched.set_down_after(SOON_MS)
        is_master = lambda: watched.client(new).info("replication")["role"] == "master"  # noqa: E731
        wait_until(is_master, "the other one is the master")
        network["one"].wire.is_cut = False
        # Sentinels say so themselves, after some fifteen seconds.
        watched.client(old).replicaof(watched.host_of(new), new)
        watched.await_replication(old)
        since = len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) > since + ENOUGH, "functions are acknowledged by the new master")
        load.enough.set()
        submitted.result(LIMIT_S)

        assert load.refused > 0
        assert network["client"].call(load.results) == load.acknowledged
        with Cluster(here.replace(f"/{old}?", f"/{new}?"), namespace=NAMESPACE) as after:
            wait_until(lambda: not after.store.read("EXISTS", after.store.keys("waiting")), "nothing waits")
            agents.stop()
            check_books(after.store)
            assert_nothing_held(after.store)
