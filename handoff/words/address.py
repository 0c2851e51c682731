"""Where everything is, if nobody says otherwise: which Redis, and which namespace on it."""

from __future__ import annotations

import os

DEFAULT_NAMESPACE = "handoff"


def default_url() -> str:
    """`HANDOFF_REDIS_URL`, else `REDIS_URL`, else the local server."""
    return os.environ.get("HANDOFF_REDIS_URL") or os.environ.get("REDIS_URL") or "redis://localhost:6379/0"
