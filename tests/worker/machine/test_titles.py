"""What `ps` shows of the processes of a node."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from handoff_worker.machine.titles import Title, front_of
from support.processes import environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process write over its arguments")

SHOW = """
import sys
from pathlib import Path
from handoff_worker.machine.titles import Title
title = Title(sys.argv[1])
before = Path("/proc/self/environ").read_bytes()
title.name("handoff child")
for what in sys.argv[2:]:
    title.show(what.encode())
assert Path("/proc/self/environ").read_bytes() == before
shown = Path("/proc/self/cmdline").read_bytes()
assert shown.endswith(b"\\0")
sys.stdout.write(shown.rstrip(b"\\0").decode() + "|" + Path("/proc/self/comm").read_text().strip())
"""


def shown(front: str, *whats: str) -> str:
    """What others see of a process that has shown these, one after the other; its environment stays what it was."""
    command = [sys.executable, "-c", SHOW, front, *whats]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("whats", "title"),
    [
        ([""], "handoff node a"),
        ([": idle", ": films.train 3f0c", ": idle"], "handoff node a: idle"),
    ],
)
def test_the_title_stands_in_place_of_the_arguments_and_nothing_of_the_one_before_is_left(
    whats: list[str], title: str
) -> None:
    assert shown("handoff node a", *whats) == f"{title}|handoff child"


def test_a_title_that_is_longer_than_its_room_is_cut_off_before_the_environment() -> None:
    title = shown("handoff node a", "x" * 100, "y" * 10_000).partition("|")[0]

    assert title.startswith("handoff node a" + "y" * 200)
    assert set(title.removeprefix("handoff node a")) == {"y"}


@pytest.mark.parametrize(("namespace", "front"), [("handoff", "handoff node a"), ("films", "handoff node a (films)")])
def test_the_namespace_is_told_where_it_is_not_the_usual_one(namespace: str, front: str) -> None:
    assert front_of("a", namespace) == front


SHOW_OTHERS = """
import sys
from pathlib import Path
from handoff_worker.machine.titles import Title, show_others
kept = show_others({b"A": b"1", b"B": b"x" * 5000})
Title("handoff node a").show(b": nursery")
shown = Path("/proc/self/cmdline").read_bytes()
assert shown.endswith(b"\\0")
environment = Path("/proc/self/environ").read_bytes()
sys.stdout.write(shown.rstrip(b"\\0").decode() + "|" + environment.decode().replace("\\0", "|"))
"""


def test_a_process_can_be_shown_with_another_environment_and_none_of_its_arguments() -> None:
    command = [sys.executable, "-c", SHOW_OTHERS, "a-secret"]
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)

    assert ended.stdout == f"handoff node a: nursery|A=1|B={'x' * 5000}|"


def test_where_the_arguments_are_not_found_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Callable[[], None] = lambda: None  # noqa: E731
    monkeypatch.setattr("handoff_worker.machine.titles.command_line", missing)

    Title("handoff node a").show(b": idle")
