"""What anybody who installs Handoff gets: its dependencies, the files of its wheel, and how light its import is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from zipfile import ZipFile

import pytest

PROJECT = Path(__file__).resolve().parents[2]

LOCK_FILE = re.compile(r"(.*\.lock|.*\.lockb|.*-lock\.\w+|pylock.*\.toml)")
DOWNLOAD_ADDRESS = re.compile(rb"\w+://[^\s\"'>)]+\.(whl|tar\.gz|tgz|zip)\b")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    subprocess.run(build, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    (path,) = directory.glob("*.whl")
    with ZipFile(path) as opened:
        yield opened


@pytest.fixture
def metadata(wheel: ZipFile) -> Message:
    (path,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return BytesParser().parsebytes(wheel.read(path))


def test_the_base_install_needs_exactly_six_distributions(metadata: Message) -> None:
    requirements = [str(value) for value in metadata.get_all("Requires-Dist", [])]

    base = {re.split(r"[\s<>=!~;]", line, maxsplit=1)[0] for line in requirements if "extra ==" not in line}

    assert base == {"redis[hiredis]", "rq", "msgpack", "psutil", "click", "rich"}


def test_the_wheel_holds_every_source_file_of_both_packages_and_nothing_else(wheel: ZipFile) -> None:
    sources = {
        path.relative_to(root).as_posix()
        for root, package in ((PROJECT, "handoff"), (PROJECT / "workers", "handoff_worker"))
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == sources
    assert {"handoff/py.typed", "handoff_worker/py.typed"} <= packed
    assert any(re.fullmatch(r"handoff/ledger/lua/(operations|libraries)/\w+/\w+\.lua", name) for name in packed)
    assert any(re.fullmatch(r"handoff/ledger/texts/\w+\.lua", name) for name in packed)
    assert {"handoff/dashboard/templates/frame.html", "handoff/dashboard/static/htmx.min.js"} <= packed


def test_importing_handoff_leaves_the_worker_side_and_the_terminal_alone() -> None:
    heavy = {"handoff_worker", "rq.cli", "psutil", "click", "rich", "handoff.dashboard", "starlette", "jinja2"}
    heavy |= {"handoff.metrics", "prometheus_client"}
    heavy |= {"handoff.top", "textual"}
    script = "import json, sys, handoff; print(json.dumps(sorted(sys.modules)))"

    imported = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout

    assert "handoff.errors" in json.loads(imported)
    assert heavy.isdisjoint(json.loads(imported))


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="no git checkout")
def test_no_file_of_the_project_records_where_a_package_is_downloaded_from() -> None:
    # The owner of a checkout that was mounted or copied may be somebody else; git then refuses to list it.
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout.decode()
    files = [path for name in listed.split("\0") if name and (path := PROJECT / name).is_file()]

    locks = [str(path) for path in files if LOCK_FILE.fullmatch(path.name)]
    addresses = [str(path) for path in files if DOWNLOAD_ADDRESS.search(path.read_bytes())]

    assert PROJECT / "tests" / "house" / "test_house.py" in files
    assert locks == []
    assert addresses == []
