"""Reservations: the id `<job>:<number of the placement>`, and the record of what is taken.

A record is `<epoch>|<since, ms>|<cost>|<devices>|<cost of what is shared>`. The id is also the name under which RQ
knows the execution. Claims have ids of another form, with a sign that no job id has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.devices import read_amounts
from handoff.words.resources import Units, device_of

EXTERNAL = "external"
"""The id of what other programs use of a node's host: neither a function's, nor a claim's."""

_OF_JOB = re.compile(r"([A-Za-z0-9_-]+):(\d+)")


@dataclass(frozen=True, slots=True)
class Held:
    """What a reservation has taken."""

    epoch: str
    since_ms: int
    cost: Units  #: of the node's own
    devices: dict[tuple[str, int], int]  #: resource and index -> units; `gpu_memory` has memory of a gpu
    shared: Units  #: of what all nodes share

    @property
    def whole(self) -> Units:
        """All of it."""
        return {**self.cost, **self.shared}

    def indices(self) -> dict[str, list[int]]:
        """Which devices: resource -> indices, ascending."""
        found: dict[str, list[int]] = {}
        for name, index in sorted(self.devices):
            found.setdefault(device_of(name) or name, []).append(index)
        return found


def read_record(text: str) -> Held:
    """Read a record. Raises ValueError for what is none."""
    epoch, since_ms, cost, devices, shared_cost = text.split("|")
    return Held(epoch, int(since_ms), read_cost(cost), read_amounts(devices), read_cost(shared_cost))


def reservation_of(job_id: str, placement: int | str) -> str:
    """The id of the reservation of a placement."""
    return f"{job_id}:{placement}"


def parts_of(id: str) -> tuple[str, str] | None:
    """The job, and the number of the placement, of a reservation; None of a claim, and of what others use."""
    match = _OF_JOB.fullmatch(id)
    return (match[1], match[2]) if match else None


def claim_id(token: str) -> str:
    """The id of a claim."""
    return f"~{token}"


def callback_id(id: str) -> str:
    """What the on_failure of an attempt goes by, which has a child of its own and reserves nothing."""
    return f"{id}:on_failure"


def job_of(id: str) -> str:
    """The id of the job whose attempt, or whose on_failure, this is."""
    return id.partition(":")[0]
