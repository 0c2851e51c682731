"""Tells a Redis that was rolled back what has ended on this node, as far as its scripts take it."""

from __future__ import annotations

from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.memory import Ended
from handoff_worker.agent.stumbles import Stumbles

RECALL = "a word of what has ended"


def tell_ended(ledger: NodeLedger, stumbles: Stumbles, part: list[Ended], op: int) -> int:
    """Tell it all at once; where its script fails, one by one, and at last the number alone: exchanges go on.

    -> of how many it was news
    """
    count = 0
    with stumbles.over(RECALL):
        return ledger.recall(part, op)
    if len(part) > 1:
        count = sum(tell_ended(ledger, stumbles, [ended], 0) for ended in part)
    if op and part:
        count += tell_ended(ledger, stumbles, [], op)
    return count
