"""What one language does with one text format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Half:
    """How a format is written and read; None is what only the other language does. Values are those of the examples."""

    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None
    part: Callable[[Any], Any] = lambda value: value  #: of the value of an example: what is read
