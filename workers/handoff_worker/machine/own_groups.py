"""Control groups of version 2 in which the kernel keeps children to what they have declared: see cgroups(7).

Where controllers are handed down to groups below, no process may stand in the group above. So the agent goes into a
leaf, with its nursery, and gives what it was started in to groups for its children beside that.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection, Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

logger = logging.getLogger(__name__)

LEAF = "handoff-agent"

CONTROLLERS = MEMORY, CPU = "memory", "cpu"
"""What may be handed down to the groups of children."""

PERIOD_US = 100_000
"""In each period a group may use so much of the time of processors as its quota is."""

LEAST_QUOTA_US, LARGEST_QUOTA_US = 1_000, 2**40
"""The kernel takes no smaller quota, and none from 2**44 on: this is that of ten million processors."""


class NoGroups(Exception):
    """The host does not let us make any; the message says why."""


class Most(NamedTuple):
    """What a child may have."""

    memory: float = inf  #: bytes
    cpu: float = inf  #: processors


UNLIMITED = Most()


class Group:
    """The control group of one child."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.most = inf  #: bytes that it may have
        self.cpu = inf  #: processors, of whose time it may use so much

    @classmethod
    def make(cls, folder: Path, controllers: Collection[str]) -> Group:
        """-> a new one without a limit. Raises `OSError`."""
        folder.mkdir()
        if MEMORY in controllers:
            # A function loses all of its processes or none: who waits for one that was killed might wait for ever.
            _write(folder, "memory.oom.group", "1")
            with contextlib.suppress(FileNotFoundError):
                # What is swapped out is not in memory, and takes from others the time of a disk.
                _write(folder, "memory.swap.max", "0")
        return cls(folder)

    def may_have(self, most: float) -> bool:
        """Whether it has no more than so many bytes: below what a group has the kernel kills at once."""
        return most >= self.most or _number(self._folder, "memory.current") <= most

    def limit(self, most: Most) -> None:
        """From now on it may have so much. Raises `OSError` where it is gone."""
        if most.memory != self.most:
            _write(self._folder, "memory.max", "max" if most.memory == inf else str(int(most.memory)))
            self.most = most.memory
        if most.cpu != self.cpu:
            _write(self._folder, "cpu.max", f"{_quota(most.cpu)} {PERIOD_US}")
            self.cpu = most.cpu

    def exceeded(self) -> int | None:
        """How many bytes its processes had, if the kernel has killed them for that, and not because others had more."""
        try:
            events = dict(line.split() for line in _lines(self._folder, "memory.events"))
        except FileNotFoundError:
            # It is empty by now, and somebody has taken it away.
            return None
        # `oom_kill` alone counts kills too that a group above, or the host, was short for.
        if self.most == inf or not int(events.get("oom", 0)) or not int(events.get("oom_kill", 0)):
            return None
        return int(self.most)

    def remove(self) -> bool:
        """Take it away. -> False where a process is left in it, or one that has just ended is still on its way out"""
        try:
            self._folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


class Groups:
    """The group that the agent was started in, and those below it."""

    def __init__(self, controllers: Sequence[str], root: Path = Path("/")) -> None:
        """Go into the leaf, and hand these down. Raises `NoGroups`; then this process stands where it stood."""
        self.controllers = controllers
        self.folder = _delegated(root, controllers)
        self._left: list[Group] = []  #: of children that are gone, to be taken away when they are empty
        leaf = self.folder / LEAF
        try:
            # Where it is there already, another agent has this group.
            leaf.mkdir()
        except OSError as error:
            raise NoGroups(f"no group can be made in {self.folder}: {error.strerror}") from None
        try:
            _move(leaf)
            _write(self.folder, "cgroup.subtree_control", _each("+", controllers))
        except OSError as error:
            with contextlib.suppress(OSError):
                _move(self.folder)
            _remove(leaf)
            what = " and no ".join(controllers)
            raise NoGroups(f"{self.folder} hands down no {what}, or is not ours alone: {error.strerror}") from None

    def new(self, number: int, most: Most) -> Group:
        """Make the group of a child, which may have so much. Raises `OSError`."""
        self._take_away()
        group = Group.make(group_of(self.folder, number), self.controllers)
        group.limit(most)
        return group

    def leave(self, group: Group) -> None:
        """Take the group of a child away, now that it is gone."""
        self._left.append(group)
        self._take_away()

    def _take_away(self) -> None:
        self._left = [group for group in self._left if not group.remove()]

    def close(self) -> None:
        """Go back to where we were; the children are gone."""
        self._take_away()
        try:
            _write(self.folder, "cgroup.subtree_control", _each("-", self.controllers))
            _move(self.folder)
        except OSError as error:
            logger.warning("the control group %s stays: %s", self.folder / LEAF, error.strerror)
            return
        _remove(self.folder / LEAF)


def group_of(folder: Path, number: int) -> Path:
    """Where the group of a child is."""
    return folder / f"handoff-child-{number}"


def enter(folder: Path) -> None:
    """Put this process, and all that it starts, into a group. Raises `OSError`."""
    _write(folder, "cgroup.procs", "0")


def kept_by_group(pid: int, root: Path = Path("/")) -> list[str]:
    """Which controllers a process hands down to groups of its children, if it is an agent that has such."""
    try:
        group = _own_group(root, pid) or ""
        if not group.endswith(f"/{LEAF}"):
            return []
        handed_down = _text((_top(root) / group.lstrip("/")).parent, "cgroup.subtree_control").split()
    except OSError:
        return []
    return [each for each in CONTROLLERS if each in handed_down]


def in_words(controllers: Sequence[str]) -> str:
    """Say what functions are kept to by these."""
    return f"the {' and the '.join(controllers)} that they have declared"


def _quota(cpu: float) -> str:
    return "max" if cpu == inf else str(min(max(LEAST_QUOTA_US, round(cpu * PERIOD_US)), LARGEST_QUOTA_US))


def _each(sign: str, controllers: Sequence[str]) -> str:
    return " ".join(f"{sign}{each}" for each in controllers)


def _top(root: Path) -> Path:
    return root / "sys/fs/cgroup"


def _delegated(root: Path, controllers: Sequence[str]) -> Path:
    group = _own_group(root, os.getpid())
    top = _top(root)
    if group is None or not (top / "cgroup.controllers").exists():
        raise NoGroups("this host has no control groups of version 2 for it")
    folder = top / group.lstrip("/")
    if ".." in folder.parts or not (folder / "cgroup.procs").exists():
        raise NoGroups(f"the control group {group} cannot be seen from here")
    has = _text(folder, "cgroup.controllers").split()
    for each in controllers:
        if each not in has or not (folder / f"{each}.max").exists():
            raise NoGroups(f"{folder} has no {each} controller")
    return folder


def _own_group(root: Path, pid: int) -> str | None:
    """The group of version 2 in which a process stands. Raises `OSError` where it is gone."""
    lines = _lines(root / "proc" / str(pid), "cgroup")
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)


def _move(folder: Path) -> None:
    _write(folder, "cgroup.procs", str(os.getpid()))


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _write(folder: Path, name: str, text: str) -> None:
    # At once: the kernel reads each write as a whole.
    file = os.open(folder / name, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _text(folder: Path, name: str) -> str:
    return (folder / name).read_text()


def _lines(folder: Path, name: str) -> list[str]:
    return _text(folder, name).splitlines()


def _number(folder: Path, name: str) -> int:
    return int(_text(folder, name))
