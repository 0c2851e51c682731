"""`handoff node --preload`: Django and the like are set up before any function runs; else there is no node."""

from __future__ import annotations

from pathlib import Path

import pytest

from handoff import Cluster, LocalCluster
from support.agent_processes import Agents
from support.waiting import LIMIT_S

FRAMEWORK = """
is_ready = False

def setup():
    global is_ready
    is_ready = True
"""

MODELS = """
import early_framework
if not early_framework.is_ready:
    raise RuntimeError("AppRegistryNotReady")

def count():
    return 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "early_framework.py").write_text(FRAMEWORK)
    (tmp_path / "early_models.py").write_text(MODELS)
    return tmp_path


def test_functions_find_what_was_set_up_before(cluster: Cluster, agents: Agents, folder: Path) -> None:
    agents.start("a", "--path", str(folder), "--preload", "early_framework:setup", "--preload", "early_models")

    assert cluster.enqueue("early_models:count").result(LIMIT_S) == 3


def test_an_agent_that_cannot_load_it_says_so_and_never_registers(
    cluster: Cluster, agents: Agents, folder: Path
) -> None:
    agent = agents.start("a", "--path", str(folder), "--preload", "early_models", wait=False)

    assert agent.wait() == 1
    told = agent.wrote().splitlines()[-1]
    assert told.startswith("handoff node: early_models cannot be preloaded (RuntimeError: AppRegistryNotReady): ")
    assert cluster.events() == []


def test_the_agents_of_a_local_cluster_load_it_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    with LocalCluster(nodes={"a": {"cpu": 1}}, preload=["early_framework:setup"]) as local:
        assert local.enqueue("early_models:count").result(LIMIT_S) == 3


def test_what_a_local_cluster_is_to_load_is_a_list() -> None:
    with pytest.raises(TypeError, match="preload is 'django:setup': give a list of texts"):
        LocalCluster(preload="django:setup")
