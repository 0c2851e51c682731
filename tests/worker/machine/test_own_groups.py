"""What an agent makes of its control group, on files like the kernel's; test_agent_groups.py has the kernel itself."""

from __future__ import annotations

import os
from math import inf
from pathlib import Path

import pytest

from handoff_worker.machine.own_groups import (
    CONTROLLERS,
    CPU,
    LEAF,
    MEMORY,
    Group,
    Groups,
    Most,
    NoGroups,
    kept_by_group,
)

MB = 2**20


def lay(root: Path, *, own: str = "0::/app", controllers: str = "cpu memory") -> Path:
    """Lay out what a process in the group `own` sees. -> the folder of that group"""
    folder = root / "sys/fs/cgroup/app"
    folder.mkdir(parents=True)
    proc = root / "proc" / str(os.getpid())
    proc.mkdir(parents=True)
    (proc / "cgroup").write_text(f"{own}\n")
    (folder.parent / "cgroup.controllers").write_text("cpu memory\n")
    (folder / "cgroup.controllers").write_text(f"{controllers}\n")
    for name in ("cgroup.procs", "cgroup.subtree_control", "memory.max", "cpu.max"):
        (folder / name).write_text("")
    return folder


def lay_group(folder: Path, **texts: str) -> Group:
    """A group that is limited to 100 MB and half a processor."""
    group = Group(folder)
    for name, text in {"memory.max": "max", "cpu.max": "max 100000", **texts}.items():
        (folder / name).write_text(text)
    group.limit(Most(100 * MB, 0.5))
    return group


@pytest.mark.parametrize(
    ("own", "controllers", "why"),
    [
        ("4:memory:/app", "cpu memory", "no control groups of version 2"),
        ("0::/", "cpu memory", "cannot be seen"),
        ("0::/../app", "cpu memory", "cannot be seen"),
        ("0::/elsewhere", "cpu memory", "cannot be seen"),
        ("0::/app", "cpu pids", "has no memory controller"),
        ("0::/app", "memory pids", "has no cpu controller"),
    ],
)
def test_why_a_host_lets_it_make_none_is_told(tmp_path: Path, own: str, controllers: str, why: str) -> None:
    lay(tmp_path, own=own, controllers=controllers)

    with pytest.raises(NoGroups, match=why):
        Groups(CONTROLLERS, tmp_path)


@pytest.mark.parametrize(("controllers", "asked"), [("cpu pids", [CPU]), ("memory", [MEMORY])])
def test_no_controller_has_to_be_there_that_nobody_asks_for(tmp_path: Path, controllers: str, asked: list[str]) -> None:
    lay(tmp_path, controllers=controllers)

    # The leaf of this tree has no files of its own, as the kernel would lay there.
    with pytest.raises(NoGroups, match=f"hands down no {asked[0]}, or"):
        Groups(asked, tmp_path)


def test_where_another_agent_has_the_group_it_makes_none(tmp_path: Path) -> None:
    folder = lay(tmp_path)
    (folder / LEAF).mkdir()

    with pytest.raises(NoGroups, match="File exists"):
        Groups([MEMORY], tmp_path)


@pytest.mark.parametrize(
    ("limit", "current", "may"), [(150, 120, True), (100, 120, True), (80, 79, True), (80, 81, False)]
)
def test_it_is_not_limited_to_less_than_it_has(tmp_path: Path, limit: int, current: int, may: bool) -> None:
    group = lay_group(tmp_path, **{"memory.current": str(current * MB)})

    assert group.may_have(limit * MB) is may


def test_what_it_may_have_is_written_where_it_changes(tmp_path: Path) -> None:
    group = lay_group(tmp_path)
    written = tmp_path / "memory.max"
    assert written.read_text() == str(100 * MB)
    written.write_text("not written again")

    group.limit(Most(100 * MB, 0.5))
    assert written.read_text() == "not written again"

    written.write_text("")
    group.limit(Most(inf, 0.5))
    assert written.read_text() == "max"


@pytest.mark.parametrize(
    ("cpu", "quota"),
    [(0.25, "25000"), (3, "300000"), (0.0125, "1250"), (0.0001, "1000"), (1e9, str(2**40)), (inf, "max")],
)
def test_in_each_period_it_has_so_much_of_processors_as_was_declared(tmp_path: Path, cpu: float, quota: str) -> None:
    group, written = lay_group(tmp_path), tmp_path / "cpu.max"
    assert written.read_text() == "50000 100000"
    written.write_text("")

    group.limit(Most(100 * MB, cpu))

    assert written.read_text() == f"{quota} 100000"


def test_what_it_has_of_processors_is_written_where_that_changes(tmp_path: Path) -> None:
    group, written = lay_group(tmp_path), tmp_path / "cpu.max"
    written.write_text("not written again")

    group.limit(Most(200 * MB, 0.5))

    assert written.read_text() == "not written again"


def test_a_group_that_is_to_keep_processors_alone_leaves_memory_alone(tmp_path: Path) -> None:
    group = Group.make(tmp_path / "one", [CPU])
    (tmp_path / "one" / "cpu.max").write_text("")

    group.limit(Most(cpu=1))

    assert [each.name for each in (tmp_path / "one").iterdir()] == ["cpu.max"]
    assert group.exceeded() is None


@pytest.mark.parametrize(
    ("events", "exceeded"),
    [
        ("max 3\noom 1\noom_kill 2\n", 100 * MB),
        ("max 0\noom 0\noom_kill 1\n", None),
        ("max 3\noom 1\noom_kill 0\n", None),
    ],
    ids=["for its own limit", "for one above", "not killed"],
)
def test_who_was_killed_for_the_limit_of_others_has_not_used_too_much(
    tmp_path: Path, events: str, exceeded: int | None
) -> None:
    assert lay_group(tmp_path, **{"memory.events": events}).exceeded() == exceeded


def test_who_cannot_make_any_stands_where_it_stood(tmp_path: Path) -> None:
    folder = lay(tmp_path)

    with pytest.raises(NoGroups, match="hands down no memory and no cpu, or is not ours alone"):
        Groups(CONTROLLERS, tmp_path)

    assert (folder / "cgroup.procs").read_text() == str(os.getpid())
    assert not (folder / LEAF).exists()


@pytest.mark.parametrize(
    ("own", "handed_down", "kept"),
    [
        (f"0::/app/{LEAF}", "cpu memory pids", [MEMORY, CPU]),
        (f"0::/app/{LEAF}", "cpu", [CPU]),
        (f"0::/gone/{LEAF}", "cpu", []),
        ("0::/app", "cpu memory", []),
        (f"1:cpu:/{LEAF}", "cpu memory", []),
    ],
)
def test_what_an_agent_keeps_by_groups_is_known_by_where_it_stands(
    tmp_path: Path, own: str, handed_down: str, kept: list[str]
) -> None:
    (lay(tmp_path, own=own) / "cgroup.subtree_control").write_text(f"{handed_down}\n")

    assert kept_by_group(os.getpid(), tmp_path) == kept
    assert kept_by_group(0, tmp_path) == []
