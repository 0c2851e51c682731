"""The limits that control groups set on this process, of either version and wherever they stand."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

ROOT_GROUPS = ("0::/", "0:cpu:/", "0:memory:/")
"""Lines as in /proc/self/cgroup that lead to the roots: in a container its limits may stand there and nowhere else."""

NO_LIMIT = frozenset({"max", "-1"})
"""How version 2 and version 1 of control groups say that there is none."""

POSITIVE = re.compile(r"[1-9][0-9]{0,19}")


def find_limits(root: Path) -> tuple[list[float], list[int]]:
    """Read below `root` every limit that is set on this process. -> of cores, and of bytes of memory"""
    folders = _folders(root)
    cpu_limits = [limit for folder in folders if (limit := _cpu_limit(folder)) is not None]
    memory_limits = [limit for folder in folders if (limit := _memory_limit(folder)) is not None]
    return cpu_limits, memory_limits


def _folders(root: Path) -> list[Path]:
    """Every folder that may have a limit on this process: from its own groups up to the roots, each once."""
    own = _read(root / "proc/self/cgroup") or ""
    folders: dict[Path, None] = {}
    for line in (*ROOT_GROUPS, *own.splitlines()):
        match line.split(":", 2):
            case [_, controllers, group]:
                for mount in _mounts(root / "sys/fs/cgroup", controllers):
                    folders.update(dict.fromkeys(_path_to_root(mount, group)))
            case _:
                logger.warning("%r in /proc/self/cgroup is not a control group: assuming that it sets no limit", line)
    return list(folders)


def _mounts(top: Path, controllers: str) -> list[Path]:
    """Where a hierarchy is by custom: version 2 at the top, or beside those of version 1, one per controller."""
    if not controllers:
        return [top, top / "unified"]
    return [top / name for name in (controllers, *controllers.split(","))]


def _path_to_root(mount: Path, group: str) -> Iterator[Path]:
    parts = [part for part in group.split("/") if part]
    if ".." in parts:  # The group lies outside the namespace of this process; only the root can be seen from here.
        parts = []
    for depth in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:depth])


def _cpu_limit(folder: Path) -> float | None:
    path = folder / "cpu.max"
    text = _read(path)
    if text is None:
        path = folder / "cpu.cfs_quota_us"
        quota, period = _read(path), _read(folder / "cpu.cfs_period_us")
        if quota is None or period is None:
            return None
    else:
        quota, _, period = text.partition(" ")
    if quota in NO_LIMIT:
        return None
    if not POSITIVE.fullmatch(quota) or not POSITIVE.fullmatch(period):
        logger.warning("%s says %r in periods of %r us: assuming that it sets no limit", path, quota, period)
        return None
    return int(quota) / int(period)


def _memory_limit(folder: Path) -> int | None:
    for path in (folder / "memory.max", folder / "memory.limit_in_bytes"):
        text = _read(path)
        if text is None or text in NO_LIMIT:
            continue
        if POSITIVE.fullmatch(text):
            return int(text)
        logger.warning("%s says %r, not a number of bytes: assuming that it sets no limit", path, text)
    return None


def _read(path: Path) -> str | None:
    """The text of a file, or None if there is none to be had."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in a path that was itself read from a file.
        logger.warning("%s cannot be read (%s): assuming that it sets no limit", path, error)
        return None
