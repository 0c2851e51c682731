"""Redis forgets what it has acknowledged: it is emptied, or goes back some seconds. Only in a mode of its own."""

from __future__ import annotations

import random

from campaign.faults.fault import REDIS, Kind, Struck
from campaign.world import TOKENS, World


def _empty(world: World, draw: random.Random) -> Struck | None:
    world.direct().flushall()
    world.cluster.share(TOKENS)
    return Struck(REDIS)


def _roll_back(world: World, draw: random.Random) -> Struck | None:
    """A replica that has heard of nothing for some seconds becomes the master."""
    if REDIS in world.busy or not world.pair.is_in_sync():
        return None
    world.busy.add(REDIS)
    world.pair.fall_behind()

    def go_back() -> None:
        world.pair.go_back()
        world.busy.discard(REDIS)

    return Struck(REDIS, draw.uniform(0.3, 2) * world.lease_s, go_back)


EMPTY = "empty redis"

KINDS = (
    Kind(EMPTY, _empty, 2, frozenset({"NodeLost", "handoff.Forgotten"}), True),
    Kind("roll redis back", _roll_back, 6, frozenset({"NodeLost", "handoff.Forgotten"})),
)
