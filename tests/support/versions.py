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

    A checkout without that commit in its history skips the test, and says so.
    """
    sources = folder / "sources"
    sources.mkdir()
    # The owner of a checkout that was mounted or copied may be somebody else; git then refuses to read it.
    git = ["git", "-c", "safe.directory=*", "-C", str(PROJECT), "archive", EARLIER]
    archived = subprocess.run(git, capture_output=True) if shutil.which("git") else None
    if archived is None or archived.returncode:
        why = archived.stderr.decode().strip() if archived else "there is no git"
        pytest.skip(f"NOT TESTED beside an earlier version: commit {EARLIER[:7]} is not in this checkout ({why})")
    subprocess.run(["tar", "-x", "-C", str(sources)], input=archived.stdout, check=True)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=sources, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "unpacked", "zip")
    return importing(folder / "unpacked")


def importing(*folders: Path) -> dict[str, str]:
    """The environment of programs that import from these folders first."""
    usual = environment()
    # The current directory may be this project.
    return {**usual, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join([*map(str, folders), usual["PYTHONPATH"]])}
