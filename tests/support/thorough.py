"""How hard random tests search."""

from __future__ import annotations

import os

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
"""Search for hours where somebody asks for it; otherwise walk the same few ways every time."""
