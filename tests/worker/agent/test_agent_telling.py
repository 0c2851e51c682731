"""What functions tell on real nodes is read by others while they run, and outlives them and their nodes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import child_told
from handoff import Cluster, LocalCluster, StreamRestarted
from support.agent_processes import Agents
from support.deadlines import end_lease
from support.waiting import LIMIT_S, wait_until


def test_parts_lines_and_progress_are_read_while_a_function_runs(
    cluster: Cluster, agents: Agents, tmp_path: Path
) -> None:
    agents.start("a")
    handle = cluster.enqueue(child_told.tell_all_and_wait, 2, str(tmp_path / "end"))

    parts, lines = handle.stream(), handle.logs(follow=True)

    assert [next(parts), next(parts)] == [0, 1]
    assert [next(lines), next(lines)] == ["part 0", "part 1"]
    wait_until(lambda: handle.progress is not None and handle.progress.fraction == 1.0, "it has said so")
    assert handle.status == "started"
    (tmp_path / "end").touch()
    assert (list(parts), list(lines), handle.result(LIMIT_S)) == ([], ["at the end"], "told")


def test_a_function_that_prints_much_delays_no_other(cluster: Cluster, agents: Agents) -> None:
    agents.start("a")
    much = cluster.enqueue(child_told.say_much, 30_000)

    others = [cluster.enqueue(child_told.say, "a line") for _ in range(20)]

    assert [other.result(LIMIT_S) for other in others] == [1] * 20
    assert [other.logs() for other in others] == ["a line\n"] * 20
    assert much.result(LIMIT_S) == 30_000
    said = much.logs()
    assert said.startswith("line 0\nline 1\n")
    assert "bytes are left out]\n" in said
    assert said.endswith("line 29998\nline 29999\n")


def test_of_a_node_that_is_to_keep_no_logs_it_is_told_how_much_is_left_out() -> None:
    with LocalCluster(nodes={"a": {"cpu": 1}}, log_size=0) as cluster:
        said, silent = cluster.enqueue(child_told.say, "hello"), cluster.enqueue(child_told.say)

        assert (said.result(LIMIT_S), silent.result(LIMIT_S)) == (1, 0)
        assert (said.logs(), silent.logs()) == ("[6 bytes are left out]\n", "")


@pytest.mark.slow
def test_what_was_told_outlives_the_node_and_a_retry_elsewhere_is_told(
    cluster: Cluster, agents: Agents, tmp_path: Path
) -> None:
    a = agents.start("a")
    handle = cluster.enqueue(child_told.tell_all_and_wait, 2, str(tmp_path / "end"), max_retries=1)
    parts = handle.stream()
    assert [next(parts), next(parts)] == [0, 1]

    a.signal(signal.SIGKILL)
    a.wait()
    agents.start("b")
    end_lease(cluster, "a")

    with pytest.raises(StreamRestarted) as raised:
        next(parts)
    assert raised.value.attempt == 2
    (tmp_path / "end").touch()
    assert list(handle.stream()) == [0, 1]
    assert handle.result(LIMIT_S) == "told"
    assert handle.logs().startswith("part 0\npart 1\n[attempt 2]\npart 0\n")
