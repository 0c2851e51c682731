"""The agent's subscription to commands: there while Redis is, and looked after, for it may die silently."""

from __future__ import annotations

import logging
import selectors
from collections.abc import Callable, Mapping
from typing import Any

from handoff.errors import StoreUnavailable
from handoff.ledger.texts.handed import Handed
from handoff_worker.agent.hints import Hints

logger = logging.getLogger(__name__)

LISTEN_S = 3.0
"""How long a subscription that has died silently may go unnoticed, and as much again."""


class Commands:
    """Reads commands when `selector` says that there are some, and gives each to `obey`."""

    def __init__(
        self, hints: Hints, selector: selectors.BaseSelector, obey: Callable[[Mapping[str, Any] | Handed], None]
    ) -> None:
        self._hints, self._selector, self._obey = hints, selector, obey
        self._listen_at_s = 0.0

    def subscribe(self) -> bool:
        """Subscribe, where that is not so. -> whether commands may have been missed; raises `StoreUnavailable`"""
        if self._hints.connected:
            return False
        self._hints.connect()
        self._selector.register(self._hints, selectors.EVENT_READ, self)
        self._listen_at_s = 0.0
        return True

    def listen(self, now_s: float) -> None:
        """Leave a subscription on which nothing arrives any more, or which leads elsewhere."""
        if now_s < self._listen_at_s and self._hints.leads_to_all_others:
            return
        self._listen_at_s = now_s + LISTEN_S
        if not self._hints.listens():
            logger.info("commands do not arrive any more: subscribing anew")
            self.drop()

    def drain(self) -> None:
        """Read what has arrived."""
        try:
            commands = self._hints.read()
        except StoreUnavailable as error:
            self._selector.unregister(self._hints)
            logger.info("%s; hints will be missed until it is back", error)
            return
        for command in commands:
            self._obey(command)

    def drop(self) -> None:
        """Leave it; `subscribe` begins anew."""
        if self._hints.connected:
            self._selector.unregister(self._hints)
            self._hints.close()
