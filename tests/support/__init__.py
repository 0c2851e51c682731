"""What several tests need and the product does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handoff.local.program import NoServer, find_server

HERE = Path(__file__).parent

# What fails in a module of this package tells as much as what fails in a test.
pytest.register_assert_rewrite(*(f"{__name__}.{path.stem}" for path in HERE.iterdir() if path.stem != "__init__"))


def need_redis_server() -> None:
    """Skip what needs a real Redis server where none is installed; fail it there under CI."""
    try:
        find_server()
    except NoServer as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
