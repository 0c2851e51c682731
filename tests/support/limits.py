"""How long tests wait for what must come."""

from __future__ import annotations

LIMIT_S = 30
"""Nothing that is waited for with this takes so long; whoever waits for longer waits in vain."""
