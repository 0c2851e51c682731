"""The network between hosts, packet by packet: late, lost, slow or cut off, as a test says.

Owns packets; must not know what is in them but for where they go. Many a kernel that makes namespaces has no `netem`,
so what that does is done here.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import selectors
import struct
import threading
import time
from dataclasses import dataclass, field

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

PACKET = 2**16
LONGEST_QUEUE_S = 1.0
"""What would leave later than this because others are before it is dropped, as by a router whose queue is full."""

NETWORK = "10.77.0"


@dataclass
class Wire:
    """What connects a host with all others. It may be changed at any time; a cut takes what is under way, too."""

    late_s: float = 0.0
    lost: float = 0.0  #: the share of packets that do not arrive
    bytes_per_s: float = 0.0  #: in each direction; 0 = however many
    is_cut: bool = False
    passed: int = 0  #: packets
    dropped: int = 0
    _free_at: list[float] = field(default_factory=lambda: [0.0, 0.0], repr=False)

    def leave(self, at: float, size: int, direction: int, chance: float) -> float | None:
        """When a packet that came at some time is at the other end; None if it never is."""
        begins = max(at, self._free_at[direction])
        if self.is_cut or chance < self.lost or begins > at + LONGEST_QUEUE_S:
            self.dropped += 1
            return None
        self.passed += 1
        if self.bytes_per_s:
            begins += size / self.bytes_per_s
        self._free_at[direction] = begins
        return begins + self.late_s


class Switch:
    """A thread that carries packets between hosts, each by the wires of both."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)
        self._ends: dict[bytes, tuple[int, Wire]] = {}
        self._under_way: list[tuple[float, int, int, bytes, tuple[Wire, Wire]]] = []
        self._count = 0
        self._ready = selectors.DefaultSelector()
        self._ended, self._end = os.pipe()
        self._ready.register(self._ended, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._carry, name="switch", daemon=True)

    def plug(self, wire: Wire) -> tuple[str, str]:
        """Make one more interface, which a host is to be given. -> its name, and the address that leads to it"""
        # It belongs to whoever has it open: it is gone with this process, however that ends.
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        asked = struct.pack("16sH14x", b"handoff%d", IFF_TUN | IFF_NO_PI)
        name = fcntl.ioctl(end, TUNSETIFF, asked)[:16].rstrip(b"\0").decode()
        number = len(self._ends) + 1
        source = bytes((*map(int, NETWORK.split(".")), number))
        self._ends[source] = (end, wire)
        self._ready.register(end, selectors.EVENT_READ, wire)
        return name, f"{NETWORK}.{number}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        os.close(self._end)
        if self._thread.ident is not None:
            self._thread.join()
        self._ready.close()
        for end, _ in self._ends.values():
            os.close(end)
        os.close(self._ended)

    def _carry(self) -> None:
        while True:
            wait_s = max(0.0, self._under_way[0][0] - time.monotonic()) if self._under_way else None
            for key, _ in self._ready.select(wait_s):
                if key.fd == self._ended:
                    return
                # An interface that is not up yet, or not any more, has nothing to read.
                with contextlib.suppress(OSError):
                    while True:
                        self._take(os.read(key.fd, PACKET), key.data)
            while self._under_way and self._under_way[0][0] <= time.monotonic():
                _, _, end, packet, wires = heapq.heappop(self._under_way)
                if any(wire.is_cut for wire in wires):
                    continue
                # Who cannot take it now loses it, as on any wire.
                with contextlib.suppress(OSError):
                    os.write(end, packet)

    def _take(self, packet: bytes, wire: Wire) -> None:
        is_ipv4 = packet[0] >> 4 == 4
        if not is_ipv4 or (there := self._ends.get(packet[16:20])) is None:
            return
        end, other = there
        at = wire.leave(time.monotonic(), len(packet), 0, self._chance.random())
        if at is not None and (at := other.leave(at, len(packet), 1, self._chance.random())) is not None:
            self._count += 1
            heapq.heappush(self._under_way, (at, self._count, end, packet, (wire, other)))
