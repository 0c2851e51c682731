"""Control groups that are handed down to the tests, in which agents find that the host lets them make groups."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

VARIABLE = "HANDOFF_TEST_GROUP"


@contextlib.contextmanager
def own_group() -> Iterator[Path]:
    """A group without any process that has the memory controller; in the end it has to be as it was."""
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(
            "no control group of version 2 is handed down to the tests: give one without processes, which hands down"
            f" its memory controller, as {VARIABLE}=/sys/fs/cgroup/..."
        )
    group = Path(given) / f"test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    yield group
    assert sorted(each.name for each in group.iterdir() if each.is_dir()) == []
    group.rmdir()


def within(group: Path) -> list[str]:
    """What begins the command line of what is to stand in a group."""
    return ["/bin/sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
