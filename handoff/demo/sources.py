"""Which files of Python source are analyzed, and how they are dealt into batches of about equal work."""

from __future__ import annotations

import heapq
import os
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handoff.errors import HandoffError

BATCH_BYTES = 800_000
"""Source bytes per `analyze`: about a second on a slow core, half of that on a fast one."""

FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})
"""Directories below PATH that hold what others wrote."""

FEWEST_BATCHES = 12
"""Little source is cut small, so that there is something to see: more functions than fit at once."""

MOST_FILES = 10_000
"""They take some minutes; nobody watches a demo for longer."""


class NoSources(HandoffError):
    """A path at which there is nothing to analyze."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"{self.path!r} cannot be analyzed ({self.why}): give a directory or a file of Python source"


@dataclass(frozen=True, slots=True)
class Sources:
    """What to analyze: `root` is resolved; `left_out` files are too many."""

    root: str
    batches: list[list[str]]
    left_out: int


def find(path: str | None) -> Sources:
    """Find the source at `path`, by default the standard library, and deal it into batches. Raises `NoSources`."""
    shown = standard_library() if path is None else path
    try:
        root = str(Path(shown).resolve())
        files = find_sources(root)
        sizes = [os.path.getsize(file) for file in files[:MOST_FILES]]
        dealt = batches(files[:MOST_FILES], min(BATCH_BYTES, sum(sizes) // FEWEST_BATCHES + 1))
    except FileNotFoundError:
        raise NoSources(shown, "there is nothing") from None
    # RuntimeError: links that lead in a circle.
    except (OSError, RuntimeError) as error:
        raise NoSources(shown, str(error)) from error
    if not dealt:
        raise NoSources(shown, "no Python file is there to be read")
    return Sources(root, dealt, max(0, len(files) - MOST_FILES))


def standard_library() -> str:
    """Name the directory of the running interpreter's standard library."""
    return sysconfig.get_path("stdlib")


def find_sources(path: str, limit: int | None = None) -> list[str]:
    """List the readable Python files at or below `path`, sorted; only the first `limit` of them if given.

    Files that do not parse are listed too: `analyze` counts them. Hidden directories, those of installed packages
    and links to directories are not entered. Raises `FileNotFoundError` if there is nothing at `path`.
    """
    root = Path(path).resolve()
    if not root.exists():
        raise FileNotFoundError(f"there is nothing at {str(root)!r}: give a directory or a file of Python source")
    found = [str(root)] if root.is_file() else sorted(_sources(str(root)))
    return found[:limit]


def _sources(root: str) -> Iterator[str]:
    for directory, inside, names in os.walk(root):
        inside[:] = [name for name in inside if name not in FOREIGN and not name.startswith(".")]
        for name in names:
            file = os.path.join(directory, name)
            # A pipe called x.py would hold its reader for ever; a name that is not text cannot be sent to a node.
            if name.endswith(".py") and os.path.isfile(file) and os.access(file, os.R_OK) and file.isprintable():
                yield file


def batches(files: Sequence[str], batch_bytes: int = BATCH_BYTES) -> list[list[str]]:
    """Deal `files` into batches for `analyze`, about `batch_bytes` each and as equal as whole files allow."""
    return _deal([(os.path.getsize(file), file) for file in files], batch_bytes)


def _deal(weighed: Sequence[tuple[int, str]], target: int) -> list[list[str]]:
    """Longest processing time first (Graham 1969): the heaviest that is left goes to the lightest batch."""
    count = -(-sum(weight for weight, _ in weighed) // target) or 1
    lightest = [(0, index) for index in range(count)]
    dealt: list[list[str]] = [[] for _ in range(count)]
    for weight, name in sorted(weighed, key=lambda item: (-item[0], item[1])):
        total, index = heapq.heappop(lightest)
        dealt[index].append(name)
        heapq.heappush(lightest, (total + weight, index))
    return [sorted(batch) for batch in dealt if batch]
