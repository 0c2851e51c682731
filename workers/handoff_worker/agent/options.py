"""How an agent is to behave. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.ledger.learned import LEARN_TTL_S
from handoff_worker.inside.telling import LOG_BYTES
from handoff_worker.machine.offer import Offer


@dataclass(frozen=True, slots=True)
class Options:
    """How an agent behaves."""

    offer: Offer
    lease_s: float = 15.0
    grace_s: float = 30.0  #: how long `stop` lets functions finish, infinite = as long as they take
    functions_per_child: int = 1_000  #: after so many a child is replaced
    log_bytes: int = LOG_BYTES  #: of what an attempt prints so much is kept, 0 = nothing
    enforces: bool = False  #: functions are kept to the memory that they have declared
    enforces_cpu: bool = False  #: and to the processors
    learn_ttl_s: int = LEARN_TTL_S  #: how long what functions have used is kept, 0 = nothing is learned
    watches_external: bool = False  #: what other programs use of this host is reserved
    burst: bool = False  #: end when nothing runs, and nothing waits that this node could run
