"""What every fault has: a name, how often it comes, and how it is done and undone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from campaign.world import World

REDIS = "redis"
"""What is busy while a server is away: one of those faults at a time."""


@dataclass(frozen=True)
class Struck:
    """What was done: to whom, and how it is undone after so long; None = it needs no undoing."""

    target: str
    lasts_s: float = 0.0
    undo: Callable[[], None] | None = None


Strike = Callable[[World, random.Random], Struck | None]
"""Do it now. None: there was nobody whom it could have struck."""


@dataclass(frozen=True)
class Kind:
    """One kind of fault."""

    name: str
    strike: Strike
    weight: float = 1.0
    kills: frozenset[str] = frozenset()  #: errors by which a function may end through it: exception types
    needs_redis: bool = False  #: to be done and to be undone
