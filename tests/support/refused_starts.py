"""Starts of an agent that are refused, in this process: before there is an agent, nothing needs one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest.mock import patch

import pytest

from handoff_worker.__main__ import run

NOWHERE = "redis://127.0.0.1:1/0"


def refused_here(*arguments: str, url: str = NOWHERE) -> subprocess.CompletedProcess[str]:
    """Run `handoff node` with arguments that it refuses. The signals of this process stay as they are."""
    out, err = StringIO(), StringIO()
    with (
        patch.object(sys, "argv", ["handoff node", *arguments]),
        patch.dict(os.environ, HANDOFF_REDIS_URL=url),
        patch("handoff_worker.__main__.Signals"),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        run()
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(arguments, ended.value.code, out.getvalue(), err.getvalue())
