"""An agent that was not told to load pickles loads none: not of a function, nor for the callback of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import agent_tasks
from handoff import Cluster, FunctionFailed, Handle
from handoff.local.server import RedisServer
from support.agent import FakeAgent
from support.agent_processes import Agents
from support.deadlines import end_lease
from support.lost import assert_lost
from support.results import told
from support.waiting import LIMIT_S


class Marking:
    """Whoever unpickles it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self._folder,)


@pytest.fixture
def pickling(redis_server: RedisServer, cluster: Cluster) -> Iterator[Cluster]:
    """A client of the same cluster that pickles."""
    with Cluster(redis_server.url, namespace=cluster.namespace, serializer="pickle") as pickling:
        yield pickling


def enqueue(pickling: Cluster, mark: Path, **options: Any) -> Handle:
    return pickling.enqueue(
        agent_tasks.echo, Marking(mark), meta={"by": Marking(mark)}, on_failure=agent_tasks.tell_failure_of_the_call,
        **options,
    )  # fmt: skip


def test_the_callback_of_a_function_that_was_refused_is_told_and_reads_no_pickle(
    agents: Agents, pickling: Cluster, tmp_path: Path
) -> None:
    agents.start("a")

    handle = enqueue(pickling, tmp_path / "mark")

    with pytest.raises(FunctionFailed, match="this agent loads no pickles: start it with --allow-pickle"):
        handle.result(LIMIT_S)
    said = told(pickling, handle)
    assert said.startswith("a: ")
    assert "start it with --allow-pickle" in said
    assert not (tmp_path / "mark").exists()


def test_the_callback_of_a_lost_function_reads_no_pickle(agents: Agents, pickling: Cluster, tmp_path: Path) -> None:
    lost = FakeAgent(pickling.store, "lost", {"cpu": 1}).register()
    handle = enqueue(pickling, tmp_path / "mark", node="lost")
    assert lost.take()
    agents.start("a")

    end_lease(pickling, "lost")

    assert_lost(handle, "lost")
    assert "start it with --allow-pickle" in told(pickling, handle)
    assert not (tmp_path / "mark").exists()


def test_with_leave_the_callback_reads_the_call(agents: Agents, pickling: Cluster) -> None:
    agents.start("a", "--allow-pickle")

    handle = pickling.enqueue(agent_tasks.fail, "no", on_failure=agent_tasks.tell_failure_of_the_call)

    assert told(pickling, handle) == "a: Refused, its call: ('no',)"
