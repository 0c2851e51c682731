"""What tests of execution share: children that live as long as the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from support.children import TESTS
from support.waiting import LIMIT_S


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "lacking.py").write_text("import no_such_dependency\n\ndef function(): pass\n")
    (folder / "misspelled.py").write_text("def function() return 1\n")
    (folder / "asking.py").write_text("None.settings\n\n\ndef function():\n    return 1\n")
    children = Children(idle_limit=2, imports=Imports([TESTS, str(folder)]), grace_s=LIMIT_S)
    yield children
    children.close()


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Where callbacks write to what they were given."""
    return tmp_path / "told"
