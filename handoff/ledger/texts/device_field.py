"""What is free of a node's devices, `0=10000,3=2500`: index = free share.

Where their memory is known `0=10000/60000000/240000000`, with free and total memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Device:
    """What one device has left."""

    index: int
    share: int  #: below 0 where more is reserved than it has
    memory: tuple[int, int] | None  #: free, and all of it; None where it is not known


@lru_cache(maxsize=1024)
def read_device_field(text: str) -> tuple[Device, ...]:
    """Read the devices of one resource: of nodes that are alike, idle or full, these are alike too."""
    return tuple(_read_device(part) for part in text.split(",") if part)


def _read_device(text: str) -> Device:
    index, _, rest = text.partition("=")
    share, *memory = map(int, rest.split("/"))
    return Device(int(index), share, (memory[0], memory[1]) if memory else None)
