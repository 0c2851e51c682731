"""Exchanges with the books: results go there, functions come back. At most one is on its way.

Who has sent one goes on until its answer can be read: what ends meanwhile goes out with the next. No other call goes
beside it. A beat, `deny` and `recall` say what runs here under the number that was answered last: what an answer on its
way has started would look started for nobody. `quiet` hands back what it takes. A tick could go, and can wait for what
takes a millisecond.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from math import inf
from typing import Any

from handoff.ledger.asking import ScriptBug
from handoff.ledger.begun import Begun
from handoff.ledger.connection import SILENCE_S
from handoff_worker.agent.delivery import Outbox, Result
from handoff_worker.agent.functions import Functions
from handoff_worker.agent.ledger import Exchange, NodeLedger
from handoff_worker.agent.stumbles import Stumbles

EXCHANGE, TAKE = "an exchange with nothing in it", "a take"
"""What goes wrong by itself, as the log has it."""

_AT_ONCE_S = 0.001
"""For how long an answer is read that is over its time: nothing of it is here."""


class Exchanges:
    """Sends what the outbox has, and reads what is answered."""

    def __init__(
        self,
        ledger: NodeLedger,
        outbox: Outbox,
        functions: Functions,
        stumbles: Stumbles,
        selector: selectors.BaseSelector,
    ) -> None:
        self._ledger, self._outbox, self._functions = ledger, outbox, functions
        self._stumbles, self._selector = stumbles, selector
        self._begun: Begun | None = None  #: what is on its way
        self._watched: Any = None  #: what is readable when its answer is here
        self._is_here = False
        self._room = 0  #: how many functions it may start
        self._failed: ScriptBug | None = None  #: what the last one has failed with
        self._delivered: list[tuple[Result, str]] = []  #: what functions are to take leave of, and what was answered

    @property
    def is_under_way(self) -> bool:
        """Whether one was sent of which the answer was not read."""
        return self._begun is not None

    @property
    def until_s(self) -> float:
        """When to read its answer at the latest; infinite where none is on its way."""
        return self._begun.until_s if self._begun is not None else inf

    def is_awaited(self, now_s: float) -> bool:
        """Whether to read its answer would be to wait for it."""
        return self._watched is not None and not self._is_here and now_s < self.until_s

    def drain(self) -> None:
        """Take note that there is something to read."""
        self._is_here = True

    def begin(self, room: Callable[[], int], *, most: int, waits: bool) -> bool:
        """Send the next one, or the last one again where its answer was lost. Raises `StoreUnavailable`.

        It carries at most so many results; `room` is asked when it is known which; `waits`: into what is left of it one
        may be handed over with a hint, until the next one. -> whether there is any
        """
        op, results = self._outbox.exchange(most)
        self._room = room()
        self._begun = self._ledger.begin_exchange(op, self._room, results, waits=waits)
        self._watched, self._is_here = self._begun.socket, False
        if self._watched is not None:
            self._selector.register(self._watched, selectors.EVENT_READ, self)
        return self._room > 0

    def end(self, now_s: float) -> tuple[Exchange, bool] | None:
        """Read the answer. -> it, and whether there may be more to take; None where its script has failed

        Raises what `NodeLedger.exchange` raises.
        """
        assert self._begun is not None
        is_here, left_s = self._is_here or self._watched is None, self.until_s - now_s
        begun = self._leave()
        try:
            answer = self._ledger.answered(begun.answer(SILENCE_S if is_here else max(_AT_ONCE_S, left_s)))
        except ScriptBug as error:
            self._failed = error
            if not self._outbox.narrow():
                self._stumbles.note(EXCHANGE, error)
            return None
        self._stumbles.passed(EXCHANGE)
        delivered, misfit = self._outbox.note_answer(len(answer.outcomes))
        self._delivered += zip(delivered, answer.outcomes, strict=True)
        self._learn(misfit)
        # Whatever came in while all slots were taken is looked for when one is free.
        return answer, answer.count >= self._room

    @property
    def unsettled(self) -> int:
        """How many functions were delivered of which no leave was taken."""
        return len(self._delivered)

    def settle(self) -> None:
        """Take leave of what was delivered: apart from `end`, for Redis can have the next results before that."""
        delivered, self._delivered = self._delivered, []
        for result, outcome in delivered:
            self._functions.settle(result, outcome)

    def forget(self) -> None:
        """Forget what has failed: the results of it are dropped."""
        self._failed = None

    def close(self) -> None:
        """Do without the answer of what is on its way."""
        if self._begun is not None:
            self._leave().give_up()

    def _leave(self) -> Begun:
        assert self._begun is not None
        if self._watched is not None:
            self._selector.unregister(self._watched)
        begun, self._begun, self._watched = self._begun, None, None
        return begun

    def _learn(self, misfit: Result | None) -> None:
        """Say what it was that an exchange has failed of: a result, or else what it was to take."""
        if misfit is not None and self._failed is not None:
            self._functions.replace(misfit, self._failed)
            self._failed = None
        elif self._failed is not None and not self._outbox.is_careful:
            self._stumbles.note(TAKE, self._failed)
            self._failed = None
        elif self._room:
            self._stumbles.passed(TAKE)
