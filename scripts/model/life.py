"""The way of one function, by the events that tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

State = Literal["new", "delayed", "waiting", "parked", "queued", "started", "back", "failed", "ended"]
"""`back`: its reservation was given back, and it is to be placed or to wait again. `failed`: an attempt has failed, and
either a retry is delayed or it has ended."""

COMING: dict[str, tuple[State, ...]] = {
    "delayed": ("new", "failed"),
    "waiting": ("new", "delayed", "waiting", "parked", "back"),
    "parked": ("new", "delayed", "waiting", "back"),
    "reserved": ("new", "delayed", "waiting", "parked", "back"),
    "infeasible": ("waiting",),
    "failed": ("new", "delayed", "waiting", "parked", "back"),
    "canceled": ("new", "delayed", "waiting", "parked", "back", "failed"),
    "adopted": ("new", "delayed", "waiting", "parked", "back", "failed", "ended"),
    **dict.fromkeys(("replaced", "discarded"), ("failed", "ended")),
}
"""From which states events lead that say nothing of a reservation that there is."""

GIVEN_BACK: dict[State, dict[str, tuple[State, str]]] = {
    "queued": {
        **dict.fromkeys(("lost", "handed back", "gone", "moved", "undone", "recalled", "mended"), ("back", "")),
        "canceled": ("ended", "canceled"),
        "expired": ("ended", "failed"),
        "failed": ("ended", "failed"),
    },
    "started": {
        "finished": ("ended", "finished"),
        "unstarted": ("back", ""),
        **dict.fromkeys(("failed", "died", "stopped", "lost", "mended"), ("failed", "failed")),
    },
}
"""By the state of a function and the outcome with which its reservation is given back: what it is then, and, where it
may have ended, how."""

BY_ITS_AGENT = frozenset({"finished", "failed", "died", "stopped", "unstarted"})
"""Outcomes of what had started that its agent tells, which counts only in the epoch in which it started."""

RECALLED: dict[str, tuple[State, str]] = {
    "finished": ("ended", "finished"),
    "unstarted": ("back", ""),
    **dict.fromkeys(("failed", "died", "stopped", "running"), ("failed", "failed")),
}
"""What an agent tells after a roll-back."""


@dataclass(slots=True)
class Life:
    """One function."""

    state: State = "new"
    reservation: str = ""  #: while it is queued or started
    attempt: int = 0
    retries: int = 0
    outcome: str = ""  #: finished, failed or canceled, once it has ended; of one that is `failed` what it will be
    is_brought_back: bool = False  #: by rq's tools after its end: no limit of attempts is for it
    is_whole: bool = False  #: its run reserves for all its functions before any is ready
    just_given_back: bool = False  #: nothing else was said of it since
    left: set[str] = field(default_factory=set)  #: reservations of jobs of its id that rq's tools deleted

    @property
    def has_ended(self) -> bool:
        return self.state in ("ended", "failed")

    def may(self, kind: str) -> bool:
        """Whether an event of that kind may tell of it now."""
        if kind == "delayed" and self.is_whole and self.attempt == 0:
            return self.state in ("queued", "back")
        return self.state in COMING[kind]

    def go(self, state: State, outcome: str = "") -> None:
        self.state, self.outcome = state, outcome
