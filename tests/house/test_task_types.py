"""What a type checker says of calls of tasks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from collections.abc import Coroutine
from typing import Any
import handoff.aio
from handoff import Handle, task

@task(cost={"gpu": 1}, timeout=60)
def resize(path: str, *, width: int = 100) -> bytes:
    return b""

@task
async def later(value: int) -> int:
    return value

fine: Handle = resize.submit("a", width=3)
also_fine: bytes = resize("a")
with_other: bytes = resize.options(cost={"gpu": 2})("a")
awaited: Coroutine[Any, Any, int] = later(1)
submitted: Coroutine[Any, Any, handoff.aio.Handle] = resize.asubmit("a", width=3)

resize.submit(3)  # arg-type
resize.enqueue("a", heigth=3)  # call-arg
resize.submit()  # call-arg
resize.options(timeout=3).submit(3)  # arg-type
unfit = resize.asubmit(3)  # arg-type
resize(3)  # arg-type
wrong: int = resize("a")  # assignment
later.submit("a")  # arg-type

task(cots={"gpu": 1})  # call-overload
"""


@pytest.mark.slow
def test_a_wrong_argument_is_an_error_of_types(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")

    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)

    found = re.findall(r"^program\.py:(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    expected = [
        (str(number), line.partition("  # ")[2]) for number, line in enumerate(PROGRAM.split("\n"), 1) if "  # " in line
    ]
    assert found == expected, done.stdout + done.stderr
