"""What a user hands over: one function with its arguments, its cost, and where it may run. A value without rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from handoff.errors import shown
from handoff.words.argument import Argument
from handoff.words.code import Code
from handoff.words.constraints import Where
from handoff.words.retrying import RetryAfter, RetryOn
from handoff.words.values import is_one_of
from handoff.words.variants import Cost

Strategy = Literal["first_available", "load_balanced"]
"""Which of the nodes that fit is taken: the first in order, or the one with the largest share to spare."""

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

Isolation = Literal["warm", "fresh"]
"""Which process it runs in: one that others have used, with what they imported; or one of its own."""

ISOLATIONS: tuple[Isolation, ...] = get_args(Isolation)

OnNodeLoss = Literal["retry", "fail"]
"""What becomes of an attempt that is lost with its node: it costs one of its retries, or was the last."""

ON_NODE_LOSS: tuple[OnNodeLoss, ...] = get_args(OnNodeLoss)

OnMemoryExceeded = Literal["fail", "grow"]
"""What becomes of a function that was stopped, for it used more memory than it had declared: it has failed, or is tried
once more with more."""

ON_MEMORY_EXCEEDED: tuple[OnMemoryExceeded, ...] = get_args(OnMemoryExceeded)

_SEQUENCES = ("args", "extra_args", "cost", "retry_on", "dont_retry_on", "retry_after")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Collocated:
    """A place: wherever the function with this id is put."""

    id: str


@dataclass(frozen=True, slots=True)
class Function:
    """One unit of work: importable code, arguments, a cost in resources, and where it may run.

    A plain value: it is compared by its fields, and nothing is checked before it is submitted.
    """

    id: str
    code: Code  #: an importable callable, or "package.module:qualname"
    _: KW_ONLY
    args: Sequence[str | Argument] = ()  #: ids of the functions whose results come first
    extra_args: Sequence[Any] = field(default=(), hash=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    cost: Cost | None = field(default=None, hash=False)  #: several: the first that fits is taken
    node: str | Collocated | None = None  #: a name pins it
    type: Literal["regular", "inline"] = "regular"
    argument_inclusion: Literal["variadic", "as_list"] = "variadic"
    max_retries: int | None = None
    timeout: float | None = None  #: seconds of one attempt
    priority: int = 0  #: larger first
    duration: float | None = None  #: expected seconds. None: what was learned of it
    strategy: Strategy | None = None  #: None: the cluster's
    where: Where | None = field(default=None, hash=False)  #: labels that its node must have
    on_infeasible: Literal["wait", "raise"] | float = "wait"  #: seconds: fails if nothing fits it for so long
    delay: float | timedelta | None = None  #: seconds from the submission until it is ready
    at: datetime | None = None  #: when it is ready; without a zone, in local time
    wait_ttl: float | None = None  #: seconds from being ready in which it must have started
    isolation: Isolation = "warm"  #: "fresh": a new process, which ends with it
    unique: str | None = None  #: a key: while one of it has not ended, no other is submitted
    unique_ttl: float | None = None  #: seconds for which that holds on when it has finished
    on_node_loss: OnNodeLoss | None = (
        None  #: "fail": not tried again then, whatever is left. None: its graph's, or "retry"
    )
    on_memory_exceeded: OnMemoryExceeded | None = (
        None  #: "grow": where a node enforces it, tried once more with more. None: its graph's, or "fail"
    )
    retry_on: RetryOn | None = None  #: what it may raise and is tried again. None: anything
    dont_retry_on: RetryOn | None = None  #: what it may not, whatever `retry_on` says
    retry_after: RetryAfter | None = None  #: seconds until it is tried again. None: 1, 2, 4, ... 60, +-20 %

    def __post_init__(self) -> None:
        # So that a list equals the tuple of the same values, and the value can be hashed.
        for name in _SEQUENCES:
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))


def check_strategy(strategy: Strategy) -> Strategy:
    """Return the strategy of a cluster if there is such a one, else raise `ValueError`."""
    if not is_one_of(strategy, STRATEGIES):
        raise ValueError(f"strategy is {shown(strategy)}: choose one of {', '.join(STRATEGIES)}")
    return strategy


def delay_ms(function: Function) -> int:
    """The ms from its submission until it is ready; 0 = no delay."""
    delay = function.delay or 0
    return round(1000 * (delay.total_seconds() if isinstance(delay, timedelta) else delay))


def due_ms(function: Function) -> int:
    """The unix time in ms at which it is ready by its `at`, rounded up; 0 = it has none."""
    if function.at is None:
        return 0
    return max(1, -((_EPOCH - function.at.astimezone(UTC)) // timedelta(milliseconds=1)))
