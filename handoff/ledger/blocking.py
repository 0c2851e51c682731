"""The commands that wait on the server."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def waiting_read(stream: str, after: bytes, seconds: float) -> tuple[Any, ...]:
    """The command that waits for entries of a stream."""
    return ("XREAD", *_block(seconds), "STREAMS", stream, after)


def waiting_look(after: Mapping[str, bytes], seconds: float) -> tuple[Any, ...]:
    """The command that waits until one of several streams has an entry, and brings no more of each."""
    return ("XREAD", "COUNT", 1, *_block(seconds), "STREAMS", *after, *after.values())


def _block(seconds: float) -> tuple[str, int]:
    return "BLOCK", max(1, math.ceil(seconds * 1000))
