"""How a run behaves, and the rules for that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from handoff.errors import InvalidFunction, shown
from handoff.ledger.jobs import AS_RQ, Keeping
from handoff.ledger.rqmodel import DEFAULT_RESULT_TTL
from handoff.words.function import ON_MEMORY_EXCEEDED, ON_NODE_LOSS, Function, OnMemoryExceeded, OnNodeLoss
from handoff.words.values import LARGEST_COUNT, TTLS, WAITS, check_flag, is_count, is_one_of, is_ttl, is_wait

# It would wait for what functions hold that depend on it.
_GROWS_IN_WHOLE = (
    'on_memory_exceeded is "grow", and with reserve="whole" a function has no more than was reserved for it'
)
_GIVE_ONE = "give one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run behaves."""

    max_retries: int = 3  #: of functions that name none
    on_node_loss: OnNodeLoss = "retry"  #: the same
    on_memory_exceeded: OnMemoryExceeded = "fail"  #: the same
    max_concurrency: int | None = None  #: functions on nodes at once
    timeout: float | None = None  #: seconds from its start to its end
    fail_fast: bool = True  #: the first failure stops the run
    reserve: Literal["ready", "whole"] = "ready"  #: each when it is ready, or all of them before any starts
    attached: bool = False  #: canceled when its client goes away
    result_ttl: int = DEFAULT_RESULT_TTL  #: seconds that all of it is kept after a success; -1 = for ever
    failure_ttl: int | None = None  #: the same after any other end; None: as rq keeps failures, a year

    @property
    def keeping(self) -> Keeping:
        """For how long all of it is kept."""
        failure_ttl = AS_RQ.failure_ttl if self.failure_ttl is None else self.failure_ttl
        return Keeping(result_ttl=self.result_ttl, failure_ttl=failure_ttl)

    def check(self) -> None:
        """Raise `ValueError` for the first option that breaks its rule."""
        if not is_count(self.max_retries, 0):
            raise ValueError(f"max_retries is {shown(self.max_retries)}: give an int from 0 to {LARGEST_COUNT}")
        for name, known in (("on_node_loss", ON_NODE_LOSS), ("on_memory_exceeded", ON_MEMORY_EXCEEDED)):
            if not is_one_of(value := getattr(self, name), known):
                raise ValueError(f"{name} is {shown(value)}: choose one of {', '.join(known)}")
        if self.max_concurrency is not None and not is_count(self.max_concurrency, 1):
            rule = f"give an int from 1 to {LARGEST_COUNT}, or None"
            raise ValueError(f"max_concurrency is {shown(self.max_concurrency)}: {rule}")
        if self.timeout is not None and not is_wait(self.timeout):
            raise ValueError(f"timeout is {shown(self.timeout)}: give {WAITS}, or None for no limit")
        if not is_one_of(self.reserve, ("ready", "whole")):
            raise ValueError(f'reserve is {shown(self.reserve)}: choose "ready" or "whole"')
        if self.reserve == "whole" and self.max_concurrency is not None:
            raise ValueError(
                'max_concurrency is given, and reserve="whole" reserves for all functions at once: give one of them'
            )
        if self.reserve == "whole" and self.on_memory_exceeded == "grow":
            raise ValueError(f"{_GROWS_IN_WHOLE}: {_GIVE_ONE}")
        check_flag("fail_fast", self.fail_fast)
        check_flag("attached", self.attached)
        for name in ("result_ttl", "failure_ttl"):
            value = getattr(self, name)
            if not (name == "failure_ttl" and value is None) and not is_ttl(value):
                raise ValueError(f"{name} is {shown(value)}: give {TTLS}")

    def check_functions(self, functions: Iterable[Function]) -> None:
        """Raise `InvalidFunction` for the first that asks for what such a run does not have."""
        for each in functions if self.reserve == "whole" else ():
            if each.on_memory_exceeded == "grow":
                raise InvalidFunction(each.id, f"its {_GROWS_IN_WHOLE}", _GIVE_ONE)
