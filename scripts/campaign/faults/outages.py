"""Redis goes away and comes back with all that it has acknowledged."""

from __future__ import annotations

import random
import signal
from typing import Any

from campaign.faults.fault import REDIS, Kind, Struck
from campaign.world import World


def _begin(world: World) -> bool:
    if REDIS in world.busy:
        return False
    world.busy.add(REDIS)
    return True


def _stop(world: World, draw: random.Random) -> Struck | None:
    """It stands still, with all connections open."""
    if not _begin(world):
        return None
    master = world.pair.master
    master.signal(signal.SIGSTOP)

    def go_on() -> None:
        master.signal(signal.SIGCONT)
        world.busy.discard(REDIS)

    return Struck(REDIS, draw.choice([0.3, 1, 0.5 * world.lease_s, 2 * world.lease_s]), go_on)


def _down(world: World, draw: random.Random) -> Struck | None:
    """It dies as by kill -9, and is started again with its append-only file."""
    if not _begin(world):
        return None
    world.pair.master.kill()
    return Struck(REDIS, draw.choice([0.2, 1, 0.5 * world.lease_s, 2 * world.lease_s]), lambda: _start(world))


def _restart(world: World, draw: random.Random) -> Struck | None:
    """It is told to end, and started again."""
    if not _begin(world):
        return None
    world.pair.master.stop()
    return Struck(REDIS, 0.0, lambda: _start(world))


def _start(world: World) -> None:
    world.pair.master.start()
    world.busy.discard(REDIS)


def _fill(world: World, draw: random.Random) -> Struck | None:
    """It has no room left, and refuses what would take some."""
    return _refuse(world, draw, "maxmemory")


def _guard(world: World, draw: random.Random) -> Struck | None:
    """It lacks replicas, and refuses whatever writes."""
    return _refuse(world, draw, "min-replicas-to-write")


def _refuse(world: World, draw: random.Random, setting: str) -> Struck | None:
    if not _begin(world):
        return None
    world.direct().config_set(setting, 9)

    def accept() -> None:
        world.direct().config_set(setting, 0)
        world.busy.discard(REDIS)

    return Struck(REDIS, draw.choice([0.3, 1, 0.5 * world.lease_s, 2 * world.lease_s]), accept)


def _fail_over(world: World, draw: random.Random) -> Struck | None:
    """The replica becomes the master when it has all that was acknowledged."""
    if not world.pair.is_in_sync():
        return None
    world.pair.fail_over()
    return Struck(REDIS)


def _flush_scripts(world: World, draw: random.Random) -> Struck | None:
    world.direct().script_flush()
    return Struck(REDIS)


def _flush_functions(world: World, draw: random.Random) -> Struck | None:
    client: Any = world.direct()
    client.execute_command("FUNCTION", "FLUSH")
    return Struck(REDIS)


def _cut_all(world: World, draw: random.Random) -> Struck | None:
    """CLIENT KILL of everybody."""
    world.pair.master.cut_all()
    return Struck(REDIS)


KINDS = (
    Kind("stop redis", _stop, 1),
    Kind("kill redis", _down, 1),
    Kind("restart redis", _restart, 1),
    Kind("fill redis", _fill, 0.7),
    Kind("guard redis", _guard, 0.7),
    Kind("fail over", _fail_over, 1.5, needs_redis=True),
    Kind("flush scripts", _flush_scripts, 1, needs_redis=True),
    Kind("flush functions", _flush_functions, 0.5, needs_redis=True),
    Kind("kill connections", _cut_all, 1, needs_redis=True),
)
