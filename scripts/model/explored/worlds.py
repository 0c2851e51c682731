"""Small clusters to be explored, each with so many faults that its states can be counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Budget = Literal["lapses", "kills", "drains", "cancels", "lost", "late", "unstarted", "failures", "waits", "missed"]
"""What may happen only so often: leases that run out while their agent lives, agents killed, nodes drained, functions
canceled, replies lost, calls that come late, functions for which no process could be started, functions that raise,
agents that say that they wait and tell nothing else, hints that are lost."""

BUDGETS: tuple[Budget, ...] = get_args(Budget)


@dataclass(frozen=True, slots=True)
class Function:
    """One function that is submitted; those in front have the higher rank."""

    cost: int = 1
    retries: int = 0
    is_delayed: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """Nodes with what they have, functions, and what may go wrong."""

    nodes: tuple[int, ...]
    functions: tuple[Function, ...]
    may: Mapping[Budget, int] = field(default_factory=dict)
    depth: int | None = None  #: how many moves far it is explored; None: to its end

    @property
    def hands_over(self) -> bool:
        """Whether functions are handed to agents that wait, with the hint."""
        return bool(self.may.get("waits"))


WORLDS: dict[str, World] = {
    "lost replies": World((2,), (Function(), Function(2, retries=1)), {"lost": 2, "failures": 1, "cancels": 1}),
    "late calls": World((1,), (Function(), Function(retries=1)), {"late": 2, "lost": 1}),
    "loss": World((1, 1), (Function(), Function(retries=1)), {"lapses": 2, "lost": 1}),
    "killed agents": World((2,), (Function(), Function(2, retries=1)), {"kills": 1, "lapses": 1, "cancels": 1}),
    "drained nodes": World((1, 2), (Function(), Function(2)), {"drains": 2, "unstarted": 1, "cancels": 1}),
    "retries": World(
        (2, 1),
        (Function(retries=1), Function(2, is_delayed=True)),
        {"failures": 1, "cancels": 2, "unstarted": 1, "lapses": 1},
    ),
    "handed over": World(
        (2,),
        (Function(), Function(retries=1)),
        {"waits": 2, "missed": 1, "lost": 1, "lapses": 1, "cancels": 1},
    ),
    "everything": World(
        (2, 1),
        (Function(), Function(2, retries=1), Function(1, is_delayed=True)),
        {
            "lapses": 1,
            "kills": 1,
            "drains": 1,
            "cancels": 1,
            "lost": 1,
            "late": 1,
            "unstarted": 1,
            "failures": 1,
            "waits": 1,
            "missed": 1,
        },
        depth=6,
    ),
}
"""By name."""
