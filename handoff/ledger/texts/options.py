"""What few functions ask for beside their cost, as the text that the scripts read: `unfit=60000;wait=5000`; and times.

Pure.
"""

from __future__ import annotations

from typing import Literal

from handoff.words.function import Strategy

ATTENDED_MS = 15_000
"""An attached run is canceled when nobody has attended it for so long; it begins with as much."""


def options_text(
    *,
    on_infeasible: Literal["wait", "raise"] | float,
    wait_ttl: float | None,
    strategy: Strategy,
    delay_ms: int = 0,
    due_ms: int = 0,
    prefer: str = "",
) -> str:
    """Write what is not the default. The last three are only for functions in a run, which are not yet ready."""
    found = []
    if not isinstance(on_infeasible, str):
        found.append(f"unfit={milliseconds(on_infeasible)}")
    if wait_ttl is not None:
        found.append(f"wait={milliseconds(wait_ttl)}")
    if strategy != "first_available":
        found.append(f"strategy={strategy}")
    if delay_ms:
        found.append(f"delay={delay_ms}")
    if due_ms:
        found.append(f"due={due_ms}")
    if prefer:
        found.append(f"prefer={prefer}")
    return ";".join(found)


def milliseconds(seconds: float) -> int:
    """Seconds above 0 as whole ms, at least 1."""
    return max(1, round(seconds * 1000))
