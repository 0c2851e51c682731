"""How safe what was submitted is to be before the call returns."""

from __future__ import annotations

from typing import Literal, get_args

from handoff.errors import InvalidFunction, shown
from handoff.words.values import is_one_of

Durability = Literal["memory", "disk", "replica"]
"""In the memory of Redis; on its disk, in the append-only file; in the memory of a replica too."""

DURABILITIES: tuple[Durability, ...] = get_args(Durability)


_ADVICE = f"choose one of {', '.join(DURABILITIES)}"


def check_default_durability(durability: Durability) -> Durability:
    """Return that of a cluster if there is such a one, else raise `ValueError`."""
    if not is_one_of(durability, DURABILITIES):
        raise ValueError(f"durability is {shown(durability)}: {_ADVICE}")
    return durability


def check_durability(id: str, durability: Durability) -> Durability:
    """Return that of a function or run if there is such a one, else raise `InvalidFunction`."""
    if not is_one_of(durability, DURABILITIES):
        raise InvalidFunction(id, f"durability is {shown(durability)}", _ADVICE)
    return durability
