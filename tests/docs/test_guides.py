"""What the guides show is what happens: their programs run, print what stands below them, and their commands are taken.

A block behind a line that is only a file's name is that file; other Python is run in order, with what came before it.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis

from handoff.cli import main
from handoff.cli.options import Asked
from handoff.testing import cluster
from handoff_worker.__main__ import main as worker_main
from support.hosts.servers import rights
from support.pages import ROOT, blocks

NODES: Mapping[str, Mapping[str, Any]] = {
    "two-hosts.md": {"nodes": {"one": {"cpu": 2}, "two": {"cpu": 2}}, "labels": {"two": {"zone": "cellar"}}},
    "gpus.md": {"nodes": {"lab": {"cpu": 8, "gpu": 2}}, "device_memory": {"lab": {"gpu": 24_000}}},
    "why-it-waits.md": {
        "nodes": {"lab": {"cpu": 8, "gpu": 1}, "desk": {"cpu": 4}},
        "labels": {"desk": {"zone": "office"}},
    },
    "a-node-died.md": {},
    "from-rq.md": {"nodes": {"a": {"gpu": 1}}},
    "from-celery.md": {"nodes": {"a": {"cpu": 2}}},
    "recurring.md": {},
    "graphs.md": {"nodes": {"a": {"cpu": 1}, "b": {"cpu": 1}}},
}
"""The guides whose programs run here, and what each says that its nodes are."""

TOLD_ELSEWHERE = {"testing.md", "web.md", "api.md", "dashboard.md"}
"""Pages whose programs run in tests of their own."""


@pytest.mark.parametrize("name", NODES)
def test_the_programs_of_a_guide_print_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    shown, printed = StringIO(), []
    found: dict[str, Any] = {}
    with cluster(**NODES[name]) as here:
        if "from redis import Redis" in page:
            monkeypatch.setattr(redis, "Redis", lambda: here.connection)
        for block in blocks(page):
            if block.file:
                (tmp_path / block.file).write_text(block.text, encoding="utf-8")
            elif block.language == "python":
                with redirect_stdout(shown):
                    exec(compile(block.text, f"{name}: {block.first_line}", "exec"), found)
            elif block.language == "text":
                printed.append((shown.getvalue(), block.text))
                shown = StringIO()

    assert [is_so for is_so, _ in printed] == [told for _, told in printed]
    assert printed
    assert shown.getvalue() == ""


def commands(page: Path) -> list[str]:
    """The commands of ours that a page shows, each as somebody would type it."""
    shown = [
        line
        for block in blocks(page.read_text("utf-8"))
        if block.language == "console"
        for line in block.text.splitlines()
    ]
    typed = [line.partition("#")[0].partition(" | ")[0].strip() for line in shown]
    return [line for line in typed if line.startswith("handoff ")]


COMMANDS = [(page.name, each) for page in sorted((ROOT / "docs").glob("*.md")) for each in commands(page)]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_that_a_guide_shows_is_one_that_is_taken(page: str, command: str, tmp_path: Path) -> None:
    given = {block.file: block.text for block in blocks((ROOT / "docs" / page).read_text(encoding="utf-8"))}
    name, *arguments = shlex.split(command.replace("/srv/app", str(tmp_path)))[1:]
    for index, argument in enumerate(arguments):
        if argument.endswith(".toml"):
            arguments[index] = str(tmp_path / argument)
            (tmp_path / argument).write_text(given[argument].replace("/srv/app", str(tmp_path)), encoding="utf-8")
            assert tomllib.loads(given[argument])
    parsed = worker_main if name == "node" else main.commands[name]

    with parsed.make_context(name, arguments, obj=Asked()):
        pass


def test_every_page_with_programs_is_run_by_a_test() -> None:
    with_programs = {
        page.name
        for page in (ROOT / "docs").glob("*.md")
        if any(block.language == "python" for block in blocks(page.read_text(encoding="utf-8")))
    }

    assert with_programs == {*NODES, *TOLD_ELSEWHERE}


OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def test_each_row_of_what_happens_when_something_dies_names_a_test_that_is_there() -> None:
    table = OPERATING.partition("\n## What happens when something dies\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    named = [re.findall(r"`(test_\w+)` in \[`(tests/[\w/]+\.py)`\]", row) for row in rows]

    assert rows
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    for test, path in (each for tests in named for each in tests):
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")


def test_the_rights_of_the_guide_are_those_that_the_tests_with_several_hosts_log_in_with() -> None:
    told = re.findall(r"ACL SETUSER handoff on >secret (.*)", OPERATING)

    assert [each.split() for each in told] == [rights()]
