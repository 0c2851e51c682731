"""Functions of which something is large: it is fetched before they begin, or sent ahead of their results."""

from __future__ import annotations

import logging

from handoff_worker.agent.bulk import Bulk
from handoff_worker.agent.delivery import Outbox, Result, unstorable
from handoff_worker.agent.functions import Functions
from handoff_worker.agent.started import Started

logger = logging.getLogger(__name__)


class Large:
    """Says what `Bulk` is to carry, and what is done with it when it has arrived."""

    def __init__(self, bulk: Bulk, functions: Functions, outbox: Outbox) -> None:
        self._bulk, self._functions, self._outbox = bulk, functions, outbox

    def send_ahead(self) -> None:
        """Have large values sent in pieces; their results follow when these have arrived."""
        for result in self._outbox.take_large():
            self._send_ahead(result)

    def start(self, started: Started) -> None:
        """Run a function, when all of it is here."""
        self._functions.start(started)
        if started.left_out:
            self._bulk.complete(
                started,
                lambda: self._functions.is_incomplete(started.id),
                self._functions.complete,
                lambda error: self._functions.give_up(started.id, error),
            )

    def call_back_lost(self, started: Started) -> None:
        """Run the failure callback of a function that was lost with a node, when all of it is here."""
        if started.left_out:
            self._bulk.complete(
                started,
                lambda: True,
                self.call_back_lost,
                lambda error: logger.warning("on_failure of %s cannot be called: %s", started.job_id, error),
            )
        else:
            self._functions.call_back_lost(started)

    def _send_ahead(self, result: Result) -> None:
        self._bulk.deliver(
            result,
            lambda: self._outbox.is_ahead(result.id),
            lambda parcel: self._outbox.arrived(result.id, parcel),
            lambda error: self._outbox.add(unstorable(result.id, error)),
        )
