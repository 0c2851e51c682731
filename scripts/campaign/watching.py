"""What the ledger tells of itself while all this goes on: its events, its leases, and how much time did not count."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from campaign.world import NAMESPACE, World
from handoff.ledger.keys import Keys
from handoff.ledger.rqmodel import RQ_KEY_PREFIX

LOOK_S = 0.1


@dataclass(frozen=True)
class Event:
    """One entry of the stream."""

    at_ms: int
    fields: Mapping[str, str]

    @property
    def job(self) -> str:
        """Whose it is, '' = of no job."""
        return self.fields.get("id", "").rpartition(":")[0] or self.fields.get("job", "")


class Follower:
    """Reads the stream from its beginning, on a thread, until `stop`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = b"0-0"
        self._is_over = threading.Event()
        self._keys = Keys(NAMESPACE, RQ_KEY_PREFIX)
        self.events: list[Event] = []
        self.down: list[tuple[int, int]] = [(0, 0)]  #: each look, and what had not counted by then, ms
        self._leases: dict[str, list[tuple[int, int]]] = defaultdict(list)  #: each look, and when it will be over
        self.is_whole = True  #: nothing was cut off the stream before it was read
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read what is left, and end."""
        self._is_over.set()
        self._thread.join()
        client: Any = self._world.direct()
        while self._read(client):
            continue

    def uptime_ms(self, at_ms: int) -> int:
        """A moment, without all that did not count."""
        before = (0, 0)
        for seen in self.down:
            if seen[0] > at_ms:
                # It came to be somewhere between two looks.
                share = (at_ms - before[0]) / (seen[0] - before[0])
                return round(at_ms - before[1] - share * (seen[1] - before[1]))
            before = seen
        return at_ms - before[1]

    def lease_end(self, node: str, at_ms: int) -> int:
        """When the lease that it had at that moment is over, in ms of uptime; at once where nobody has seen it."""
        ends = [end for seen_ms, end in self._leases[node] if seen_ms <= at_ms]
        return ends[-1] if ends else self.uptime_ms(at_ms)

    def _follow(self) -> None:
        port, client = 0, None
        while not self._is_over.wait(LOOK_S):
            with contextlib.suppress(redis.RedisError):
                if client is None or port != self._world.pair.master.port:
                    port, client = self._world.pair.master.port, self._world.direct(1.0)
                while self._read(client):
                    continue
                self._look(client)

    def _look(self, client: Any) -> None:
        down = int(client.hget(self._keys("clock"), "down") or 0)
        ends = client.zrange(self._keys("leases"), 0, -1, withscores=True)
        # Of a node that is lost and back at once the old lease is to be the last before the loss.
        now_ms = round(time.time() * 1000)
        self.down.append((now_ms, down))
        for node, end in ends:
            self._leases[node.decode()].append((now_ms, round(end)))

    def _read(self, client: Any) -> int:
        stream = self._keys("events")
        found = client.xrange(stream, f"({self._last.decode()}", count=1000)
        first = client.xrange(stream, count=1)
        if self._last != b"0-0" and first and _order(first[0][0]) > _order(self._last):
            self.is_whole = False
        for id, fields in found:
            self._last = id
            told = {name.decode(): value.decode() for name, value in fields.items()}
            self.events.append(Event(int(told["at_ms"]), told))
        return len(found)


def _order(id: bytes) -> tuple[int, ...]:
    return tuple(map(int, id.split(b"-")))
