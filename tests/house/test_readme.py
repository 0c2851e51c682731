"""What the README's first screen says is what happens."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import handoff
import handoff.aio
from handoff import Cluster
from handoff.cli import main
from handoff.cli.options import Asked
from handoff.ledger.nodes import read_nodes
from handoff.local.server import RedisServer
from handoff.testing import ClusterHere
from handoff_worker.__main__ import main as worker_main
from support import need_redis_server
from support.agent import FakeAgent, ok
from support.waiting import LIMIT_S, wait_until

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


def test_the_program_for_asyncio_runs_as_it_stands(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "aio.Cluster" in text]
    make = handoff.aio.Cluster
    namespace = f"t{uuid.uuid4().hex[:12]}"
    monkeypatch.setattr(handoff.aio, "Cluster", lambda url: make(server.url, namespace=namespace))
    found: dict[str, Any] = {}
    exec(program, found)

    def play() -> None:
        with Cluster(server.url, namespace=namespace) as cluster:
            agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
            for _ in range(2):
                wait_until(lambda: bool(agent.runs or agent.take()), "the next one comes")
                agent.finish(*(ok(id, "small") for id in agent.runs))

    async def program_and_agent() -> list[str]:
        results, _ = await asyncio.gather(found["resized"](["a.png", "b.png"]), asyncio.to_thread(play))
        return list(results)

    assert asyncio.run(program_and_agent()) == ["small", "small"]


def test_the_program_that_maps_runs_as_it_stands(handoff_cluster: ClusterHere, tmp_path: Path) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "as_completed" in text]
    found: dict[str, Any] = {"cluster": handoff_cluster, "pictures": [3, 4]}

    exec(program.replace("tasks:resize", "operator:add"), found)

    assert found["sizes"] == [3, 5]


def test_the_program_with_a_key_submits_once(cluster: Cluster) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "handle.created" in text]
    found: dict[str, Any] = {"cluster": cluster}

    exec(program, found)
    first = found["handle"]
    exec(program, found)

    assert (first.created, found["handle"].created, found["handle"].id) == (True, False, first.id)


def test_the_task_is_submitted_as_the_readme_says(
    handoff_cluster: ClusterHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = README.partition("### Declared once")[2]
    pictures, program = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[:2]
    (tmp_path / "pictures.py").write_text(pictures, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    handoff_cluster.add_node("gpus", {"gpu": 2})
    found: dict[str, Any] = {}

    exec(program, found)

    assert (found["handle"].result(), found["large"].result()) == ("a.png at 50", "b.png at 100")
    assert found["large"].id == "cover"


def test_what_a_function_tells_is_read_as_the_readme_says(
    handoff_cluster: ClusterHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = README.partition("### While it runs")[2]
    training, program = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[:2]
    (tmp_path / "training.py").write_text(training, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    exec(program, {"cluster": handoff_cluster})

    lines = [f"epoch {epoch} begins" for epoch in (1, 2, 3)]
    parts = [str({"epoch": epoch, "loss": 1 / epoch}) for epoch in (1, 2, 3)]
    *printed, progress = capsys.readouterr().out.partition("FunctionProgress(")[0::2]
    assert printed[0].splitlines() == [*lines, *parts, "model-7"]
    assert progress.startswith("fraction=1.0, message='epoch 3 of 3', attempt=1, at=datetime.datetime(")
    assert progress.splitlines()[1:4] == lines


def test_the_program_of_a_backend_runs_as_it_stands(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "handle.verdict" in text]
    agent = FakeAgent(cluster.store, "lab", {"gpu": 2, "memory": 6000}).register()
    monkeypatch.setattr(handoff, "Cluster", lambda url: cluster)
    found: dict[str, Any] = {}

    def serve() -> None:
        wait_until(lambda: bool([agent.finish(ok(each.id)) for each in agent.take()]), "the function is there")

    with ThreadPoolExecutor(1) as threads:
        serving = threads.submit(serve)
        exec(program, found)
        serving.result(LIMIT_S)

    [told] = re.findall(r"handle.verdict  # (Verdict\(.*\))", program)
    assert found["handle"].verdict == eval(told, {"Verdict": handoff.Verdict})
    assert found["handle"].status == "finished"


def test_the_program_of_claims_runs_as_it_stands(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "tracker.request" in text]
    found: dict[str, Any] = {"Cluster": lambda url, namespace: cluster}

    exec(program, found)

    assert found["claim"].devices == {"gpu": [0]}
    assert not cluster.tracker.release(found["claim"])


def test_the_program_of_what_comes_after_others_runs_as_it_stands(cluster: Cluster) -> None:
    [program] = [text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "depends_on" in text]
    FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.enqueue("shop:stock", job_id="id-of-another")
    found: dict[str, Any] = {"cluster": cluster}

    exec(program, found)

    assert found["mail"].verdict.reason.startswith(f"is deferred until '{found['bill'].id}' (queued on a) and ")


def commands(text: str) -> list[str]:
    """The commands of ours that a page shows, each as somebody would type it."""
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL))
    shown = [line.partition("#")[0] for line in blocks.splitlines()] + re.findall(r"`(handoff [^`\n]+)`", text)
    typed = [re.sub(r"\bSECONDS\b", "60", re.sub(r"[\[\]]", "", part)) for line in shown for part in line.split(";")]
    return sorted({" ".join(line.split()) for line in typed if line.strip().startswith("handoff ")})


@pytest.mark.parametrize("command", commands(README))
def test_every_command_that_the_readme_shows_is_one_that_is_taken(command: str, tmp_path: Path) -> None:
    name, *arguments = shlex.split(command.replace("/srv/app", str(tmp_path)))[1:]
    parsed = worker_main if name == "node" else main.commands[name]

    with parsed.make_context(name, arguments, obj=Asked()):
        pass


def test_every_program_of_the_readme_runs_in_a_test() -> None:
    named = ["def train", "LocalCluster(nodes", "handle.verdict", "submit_many", "cluster.share", "tracker.request"]
    named += ["def fetch", "DAG(", "handoff_cluster", "@task", "resize.submit", "handle.created", "aio.Cluster"]
    named += ["@app.post", "handle.stream", "as_completed", "depends_on"]
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    assert [text for text in programs if not any(part in text for part in named)] == []


def test_the_first_program_has_twelve_lines_at_most() -> None:
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]

    assert sum(bool(line.strip()) for program in programs for line in program.splitlines()) <= 12


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)#]+)\)|`(scripts/\w+)`", README), ids=str)
def test_every_file_that_the_readme_names_exists(path: tuple[str, str]) -> None:
    assert (ROOT / (path[0] or path[1])).exists()
