"""Other versions of Handoff beside this one: this tree with another layout, here or as a copy, and an earlier wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from handoff.ledger import layout
from handoff.ledger.lua import functions, loader
from support.processes import environment
from support.waiting import LIMIT_S

PROJECT = Path(__file__).resolve().parents[2]

NEWER = layout.LAYOUT + 1

EARLIER = "1c865bc472da5e8aea83185f2f0c0d07426a6603"
"""The last commit whose data has no layout."""


@contextmanager
def version_with(number: int) -> Iterator[None]:
    """What is called inside is of a version of that layout."""
    ours = layout.LAYOUT
    try:
        layout.LAYOUT = number
        _forget_lua()
        yield
    finally:
        layout.LAYOUT = ours
        _forget_lua()


def _forget_lua() -> None:
    loader.load.cache_clear()
    functions.library.cache_clear()


def copy_with(number: int, folder: Path) -> dict[str, str]:
    """Copy this tree with another layout. -> the environment of programs that are to import it"""
    for package in ("handoff", "workers/handoff_worker"):
        shutil.copytree(PROJECT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "handoff" / "ledger" / "layout.py"
    text = path.read_text()
    assert text.count(f"\nLAYOUT = {layout.LAYOUT}\n") == 1
    path.write_text(text.replace(f"\nLAYOUT = {layout.LAYOUT}\n", f"\nLAYOUT = {number}\n"))
    return importing(folder, folder / "workers")


def earlier_wheel(folder: Path) -> dict[str, str]:
    """Build the wheel of an earlier commit, and unpack it. -> the environment of programs that are to import it

    Where neither this checkout nor the one that it was cloned from has that commit, the test is skipped, and the
    summary of the run says so.
    """
    sources = folder / "sources"
    sources.mkdir()
    subprocess.run(["tar", "-x", "-C", str(sources)], input=_archive(folder), check=True)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=sources, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "unpacked", "zip")
    return importing(folder / "unpacked")


def _archive(folder: Path) -> bytes:
    """What was in the earlier commit, as a tar; of a shallow clone it is asked for where that came from."""
    if shutil.which("git") is None:
        pytest.skip("NOT TESTED beside an earlier version: there is no git")
    archived = _git(PROJECT, "archive", EARLIER)
    if archived.returncode:
        origin = _git(PROJECT, "remote", "get-url", "origin").stdout.decode().strip()
        fetched = folder / "fetched"
        _git(folder, "init", "--quiet", str(fetched))
        if origin and not _git(fetched, "fetch", "--quiet", "--depth", "1", origin, EARLIER).returncode:
            archived = _git(fetched, "archive", EARLIER)
    if archived.returncode:
        why = archived.stderr.decode().strip()
        pytest.skip(f"NOT TESTED beside an earlier version: commit {EARLIER[:7]} is not in this checkout ({why})")
    return archived.stdout


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # The owner of a checkout that was mounted or copied may be somebody else; git then refuses to read it.
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    asks_nobody = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(command, capture_output=True, env=asks_nobody, timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, 1, b"", str(error).encode())


def importing(*folders: Path) -> dict[str, str]:
    """The environment of programs that import from these folders first."""
    usual = environment()
    # The current directory may be this project.
    return {**usual, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join([*map(str, folders), usual["PYTHONPATH"]])}
