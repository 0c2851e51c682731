"""One campaign: calm, faults as planned, each undone when it has lasted, calm again, and then all comes to rest."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import redis

from campaign import books
from campaign.faults import Kind
from campaign.faults.fault import REDIS
from campaign.plan import Planned, calm_s
from campaign.rounds import Rounds
from campaign.world import NAMESPACE, World
from handoff import Cluster
from handoff.errors import StoreUnavailable

CHECKED_EVERY_S = 10.0
LATER_S = 0.3


@dataclass
class Done:
    """A fault that was carried out."""

    number: int
    kind: str
    target: str
    at_ms: int
    until_ms: int = 0  #: when it was undone; 0 = not yet


@dataclass
class Driven:
    """What happened, and when: all in ms as the server has it."""

    began_ms: int = 0
    faults_from_ms: int = 0
    faults_to_ms: int = 0
    calm_to_ms: int = 0
    done: list[Done] = field(default_factory=list)
    missed: int = 0  #: for which there was nobody
    checks: int = 0  #: of the books, meanwhile
    rounds: int = 0  #: of the doctor
    wrong: list[str] = field(default_factory=list)  #: what was found meanwhile


class Driver:
    """Carries out a plan; what must be judged later it writes into `driven`."""

    def __init__(self, world: World, kinds: Mapping[str, Kind], tell: Callable[[str], None]) -> None:
        self._world, self._kinds, self._tell = world, kinds, tell
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self.driven = Driven()

    def drive(self, plan: Sequence[Planned], seconds: float) -> None:
        """Do it all; ends early where the books are found to be wrong."""
        self._rounds = Rounds(Cluster(self._world.url("doctor"), namespace=NAMESPACE).store)
        try:
            self._drive(plan, seconds)
        finally:
            self._rounds.stop()
            self.driven.rounds = self._rounds.count
            self.driven.wrong += self._rounds.take()

    def _drive(self, plan: Sequence[Planned], seconds: float) -> None:
        driven, began_s = self.driven, time.monotonic()
        driven.began_ms = self._world.now_ms()
        driven.faults_from_ms = driven.began_ms + round(1000 * calm_s(seconds))
        for planned in plan:
            self._at(began_s + planned.at_s, lambda planned=planned: self._strike(planned))  # type: ignore[misc]
        self._at(began_s + CHECKED_EVERY_S / 2, self._check)
        # Fewer faults than were planned for this time are a shorter campaign.
        last_s = max([began_s + planned.at_s for planned in plan], default=began_s + seconds - calm_s(seconds))
        self._run(last_s)
        self._undo_all()
        driven.faults_to_ms = self._world.now_ms()
        if not driven.wrong:
            self._world.await_nodes()
            self._at(time.monotonic(), self._check)
            self._run(time.monotonic() + calm_s(seconds))
        driven.calm_to_ms = self._world.now_ms()
        if not driven.wrong:
            driven.wrong += books.examine_live(self._world)

    def _run(self, until_s: float) -> None:
        """Do what is due by then."""
        tend_s = 0.0
        while time.monotonic() < until_s and not self.driven.wrong:
            now_s = time.monotonic()
            if now_s >= tend_s:
                self.driven.wrong += self._world.tend()
                tend_s = now_s + LATER_S
            if self._due and self._due[0][0] <= now_s:
                _, _, action = heapq.heappop(self._due)
                action()
                continue
            next_s = self._due[0][0] if self._due else until_s
            time.sleep(max(0.0, min(next_s, tend_s, until_s) - time.monotonic()))

    def _undo_all(self) -> None:
        """What still lasts is undone now; what is only planned is left."""
        for _, _, action in sorted(self._due):
            if isinstance(action, _Undo):
                action.at_once()
        self._due.clear()

    def _at(self, at_s: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at_s, next(self._count), action))

    def _strike(self, planned: Planned) -> None:
        kind, world = self._kinds[planned.kind], self._world
        at_ms = world.now_ms()
        struck = None
        if not (kind.needs_redis and REDIS in world.busy):
            struck = kind.strike(world, random.Random(planned.seed))
        if struck is None:
            self.driven.missed += 1
            return
        done = Done(planned.number, planned.kind, struck.target, at_ms)
        self.driven.done.append(done)
        self._tell(f"{planned.number:4} {planned.kind}: {struck.target}")
        if struck.undo is None:
            done.until_ms = world.now_ms()
            return
        undo = _Undo(self, done, struck.undo, kind.needs_redis)
        self._at(time.monotonic() + struck.lasts_s, undo)

    def _check(self) -> None:
        """The books as they stand just now, if they can be read."""
        self._at(time.monotonic() + CHECKED_EVERY_S, self._check)
        self.driven.wrong += self._rounds.take()
        if REDIS in self._world.busy or not self._world.pair.is_in_sync():
            return
        with contextlib.suppress(redis.RedisError):
            self.driven.wrong += books.check_meanwhile(self._world)
            self.driven.checks += 1


@dataclass
class _Undo:
    """Ends a fault, or puts that off where it needs a Redis that is away."""

    driver: Driver
    done: Done
    undo: Callable[[], None]
    needs_redis: bool

    def __call__(self) -> None:
        world = self.driver._world
        if self.needs_redis and REDIS in world.busy:
            self.driver._at(time.monotonic() + LATER_S, self)
            return
        try:
            self.undo()
        except (StoreUnavailable, redis.RedisError):
            self.driver._at(time.monotonic() + LATER_S, self)
            return
        self.done.until_ms = world.now_ms()

    def at_once(self) -> None:
        """However long Redis takes to be there again."""
        while not self.done.until_ms:
            try:
                self.undo()
            except (StoreUnavailable, redis.RedisError):
                time.sleep(LATER_S)
                continue
            self.done.until_ms = self.driver._world.now_ms()
