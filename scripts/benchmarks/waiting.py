"""Waiting for another process to have done something that announces itself nowhere."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_S = 0.005
"""A look costs a server some 20 us; 200 a second change no figure."""

GIVE_UP_S = 300.0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Look until `holds`; raise `TimeoutError` naming `what` after five minutes."""
    deadline_s = time.monotonic() + GIVE_UP_S
    while not holds():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what}: not after {GIVE_UP_S:.0f} s")
        time.sleep(LOOK_S)
