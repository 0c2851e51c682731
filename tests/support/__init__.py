"""What several tests need and the product does not."""

from __future__ import annotations

import os

import pytest

from handoff.local.program import NoServer, find_server


def need_redis_server() -> None:
    """Skip what needs a real Redis server where none is installed; fail it there under CI."""
    try:
        find_server()
    except NoServer as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
