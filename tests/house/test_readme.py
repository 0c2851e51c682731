"""What the README's first screen says is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import handoff
from handoff import Cluster
from handoff.ledger.nodes import read_nodes
from support import need_redis_server

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_first_program_prints_what_the_readme_says(tmp_path: Path) -> None:
    need_redis_server()
    tasks, app = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]
    printed = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[0]
    (tmp_path / "tasks.py").write_text(tasks, encoding="utf-8")
    (tmp_path / "app.py").write_text(app, encoding="utf-8")

    done = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, timeout=50)

    assert (done.stdout, done.stderr) == (printed, "")


@pytest.mark.slow
def test_the_graph_prints_what_the_readme_says(tmp_path: Path) -> None:
    need_redis_server()
    section = README.partition("## Graphs of functions")[2]
    steps, graph = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[:2]
    printed = re.findall(r"```text\n(.*?)```", section, re.DOTALL)[0]
    (tmp_path / "steps.py").write_text(steps, encoding="utf-8")
    (tmp_path / "graph.py").write_text(graph, encoding="utf-8")

    done = subprocess.run([sys.executable, "graph.py"], cwd=tmp_path, capture_output=True, text=True, timeout=50)

    assert (done.stdout, done.stderr) == (printed, "")


def test_the_scheduling_program_runs_as_it_stands(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "cluster.share" in text]
    monkeypatch.setattr(handoff, "Cluster", lambda url: cluster)

    exec(program, {})

    assert cluster.shared() == {"matlab_license": 5}
    assert [node.draining is not None for node in read_nodes(cluster.store)] == [True]


def test_the_program_of_many_runs_as_it_stands(cluster: Cluster) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "submit_many" in text]
    found: dict[str, Any] = {"cluster": cluster}

    exec(program.replace("10_000", "70"), found)

    assert [handle.function_id for handle in found["handles"]] == [f"page {n}" for n in range(70)]
    assert [handle.status for handle in found["handles"]] == ["waiting"] * 70


def test_the_first_program_has_twelve_lines_at_most() -> None:
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]

    assert sum(bool(line.strip()) for program in programs for line in program.splitlines()) <= 12


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)#]+)\)|`(scripts/\w+)`", README), ids=str)
def test_every_file_that_the_readme_names_exists(path: tuple[str, str]) -> None:
    assert (ROOT / (path[0] or path[1])).exists()
