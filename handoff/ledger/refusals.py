"""What a server says that is there and refuses: whether it would refuse anybody, and whether that may pass."""

from __future__ import annotations

import redis

from handoff.ledger.sentinels import UnknownService
from handoff.ledger.unavailable import is_forbidden

_REFUSALS = (
    redis.exceptions.ExecAbortError, redis.exceptions.MasterDownError, redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
)  # fmt: skip

_STEPPED_DOWN = (redis.exceptions.MasterDownError, redis.exceptions.ReadOnlyError)

_STEPPING_DOWN = "UNBLOCKED"
"""What whoever waits on a master is told when it becomes a replica."""

_REFUSING = ("BUSY", "DB index", "DENIED", "MISCONF", "NOREPLICAS", "TRYAGAIN", _STEPPING_DOWN)
"""How refusals begin for which redis-py has no class."""


def cause_may_pass(cause: BaseException | None) -> bool:
    """Whether it may pass by itself."""
    if isinstance(cause, redis.AuthenticationError | UnknownService) or is_forbidden(cause):
        return False
    return not str(cause).startswith("DB index")


def is_refusal(error: redis.ResponseError) -> bool:
    """Whether the server would refuse any caller now, whatever the script: it is full, read-only, guarded."""
    return isinstance(error, _REFUSALS) or str(error).startswith(_REFUSING) or is_forbidden(error)


def has_stepped_down(error: redis.RedisError) -> bool:
    """Whether it is, or becomes, a replica: its address may lead to another server by now."""
    return isinstance(error, _STEPPED_DOWN) or str(error).startswith(_STEPPING_DOWN)
