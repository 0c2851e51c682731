"""The way to Redis, of one agent or client alone: cut, silent, slow, or losing replies."""

from __future__ import annotations

import random

from campaign.faults.dying import NODE_LOST
from campaign.faults.fault import Kind, Struck
from campaign.world import World


def _somebody(world: World, draw: random.Random) -> str | None:
    names = sorted({*world.agents, *world.clients} - world.busy)
    return draw.choice(names) if names else None


def _cut(world: World, draw: random.Random) -> Struck | None:
    name = _somebody(world, draw)
    if name is None:
        return None
    world.relay.cut(name)
    return Struck(name)


def _lose_replies(world: World, draw: random.Random) -> Struck | None:
    """What was asked is done, and nobody is told."""
    name = _somebody(world, draw)
    if name is None:
        return None
    world.relay.lose_replies(name, draw.randint(1, 4))
    return Struck(name)


def _slow(world: World, draw: random.Random) -> Struck | None:
    name = _somebody(world, draw)
    if name is None:
        return None
    world.relay.slow_down(name, draw.choice([0.02, 0.1, 0.3]))
    return _for(world, name, draw.uniform(0.5, 2))


def _silent(world: World, draw: random.Random) -> Struck | None:
    """What is sent arrives later, at once, from a node that was long given up."""
    name = _somebody(world, draw)
    if name is None:
        return None
    world.relay.silence(name)
    return _for(world, name, draw.choice([0.2, 1.2, 2.5]))


def _for(world: World, name: str, leases: float) -> Struck:
    world.busy.add(name)

    def restore() -> None:
        world.relay.restore(name)
        world.busy.discard(name)

    return Struck(name, leases * world.lease_s, restore)


KINDS = (
    Kind("cut a link", _cut, 1),
    Kind("lose replies", _lose_replies, 2),
    Kind("slow link", _slow, 1, frozenset({NODE_LOST})),
    Kind("silent link", _silent, 1, frozenset({NODE_LOST})),
)
