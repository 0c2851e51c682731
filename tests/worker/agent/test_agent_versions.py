"""Agents and clients of two versions on one server: this tree, a copy with another layout, and an earlier wheel."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import NodeLost, OtherLayout
from handoff.ledger import layout
from handoff.local.server import RedisServer
from support.agent_processes import Agent, Agents
from support.gate import Gate
from support.versions import EARLIER, NEWER, copy_with, earlier_wheel, version_with
from support.waiting import LIMIT_S, wait_until


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return copy_with(NEWER, tmp_path_factory.mktemp("newer"))


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return earlier_wheel(tmp_path_factory.mktemp("earlier"))


@pytest.fixture(autouse=True)
def _ours_again(agents: Agents, cluster: Cluster) -> Iterator[None]:
    """What looks at the books after a test is of this version."""
    yield
    agents.stop()
    set_layout(cluster, layout.LAYOUT)


def set_layout(cluster: Cluster, number: int) -> None:
    client: Any = cluster.connection
    client.hset(cluster.store.keys("clock"), "layout", number)


def layout_of(cluster: Cluster) -> bytes | None:
    client: Any = cluster.connection
    found: bytes | None = client.hget(cluster.store.keys("clock"), "layout")
    return found


def await_word(agent: Agent, word: str) -> None:
    wait_until(lambda: word in agent.wrote(), f"the agent says {word!r}")


def assert_refused(agent: Agent) -> None:
    """It ends with one line that says why."""
    assert agent.wait() == 1
    last = agent.wrote().splitlines()[-1]
    assert last.startswith("handoff node: namespace ")
    assert last.endswith(f"and this version knows layout {layout.LAYOUT}: "
                         "install the version of those who wrote it, or give another namespace")  # fmt: skip
    assert "Traceback" not in agent.wrote()


def client_of(version: dict[str, str], url: str, cluster: Cluster, code: str) -> str:
    """Run a program of another version, in which there is a `cluster`. -> what it prints"""
    program = f"from handoff import Cluster\ncluster = Cluster({url!r}, namespace={cluster.namespace!r})\n{code}"
    ended = subprocess.run(
        [sys.executable, "-c", program], env=version, check=True, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S
    )
    return ended.stdout.strip()


class TestNewer:
    def test_an_agent_does_not_start_on_data_of_a_newer_layout(self, cluster: Cluster, agents: Agents) -> None:
        set_layout(cluster, NEWER)

        agent = agents.start("a", wait=False)

        assert_refused(agent)
        assert len(agent.wrote().splitlines()) == 1
        client: Any = cluster.connection
        assert [*client.scan_iter(f"*{cluster.namespace}*")] == [cluster.store.keys("clock").encode()]

    def test_an_agent_under_which_the_layout_changes_lets_end_what_runs_and_ends(
        self, cluster: Cluster, agents: Agents, gate: Gate
    ) -> None:
        # Long enough that the lease does not end while a busy machine lets the function pass.
        agent = agents.start("a", lease=120)
        handle = cluster.enqueue("agent_tasks:pass_gate", gate.folder)
        gate.arrival()

        set_layout(cluster, NEWER)
        await_word(agent, "ending: ")
        gate.open("a")

        assert_refused(agent)
        assert "are stopped" not in agent.wrote()
        assert f"are not delivered, and count as lost with node a: {handle.id}" in agent.wrote()
        set_layout(cluster, layout.LAYOUT)
        cluster.deregister_node("a")
        with pytest.raises(NodeLost):
            handle.result(timeout=LIMIT_S)

    def test_what_does_not_end_within_the_lease_is_killed(self, cluster: Cluster, agents: Agents, gate: Gate) -> None:
        agent = agents.start("a", lease=2)
        cluster.enqueue("agent_tasks:pass_gate", gate.folder, max_retries=0)
        gate.arrival()

        set_layout(cluster, NEWER)

        assert_refused(agent)
        assert "the lease has ended: 1 functions are stopped" in agent.wrote()
        set_layout(cluster, layout.LAYOUT)
        cluster.deregister_node("a")

    def test_a_newer_agent_waits_until_the_older_ones_have_left_and_then_shuts_the_older_version_out(
        self, cluster: Cluster, agents: Agents, redis_server: RedisServer, newer: dict[str, str], gate: Gate
    ) -> None:
        old = agents.start("a", lease=60)
        handle = cluster.enqueue("agent_tasks:pass_gate", gate.folder, "done")
        gate.arrival()
        new = agents.start("b", version=newer, wait=False)
        await_word(new, "agents of an older version run, such as on a")
        assert layout_of(cluster) == str(layout.LAYOUT).encode()

        gate.open("a")
        assert handle.result(timeout=LIMIT_S) == "done"
        old.signal(signal.SIGTERM)
        assert old.wait() == 0
        wait_until(lambda: layout_of(cluster) == str(NEWER).encode(), "the newer version has brought it up to date")

        with pytest.raises(OtherLayout):
            cluster.enqueue("agent_tasks:echo", "?")
        assert_refused(agents.start("c", wait=False))
        with version_with(NEWER):
            assert cluster.enqueue("agent_tasks:echo", "new").result(timeout=LIMIT_S) == "new"


class TestEarlier:
    """An earlier version, which knows no layout."""

    def test_functions_pass_between_an_earlier_version_and_this_one_both_ways(
        self, cluster: Cluster, agents: Agents, redis_server: RedisServer, earlier: dict[str, str]
    ) -> None:
        agents.start("this")
        agents.start("earlier", version=earlier)

        from_this = [cluster.enqueue("agent_tasks:where", node=node) for node in ("this", "earlier")]
        assert [handle.result(timeout=LIMIT_S) for handle in from_this] == ["this", "earlier"]
        code = (
            "import json\n"
            "handles = [cluster.enqueue('agent_tasks:where', node=node) for node in ('this', 'earlier')]\n"
            f"print(json.dumps([handle.result(timeout={LIMIT_S}) for handle in handles]))"
        )
        assert json.loads(client_of(earlier, redis_server.url, cluster, code)) == ["this", "earlier"]

    def test_an_earlier_version_goes_on_with_newer_data_as_the_architecture_says(
        self, cluster: Cluster, redis_server: RedisServer, earlier: dict[str, str]
    ) -> None:
        client: Any = cluster.connection
        set_layout(cluster, NEWER)
        client.zadd(cluster.store.keys("timers"), {"novel|x": 1})
        client.zadd(cluster.store.keys("leftovers"), {"novel|x|0": 1})

        said = client_of(
            earlier,
            redis_server.url,
            cluster,
            "cluster.register_node('a', {'cpu': 1})\n"
            "handle = cluster.enqueue('agent_tasks:nothing')\n"
            "print(handle.verdict.state, handle.cancel())\n"
            "cluster.store.run('tick', room=0, token='t')\n"
            "cluster.deregister_node('a')",
        )

        assert said == "placed True"
        assert not client.exists(cluster.store.keys("timers"), cluster.store.keys("leftovers"))
        architecture = (Path(__file__).parents[3] / "ARCHITECTURE.md").read_text()
        assert f"versions up to `{EARLIER[:7]}`" in architecture
