"""What a function tells while it runs, as its child sends it, read without trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handoff.client.current import LONGEST_MESSAGE
from handoff_worker.inside.telling import LARGEST_PART, TOLD
from handoff_worker.inside.wire import Garbled


@dataclass(frozen=True, slots=True)
class Told:
    """What was told since the last of these."""

    id: str
    progress: tuple[float, str] | None  #: how far it is, from 0 to 1, and what it says to that
    output: Sequence[tuple[int, bytes]]  #: what it has printed, in pieces: bytes left out in front of it, and it
    parts: Sequence[bytes]  #: what it has yielded, serialized


def is_told(message: Any) -> bool:
    """Whether a child tells something; else it answers."""
    return isinstance(message, dict) and message.get("kind") == TOLD


def read_told(message: Any, id: str | None) -> Told:
    """Read what a child sent; `Garbled` for all but what the function `id` tells."""
    match message:
        case {"id": str(sender), "progress": list(progress), "output": list(output), "parts": list(parts)} if (
            sender == id
            and all(map(_is_piece, output))
            and all(isinstance(part, bytes) and len(part) <= LARGEST_PART for part in parts)
        ):
            match progress:
                case []:
                    return Told(sender, None, [(skipped, data) for skipped, data in output], parts)
                case [float(fraction), str(said)] if 0 <= fraction <= 1 and len(said) <= LONGEST_MESSAGE:
                    return Told(sender, (fraction, said), [(skipped, data) for skipped, data in output], parts)
    raise Garbled("it told what nobody can read")


def _is_piece(value: object) -> bool:
    match value:
        case [int(skipped), bytes()]:
            return skipped >= 0
    return False
