"""The demo as a whole: what it says is what the ledger and the functions say, and nothing of it stays behind."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from handoff.cli import main
from handoff.client.cluster import Cluster
from handoff.client.run_summary import RunSummary
from handoff.demo import graph, run
from handoff.demo import sources as demo_sources
from handoff.demo.graph import build_graph
from handoff.demo.run import AgentEnded
from handoff.demo.sources import NoSources, find, standard_library
from handoff.local.cluster import LocalCluster
from handoff.words.argument import Argument
from support import need_redis_server
from support.waiting import LIMIT_S


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty modules: one of them twice, one that does not parse."""
    root = tmp_path_factory.mktemp("sources")
    for number in range(28):
        lines = [f"def f{i}(each, value):\n    return each.of_{number}_{i}(value).in_{i % 7}" for i in range(40)]
        (root / f"module_{number:02}.py").write_text("\n".join(lines))
    (root / "copy.py").write_text((root / "module_00.py").read_text())
    (root / "broken.py").write_text("def f(:\n")
    return root


class Demo:
    """How to start the demo so that whatever it leaves behind is found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace = f"demo-{uuid.uuid4().hex[:12]}"
        self.environment = {**os.environ, "TMPDIR": str(folder), "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "handoff", "demo", *arguments, "--namespace", self.namespace]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=LIMIT_S
        )

    def left_behind(self) -> list[str]:
        agents = [
            str(process.pid)
            for process in psutil.process_iter(["cmdline"])
            if self.namespace in " ".join(process.info["cmdline"] or ())
        ]
        return [*agents, *(str(path) for path in self.folder.iterdir())]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    need_redis_server()
    demo = Demo(tmp_path)
    yield demo
    assert demo.left_behind() == []


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> dict[str, Any]:
    """What programs get of one run."""
    need_redis_server()
    demo = Demo(tmp_path_factory.mktemp("temporary"))
    # Its gpus are pretended: it needs none, not even where one may see none.
    demo.environment["CUDA_VISIBLE_DEVICES"] = ""
    done = demo.run(str(sources), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


class TestSources:
    def test_without_a_path_it_is_the_standard_library(self) -> None:
        found = find(None)

        assert found.root == str(Path(standard_library()).resolve())
        assert f"{found.root}/ast.py" in [file for batch in found.batches for file in batch]

    def test_little_source_is_cut_into_more_functions_than_fit_at_once(self, sources: Path) -> None:
        found = find(str(sources))

        assert len(found.batches) >= demo_sources.FEWEST_BATCHES
        assert sorted(file for batch in found.batches for file in batch) == sorted(map(str, sources.iterdir()))

    def test_one_file_is_enough(self, sources: Path) -> None:
        assert find(str(sources / "copy.py")).batches == [[str(sources / "copy.py")]]

    def test_more_files_than_a_demo_takes_are_left_out(self, sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(demo_sources, "MOST_FILES", 10)

        found = find(str(sources))

        assert found.left_out == 20
        assert sum(map(len, found.batches)) == 10

    @pytest.mark.parametrize("name", ["nothing", "empty", "a" * 300, "circle"])
    def test_a_path_without_source_is_refused(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "circle").symlink_to(tmp_path / "circle")

        with pytest.raises(NoSources, match="cannot be analyzed"):
            find(str(tmp_path / name))


class TestGraph:
    def test_each_batch_is_analyzed_and_signed_and_all_are_compared(self, sources: Path) -> None:
        found = find(str(sources))

        dag = build_graph(found)

        dag.validate()
        takes = {each.id: [taken.id for taken in each.args if isinstance(taken, Argument)] for each in dag.functions}
        signed = [f"signatures-{number}" for number in range(1, len(found.batches) + 1)]
        assert takes.pop("compare") == signed
        assert [takes.pop(id) for id in signed] == [[id.replace("signatures", "analyze")] for id in signed]
        assert set(map(len, takes.values())) == {0}
        batches = [each.extra_args[0] for each in dag.functions if each.id in takes]
        assert batches == found.batches

    @pytest.mark.slow
    def test_all_of_it_is_one_run(self, sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        need_redis_server()
        runs: list[RunSummary] = []

        class Watched(LocalCluster):
            def __enter__(self) -> Cluster:
                self.cluster = super().__enter__()
                return self.cluster

            def __exit__(self, *args: Any) -> None:
                runs.extend(self.cluster.runs())
                super().__exit__(*args)

        monkeypatch.setattr(run, "LocalCluster", Watched)

        report = run.run(find(str(sources / "copy.py")), None)

        assert [(each.id, each.status, each.total) for each in runs] == [("demo", "finished", len(report.ran))]


@pytest.mark.slow
class TestReport:
    def test_it_is_true_of_sources_functions_and_nodes(self, report: dict[str, Any], sources: Path) -> None:
        ran = report["ran"]
        steps = [each["step"] for each in ran]

        assert report["root"] == str(sources)
        assert (report["totals"]["files"], report["totals"]["functions"]) == (29, 29 * 40)
        assert [each["path"] for each in report["unparsable"]] == ["broken.py"]
        assert ["copy.py", "module_00.py"] in [
            sorted((family["left"], family["right"])) for family in report["families"] if family["similarity"] == 1
        ]
        assert [each["function"] for each in ran] == [each.id for each in build_graph(find(str(sources))).functions]
        assert steps.count("analyze") == steps.count("signatures") == len(find(str(sources)).batches)
        assert steps[-1] == "compare"

    def test_functions_that_share_a_gpu_ran_where_there_is_one_and_saw_only_theirs(
        self, report: dict[str, Any]
    ) -> None:
        on_gpu = [each for each in report["ran"] if each["gpu"]]
        others = [each for each in report["ran"] if not each["gpu"] and each["node"] == "gpus"]

        assert {each["node"] for each in on_gpu} == {"gpus"}
        assert {each["cuda_visible_devices"] for each in on_gpu} <= {"0", "1"}
        assert {each["cuda_visible_devices"] for each in others} <= {""}

    def test_no_node_was_filled_beyond_what_it_has_and_nothing_is_held(self, report: dict[str, Any]) -> None:
        peaks = report["peaks"]

        assert list(peaks) == list(run.NODES)
        for name, resources in run.NODES.items():
            assert {resource: peaks[name][resource]["capacity"] for resource in resources} == resources
        assert all(use["peak"] <= use["capacity"] for resources in peaks.values() for use in resources.values())
        assert peaks["small"]["cpu"]["peak"] == 1
        assert peaks["gpus"]["gpu"]["peak"] >= 0.5
        assert report["held"] == {}


@pytest.mark.slow
class TestOutput:
    def test_without_a_terminal_progress_is_told_in_lines_apart_from_the_report(
        self, demo: Demo, sources: Path
    ) -> None:
        done = demo.run(str(sources))

        assert done.returncode == 0
        assert re.match(r"\d:\d\d functions: \d+ of \d+ done\n  small: cpu \d of 1, memory \d+ of 1000", done.stderr)
        assert "\x1b" not in done.stderr + done.stdout
        for part in ("What ran where", "CUDA_VISIBLE_DEVICES in gpu functions", "Highest use, from the event stream"):
            assert part in done.stdout
        assert done.stdout.splitlines()[-1] == "Nothing is held: every reservation was given back."

    def test_on_a_terminal_the_picture_is_drawn_in_place_and_taken_away(self, demo: Demo, sources: Path) -> None:
        ours, theirs = pty.openpty()
        command = demo.command(str(sources))
        with subprocess.Popen(command, env=demo.environment, stdout=subprocess.PIPE, stderr=theirs) as shown:
            os.close(theirs)
            drawn = read_all(ours)
            report, _ = shown.communicate(timeout=LIMIT_S)

        hide, show = drawn.index("\x1b[?25l"), drawn.rindex("\x1b[?25h")
        assert shown.returncode == 0
        assert hide < drawn.index("of 1000", hide) < show
        assert drawn.rindex("of 1000") < drawn.rindex("\x1b[1A\x1b[2K")
        assert report.decode().splitlines()[-1] == "Nothing is held: every reservation was given back."

    def test_an_address_is_taken_and_said_to_be_of_no_use(self, demo: Demo, sources: Path) -> None:
        done = demo.run(str(sources / "copy.py"), "--url", "redis://localhost:1", "--json")

        assert done.returncode == 0
        assert json.loads(done.stderr) == {"notice": "the demo starts a Redis server of its own: --url is not used"}


def read_all(terminal: int) -> str:
    """Read what is written to the other side until that is closed, which Linux tells as an error."""
    parts = []
    with os.fdopen(terminal, "rb", buffering=0) as file:
        while True:
            try:
                part = file.read(65536)
            except OSError:
                break
            if not part:
                break
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.slow
class TestEnding:
    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_signal_ends_all_of_it_without_a_traceback(self, demo: Demo, number: signal.Signals, status: int) -> None:
        command = demo.command()
        with subprocess.Popen(
            command, env=demo.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            assert running.stderr is not None
            assert re.match(r"\d:\d\d functions: ", running.stderr.readline())

            running.send_signal(number)
            printed, rest = running.communicate(timeout=LIMIT_S)

        assert (running.returncode, printed) == (status, "")
        assert "Traceback" not in rest

    def test_a_function_that_fails_ends_it_in_one_line(self, sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        need_redis_server()
        monkeypatch.setattr(graph, "ANALYZE", replace(graph.ANALYZE, code=math.sqrt))

        result = CliRunner().invoke(main, ["demo", str(sources), "--json"])

        assert (result.exit_code, result.stdout) == (1, "")
        (line,) = result.stderr.splitlines()
        error = json.loads(line)["error"]
        assert error["type"] == "FunctionFailed"
        assert re.match(r"function 'analyze-\d+' failed on \w+ after 1 attempt with TypeError: ", error["message"])

    def test_a_node_that_goes_ends_it(self, sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        need_redis_server()

        class Unlucky(LocalCluster):
            def __enter__(self) -> Cluster:
                cluster = super().__enter__()
                self.agents["gpus"].kill()
                return cluster

        monkeypatch.setattr(run, "LocalCluster", Unlucky)

        with pytest.raises(AgentEnded, match=r"the agent of node 'gpus' ended with status -9: "):
            run.run(find(str(sources)), None)
