"""A store whose waits run what is waited for, in this process, and whose time passes when somebody says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from handoff.ledger.store import Store

BLOCK = "BLOCK"


class NothingRuns(TimeoutError):
    """What is waited for does not come: nothing that is here can run now."""


class StoreHere(Store):
    """One namespace on one Redis, for the one process in which all of it happens."""

    blocks = False

    def __init__(self, client: redis.Redis, namespace: str, now_ms: int) -> None:
        super().__init__(client, namespace, now_ms=now_ms)
        self.run_next: Callable[[], object] = lambda: None  #: -> None where nothing can run
        self._has_looked = False  #: whoever waits, with a copy of this, since it was told that nothing runs

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
                self._has_looked = False
            elif not self._has_looked:
                self._has_looked = True
                return found
            else:
                raise NothingRuns(
                    "what is waited for has not come, and nothing can run now: let time pass with advance(), add a "
                    "node, or ask handle.explain() why it waits"
                )
        return found
