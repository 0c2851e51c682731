"""The error of a function that used more memory than it had declared, and what is said of it."""

from __future__ import annotations

from handoff.errors import HandoffError, shown
from handoff.ledger.stored_job import MOST_UNITS
from handoff.ledger.texts.number_list import read_numbers
from handoff.words.resources import amount

MEMORY, GPU_MEMORY = "memory", "gpu_memory"

EXCEEDED = "handoff.MemoryExceeded"
"""The name by which a job's hash has that error."""


class MemoryExceeded(HandoffError):
    """The function was stopped, for it used more memory than it had declared, and its node enforces that.

    All are MB: what it had declared and has used, and `wanted`, with which it was to be tried once more, where no node
    could hold that. `resource` is memory, or gpu_memory.
    """

    def __init__(
        self,
        declared: float,
        used: float,
        function_id: str = "",
        wanted: float | None = None,
        resource: str = MEMORY,
    ) -> None:
        super().__init__(declared, used, function_id, wanted, resource)
        self.declared, self.used, self.function_id, self.wanted = declared, used, function_id, wanted
        self.resource = resource

    def __str__(self) -> str:
        who = f"function {shown(self.function_id)}" if self.function_id else "a function"
        return f"{who} was stopped, for {self.reason}: declare more than it used until then"

    @property
    def reason(self) -> str:
        """How much it was, and that no node has as much as it was to be tried with."""
        told = f"it used {self.used} MB of {self.resource} and had declared {self.declared}"
        if self.wanted is None:
            return told
        grown = f"{self.resource} {self.wanted}, with which to try it once more"
        return f"{told}, and no live node on which it may run could hold {grown}"


def read_exceeded(message: str, function_id: str = "") -> MemoryExceeded | None:
    """Read it; None where it is no such message: somebody wrote over it."""
    try:
        units = read_numbers(message)
    except ValueError:
        return None
    if len(units) not in (2, 3, 4) or not all(0 <= each <= MOST_UNITS for each in units):
        return None
    wanted = amount(units[2]) if len(units) > 2 and units[2] else None
    resource = GPU_MEMORY if len(units) == 4 else MEMORY
    return MemoryExceeded(amount(units[0]), amount(units[1]), function_id, wanted, resource)
