"""What was handed to this node with a hint: begun when it is heard of, unless an exchange has told of it.

A script that places a function on a node whose agent waits for one starts it under the number of the agent's next
exchange, and sends it with the hint. That exchange tells of it too, so a hint may be lost; what runs already does not
begin once more.
"""

from __future__ import annotations

from handoff.ledger.texts.handed import Handed
from handoff_worker.agent.delivery import Outbox
from handoff_worker.agent.functions import Functions
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.started import Started


class HandedOver:
    """Takes on what is handed over."""

    def __init__(self, ledger: NodeLedger, functions: Functions, outbox: Outbox) -> None:
        self._ledger, self._functions, self._outbox = ledger, functions, outbox
        #: Something may have been handed over since the last exchange. Who ends while Redis is away is not kept by it.
        self.may_be = False

    def begin(self, handed: Handed) -> None:
        """Run a function that was started for this process, of which no exchange can have told before."""
        if self._ledger.is_for_us(handed) and handed.op > self._outbox.answered:
            self._functions.start(Started.read(handed.id, [handed.job]))
