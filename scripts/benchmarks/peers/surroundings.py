"""In what surroundings all peers are measured: by itself, with many costs, two at a time, with an append-only file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.peers.roster import Peer


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One way to measure all those whom it concerns."""

    name: str  #: '' where nothing is special
    cpu: float = 0.1  #: cores of a function
    shapes: int = 1  #: how many costs there are
    everysec: bool = False  #: Redis keeps an append-only file

    def concerns(self, peer: Peer) -> bool:
        """Whether a peer could tell the difference; the others stand as they are in the table without."""
        if self.everysec:
            return peer.has_server and not peer.only_memory
        return not self.name or peer.has_costs

    def costs(self) -> dict[str, Any]:
        """What an adapter is told."""
        return {"cpu": self.cpu, "shapes": self.shapes}


PLAIN = Surroundings("")
EIGHT = Surroundings("eight at a time", cpu=0.25)
TWO = Surroundings("two at a time", cpu=1.0)
ALL = (
    PLAIN,
    Surroundings("ten shapes", shapes=10),
    TWO,
    Surroundings("append-only file", everysec=True),
)
