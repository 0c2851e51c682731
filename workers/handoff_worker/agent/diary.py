"""What the log tells of functions: when each is begun here, how it has ended, and how long it took.

What one answer brings about is told together: see `log.Entries`.
"""

from __future__ import annotations

import logging
import time
from typing import Any, NamedTuple

from handoff.shown import one_line
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.started import Started
from handoff_worker.children.outcome import NotStarted, Outcome
from handoff_worker.log import Entries

logger = logging.getLogger(__name__)

LONGEST_SAID = 200
"""Characters of what a function has failed with, in the log."""


class _Begun(NamedTuple):
    """What is told of one attempt each time, put together once."""

    id: str
    function: str
    node: str
    attempt: int
    begun_s: float | None  #: None: it was not begun while anybody reads the log

    @property
    def who(self) -> str:
        return f"{self.id} ({self.function}) on {self.node}" if self.function else f"{self.id} on {self.node}"


class Entry(NamedTuple):
    """What is told at one moment of one attempt."""

    text: str
    event: str
    of: _Begun
    seconds: float | None = None
    error: str = ""
    reason: str = ""

    def facts(self) -> dict[str, Any]:
        """What a program reads beside the text."""
        facts = {"event": self.event, **self.of._asdict(), "seconds": self.seconds, "error": self.error}
        facts |= {"reason": self.reason}
        del facts["begun_s"]
        return {name: value for name, value in facts.items() if value not in (None, "")}


class Diary:
    """Tells of the functions of one node."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._begun: dict[str, _Begun] = {}
        self._took_s: dict[str, float] = {}
        self._entries: list[Entry] = []

    def begin(self, started: Started) -> None:
        """Note that it is begun now."""
        if logger.isEnabledFor(logging.INFO):
            self._begun[started.id] = begun = self._told(started, time.monotonic())
            again = f" in attempt {begun.attempt}" if begun.attempt > 1 else ""
            self._entries.append(Entry(f"started {begun.who}{again}", "started", begun))

    def end(self, outcome: Outcome) -> None:
        """Note how long it took: as its child says, or else from when it was begun until now."""
        if (begun := self._begun.get(outcome.id)) is not None and begun.begun_s is not None:
            took_s = None if isinstance(outcome, NotStarted) else outcome.took_s
            self._took_s[outcome.id] = time.monotonic() - begun.begun_s if took_s is None else took_s

    def settle(self, started: Started, result: Result, answer: str) -> None:
        """Tell what has become of it, by what the books have answered."""
        seconds = self._took_s.pop(started.id, None)
        begun = self._begun.pop(started.id, None)
        if not logger.isEnabledFor(logging.INFO):
            return
        of = begun or self._told(started, None)
        after = "" if seconds is None else f" after {seconds:.3f} s"
        said = one_line(result.message[:LONGEST_SAID]) if result.message else ""
        match answer:
            case "stored":
                text = f"finished {of.who}{after.replace('after', 'in')}"
                self._entries.append(Entry(text, "finished", of, seconds))
            case "failed" | "failed+callback" | "retrying":
                event, again = ("retrying", " and is tried again") if answer == "retrying" else ("failed", "")
                text = f"failed {of.who}{after} in attempt {of.attempt}{again}: {result.error}: {said}"
                self._entries.append(Entry(text, event, of, seconds, result.error, said))
            case _:
                text = f"{answer} {of.who}{after}" + (f": {said}" if said else "")
                self._entries.append(Entry(text, answer, of, seconds, reason=said))

    def disown(self, why: str) -> None:
        """Tell which are stopped, for they are not ours any more, and forget them."""
        now_s = time.monotonic()
        for id, begun in self._begun.items():
            if id not in self._took_s and begun.begun_s is not None:
                took_s = now_s - begun.begun_s
                text = f"stopped {begun.who} after {took_s:.3f} s: {why}"
                self._entries.append(Entry(text, "stopped", begun, took_s, reason=why))
        self.write()
        self._begun.clear()
        self._took_s.clear()

    def write(self) -> None:
        """Write what there is to tell."""
        if self._entries:
            entries, self._entries = self._entries, []
            logger.info(Entries(entries))

    def _told(self, started: Started, begun_s: float | None) -> _Begun:
        return _Begun(started.job_id, started.title, self._node, started.attempt, begun_s)
