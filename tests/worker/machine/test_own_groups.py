"""What an agent makes of its control group, on files like the kernel's; test_agent_groups.py has the kernel itself."""

from __future__ import annotations

import os
from math import inf
from pathlib import Path

import pytest

from handoff_worker.machine.own_groups import LEAF, Group, Groups, NoGroups, keeps_by_group

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
    for name in ("cgroup.procs", "cgroup.subtree_control", "memory.max"):
        (folder / name).write_text("")
    return folder


def lay_group(folder: Path, **texts: str) -> Group:
    """A group that is limited to 100 MB."""
    group = Group(folder)
    for name, text in {"memory.max": "max", **texts}.items():
        (folder / name).write_text(text)
    group.limit(100 * MB)
    return group


@pytest.mark.parametrize(
    ("own", "controllers", "why"),
    [
        ("4:memory:/app", "cpu memory", "no control groups of version 2"),
        ("0::/", "cpu memory", "cannot be seen"),
        ("0::/../app", "cpu memory", "cannot be seen"),
        ("0::/elsewhere", "cpu memory", "cannot be seen"),
        ("0::/app", "cpu pids", "has no memory controller"),
    ],
)
def test_why_a_host_lets_it_make_none_is_told(tmp_path: Path, own: str, controllers: str, why: str) -> None:
    lay(tmp_path, own=own, controllers=controllers)

    with pytest.raises(NoGroups, match=why):
        Groups(tmp_path)


def test_where_another_agent_has_the_group_it_makes_none(tmp_path: Path) -> None:
    folder = lay(tmp_path)
    (folder / LEAF).mkdir()

    with pytest.raises(NoGroups, match="File exists"):
        Groups(tmp_path)


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

    group.limit(100 * MB)
    assert written.read_text() == "not written again"

    written.write_text("")
    group.limit(inf)
    assert written.read_text() == "max"


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

    with pytest.raises(NoGroups, match="hands down no memory, or is not ours alone"):
        Groups(tmp_path)

    assert (folder / "cgroup.procs").read_text() == str(os.getpid())
    assert not (folder / LEAF).exists()


@pytest.mark.parametrize(("own", "keeps"), [(f"0::/app/{LEAF}", True), ("0::/app", False), (f"1:cpu:/{LEAF}", False)])
def test_an_agent_with_groups_is_known_by_where_it_stands(tmp_path: Path, own: str, keeps: bool) -> None:
    lay(tmp_path, own=own)

    assert keeps_by_group(os.getpid(), tmp_path) is keeps
    assert not keeps_by_group(0, tmp_path)
