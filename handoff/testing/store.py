"""Stores of unit tests: whoever waits has functions run here, or is told that no agent will run what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from handoff.ledger.nodes import read_nodes
from handoff.ledger.server_faults import tell_once
from handoff.ledger.store import Store
from handoff.testing.waits import nothing_runs, streams_of
from handoff.words.resources import SLOTS

BLOCK = "BLOCK"

WAITED_MS = 60_000
"""On agents what is due by then is waited for."""

HERE = "Let time pass with advance(), add a node, or cancel it"

ON_AGENTS = f"Nor is anything due within {WAITED_MS // 1000} s: ask for what a node has, or cancel it"


class StoreHere(Store):
    """One namespace on one Redis, for the one process in which all of it happens; time passes when somebody says so."""

    blocks = False

    def __init__(self, client: redis.Redis, namespace: str, now_ms: int) -> None:
        super().__init__(client, namespace, now_ms=now_ms)
        self.run_next: Callable[[], object] = lambda: None  #: -> None where nothing can run
        #: Waits that have found, since something ran, that nothing can. All copies share it: who watches makes many.
        self._vain: set[tuple[Any, ...]] = set()

    def rest(self, seconds: float) -> None:
        """Here is no server that others wait for."""

    def read(self, command: str, *arguments: Any) -> Any:
        """As ever; but a read that waits has functions run, until there is what it waits for.

        Where nothing can run the first finds nothing, so that who waits looks whether there is an end already, and the
        next raises `NothingRuns`.
        """
        if BLOCK not in arguments:
            return super().read(command, *arguments)
        at = arguments.index(BLOCK)
        at_once = arguments[:at] + arguments[at + 2 :]
        while not (found := super().read(command, *at_once)):
            if self.run_next() is not None:
                self._vain.clear()
            elif at_once not in self._vain:
                self._vain.add(at_once)
                return found
            else:
                raise nothing_runs(self, streams_of(at_once), HERE)
        return found


class StoreOfAgents(Store):
    """One namespace on a server whose agents nobody else uses: who waits for what cannot come there is told so."""

    def __init__(self, client: redis.Redis, namespace: str, timeout_s: float) -> None:
        super().__init__(client, namespace, when_reached=tell_once, timeout_s=timeout_s)
        self._vain: set[tuple[Any, ...]] = set()  #: as of `StoreHere`

    def read(self, command: str, *arguments: Any) -> Any:
        """As ever; but raises `NothingRuns` where it has waited, then looked for an end, and nothing runs."""
        found = super().read(command, *arguments)
        if found or BLOCK not in arguments or self.keys("events") in arguments:
            return found
        return self.or_nothing_runs(arguments)

    def or_nothing_runs(self, command: tuple[Any, ...]) -> None:
        """After a read that has waited and found nothing: raise `NothingRuns` where it was idle the last time too."""
        waited = command[command.index("STREAMS") :]
        if not self._is_idle():
            self._vain.clear()
        elif waited in self._vain:
            raise nothing_runs(self, streams_of(command), ON_AGENTS)
        else:
            self._vain.add(waited)

    def _is_idle(self) -> bool:
        """Whether nothing runs, is about to, or becomes due soon."""
        if any(node.used.get(SLOTS) for node in read_nodes(self)):
            # What is queued or runs has a slot, and claims have none.
            return False
        seconds, microseconds = self.read("TIME")
        until_ms = int(seconds) * 1000 + int(microseconds) // 1000 + WAITED_MS
        left_over = [("EXISTS", self.keys(name)) for name in ("dirty", "leftovers", "callbacks")]
        due = [("ZCOUNT", self.keys(name), "-inf", until_ms) for name in ("timers", "delayed")]
        return not any(self.read_each([*left_over, *due]))
