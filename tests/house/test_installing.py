"""The scripts say how the installation of their environment goes on."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

SAID_BY_PIP = """\
Obtaining file:///project
  Installing build dependencies: started
Collecting click>=8.1 (from handoff-rq==0.1.0)
  Downloading click-8.5.1-py3-none-any.whl (126 kB)
Processing /files/markdown_it_py-4.3.0-py3-none-any.whl (from handoff-rq==0.1.0)
Collecting redis[hiredis]>=6 (from handoff-rq==0.1.0)
Installing collected packages: click, markdown-it-py, redis
"""


def test_on_a_terminal_one_line_says_which_package_it_is_at_and_is_taken_away() -> None:
    ours, theirs = pty.openpty()
    command = f'source "{SCRIPTS}/environment.sh"; show_progress'
    subprocess.run(["bash", "-c", command], input=SAID_BY_PIP.encode(), stderr=theirs, check=True)
    os.close(theirs)

    shown = read_all(ours).decode()

    assert [part.strip() for part in shown.split("\r\x1b[K")] == [
        "",
        "packages found: 1, the last is click",
        "packages found: 2, the last is markdown_it_py",
        "packages found: 3, the last is redis",
        "installing packages: 3",
        "",
    ]


def read_all(ours: int) -> bytes:
    """Read what was written to a terminal, of which one read gives as much as had come by then."""
    read = b""
    # When nobody has the other end any more, there is an error in place of an end.
    with os.fdopen(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):
        while piece := terminal.read(65536):
            read += piece
    return read
