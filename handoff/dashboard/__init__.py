"""The dashboard: pages over what `view` and `why` read, kept current; actions only where it was started with them."""

from __future__ import annotations

try:
    from handoff.dashboard.application import app as app
except ModuleNotFoundError as missing:
    if missing.name not in ("starlette", "jinja2", "markupsafe"):
        raise
    raise ModuleNotFoundError(
        f"the dashboard needs {missing.name}, which is not installed: pip install 'handoff-rq[dashboard]'",
        name=missing.name,
    ) from missing

__all__ = ["app"]
