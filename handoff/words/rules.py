"""The rules for the fields of a function, each with the sentence of the `InvalidFunction` that it raises.

Cost, constraints, code and arguments have theirs where they are read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from handoff.errors import InvalidFunction, named, shown
from handoff.words.argument import Argument
from handoff.words.function import (
    ISOLATIONS,
    ON_MEMORY_EXCEEDED,
    ON_NODE_LOSS,
    STRATEGIES,
    Collocated,
    Function,
    due_ms,
)
from handoff.words.retrying import AFTER_RULE, exception_names, is_after
from handoff.words.values import (
    LARGEST_COUNT,
    LONGEST_WAIT_S,
    WAITS,
    is_count,
    is_one_of,
    is_real,
    is_unicode,
    is_wait,
)

HIGHEST_PRIORITY = 1000
"""Priorities run from minus this to this."""

LONGEST_TIMEOUT_S = 2**31 - 1
"""What alarm(2) takes."""

LONGEST_ID = 1024
"""Characters of the id of a function."""

LATEST_MS = 253_370_764_800_000
"""The year 9999 begins; the last one that a datetime can be of in every time zone is the one before."""

_OF_RETRIES = ("retry_on", "dont_retry_on", "retry_after")

_OF_SCHEDULED = (
    "node", "where", "strategy", "delay", "at", "wait_ttl", "timeout", "max_retries", "on_node_loss",
    "on_memory_exceeded", *_OF_RETRIES,
)  # fmt: skip
"""What an inline function must not have, beside a cost."""

_USUAL = {"on_infeasible": "wait", "isolation": "warm"}
"""The same, of what has another default than None."""


def check_fields(function: Function) -> None:
    """Raise for what holds of every function."""
    check_arguments(function)
    _check_options(function)
    _check_waiting(function)
    _check_unique(function)
    _check_retrying(function)


def check_outside_a_dag(function: Function) -> None:
    """Raise for what means something only among others."""
    if function.args:
        raise InvalidFunction(
            function.id,
            "args names functions, and outside a DAG there are none",
            "pass constants as extra_args, or add it to a DAG",
        )
    if function.type == "inline":
        raise InvalidFunction(
            function.id, "an inline function runs inside those that need it", 'make it "regular", or add it to a DAG'
        )
    if isinstance(function.node, Collocated):
        raise InvalidFunction(
            function.id,
            f"it is to run where {shown(function.node.id)} runs, which is known only inside a DAG",
            "pin it to a node by name, or add both to a DAG",
        )


def check_retried(function: Function) -> None:
    """Raise for what is said of retries where there are none: outside a DAG there are as many as it names."""
    if not function.max_retries and (said := [name for name in _OF_RETRIES if getattr(function, name) is not None]):
        raise InvalidFunction(
            function.id, f"its {' and '.join(said)} say how it is tried again, and it is not", "give it max_retries"
        )


def check_in_a_dag(function: Function) -> None:
    """Raise for what means something only outside of one."""
    if function.unique is not None:
        raise InvalidFunction(
            function.id,
            "it has a unique key, and functions of a DAG come and go with it",
            "leave it out: of one DAG no second run starts before the first has ended",
        )


def check_collocated(function: Function) -> None:
    """Raise for a place beside what is no function's id."""
    if isinstance(function.node, Collocated) and not isinstance(function.node.id, str):
        raise InvalidFunction(
            function.id, f"it is collocated with {shown(function.node.id)}", "give Collocated the id of a function"
        )


def check_inline(function: Function, *, has_cost: bool) -> None:
    """Raise for what an inline function asks for: it reserves nothing and is never scheduled."""
    asked = [name for name in _OF_SCHEDULED if getattr(function, name) is not None]
    asked += [name for name, usual in _USUAL.items() if not is_one_of(getattr(function, name), (usual,))]
    if has_cost:
        asked.append("cost")
    if asked:
        raise InvalidFunction(
            function.id,
            f"it is inline, which runs inside those that need it, and has {', '.join(asked)}",
            'give that to those that need it, or make this one "regular"',
        )


def check_constants(function: Function) -> None:
    """Raise for an `Argument` where constants stand."""
    for name, values in (("extra_args", function.extra_args), ("kwargs", function.kwargs.values())):
        if misplaced := next((value for value in values if isinstance(value, Argument)), None):
            raise InvalidFunction(
                function.id,
                f"its {name} hold Argument({shown(misplaced.id)})",
                "results come first, by args: name it there",
            )


def check_arguments(function: Function) -> None:
    """Raise for what each function says for itself: its id and arguments."""
    if not isinstance(function.id, str) or not function.id:
        raise InvalidFunction(named(function.id), "its id is not a text with at least one character", "give it a name")
    if len(function.id) > LONGEST_ID:
        raise InvalidFunction(
            function.id, f"its id has {len(function.id)} characters", f"give it one of at most {LONGEST_ID}"
        )
    if not is_unicode(function.id):
        raise InvalidFunction(function.id, "its id holds half of a character", "give it a name that UTF-8 can carry")
    for name in ("args", "extra_args"):
        if not isinstance(getattr(function, name), tuple):
            raise InvalidFunction(function.id, f"{name} is neither a list nor a tuple", f"write {name}=(value,)")
    # A dict is told from a Mapping in a tenth of the time.
    if not isinstance(function.kwargs, (dict, Mapping)) or not all(isinstance(key, str) for key in function.kwargs):
        raise InvalidFunction(function.id, "kwargs is not a mapping with str keys", "write kwargs={'name': value}")


def _check_options(function: Function) -> None:
    if not is_one_of(function.type, ("regular", "inline")):
        raise InvalidFunction(function.id, f"its type is {shown(function.type)}", 'choose "regular" or "inline"')
    if not is_one_of(function.argument_inclusion, ("variadic", "as_list")):
        raise InvalidFunction(
            function.id,
            f"its argument_inclusion is {shown(function.argument_inclusion)}",
            'choose "variadic" or "as_list"',
        )
    if function.max_retries is not None and not is_count(function.max_retries, 0):
        raise InvalidFunction(
            function.id,
            f"its max_retries is {shown(function.max_retries)}",
            f"give an int from 0 to {LARGEST_COUNT}, or None",
        )
    if function.timeout is not None and not (is_real(function.timeout) and 0 < function.timeout <= LONGEST_TIMEOUT_S):
        raise InvalidFunction(
            function.id,
            f"its timeout is {shown(function.timeout)}",
            f"give seconds above 0 and at most {LONGEST_TIMEOUT_S}, or None for no limit",
        )
    if not is_count(function.priority, -HIGHEST_PRIORITY, HIGHEST_PRIORITY):
        raise InvalidFunction(
            function.id,
            f"its priority is {shown(function.priority)}",
            f"give an int from -{HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}",
        )
    if function.duration is not None and not (is_real(function.duration) and 0 <= function.duration < math.inf):
        raise InvalidFunction(
            function.id, f"its duration is {shown(function.duration)}", "give the expected seconds, or None"
        )


def _check_retrying(function: Function) -> None:
    for name in ("retry_on", "dont_retry_on"):
        given = getattr(function, name)
        if given is not None:
            try:
                exception_names(given)
            except ValueError as rule:
                raise InvalidFunction(function.id, f"its {name} is {shown(given)}", str(rule)) from None
    if function.retry_after is not None and not is_after(function.retry_after):
        raise InvalidFunction(function.id, f"its retry_after is {shown(function.retry_after)}", AFTER_RULE)


def _check_unique(function: Function) -> None:
    key, ttl = function.unique, function.unique_ttl
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= LONGEST_ID and is_unicode(key)):
        raise InvalidFunction(
            function.id, f"its unique is {shown(key)}", f"give a text of 1 to {LONGEST_ID} characters, or None"
        )
    if ttl is not None and not is_wait(ttl):
        raise InvalidFunction(function.id, f"its unique_ttl is {shown(ttl)}", f"give {WAITS}, or None")


def _check_waiting(function: Function) -> None:
    if function.strategy is not None and not is_one_of(function.strategy, STRATEGIES):
        raise InvalidFunction(
            function.id,
            f"its strategy is {shown(function.strategy)}",
            f"choose one of {', '.join(STRATEGIES)}, or None",
        )
    if not is_one_of(function.isolation, ISOLATIONS):
        raise InvalidFunction(
            function.id, f"its isolation is {shown(function.isolation)}", f"choose one of {', '.join(ISOLATIONS)}"
        )
    if function.on_node_loss is not None and not is_one_of(function.on_node_loss, ON_NODE_LOSS):
        raise InvalidFunction(
            function.id,
            f"its on_node_loss is {shown(function.on_node_loss)}",
            f"choose one of {', '.join(ON_NODE_LOSS)}, or None",
        )
    if function.on_memory_exceeded is not None and not is_one_of(function.on_memory_exceeded, ON_MEMORY_EXCEEDED):
        raise InvalidFunction(
            function.id,
            f"its on_memory_exceeded is {shown(function.on_memory_exceeded)}",
            f"choose one of {', '.join(ON_MEMORY_EXCEEDED)}, or None",
        )
    if not is_one_of(function.on_infeasible, ("wait", "raise")) and not is_wait(function.on_infeasible):
        raise InvalidFunction(
            function.id, f"its on_infeasible is {shown(function.on_infeasible)}", f'choose "wait", "raise" or {WAITS}'
        )
    if function.wait_ttl is not None and not is_wait(function.wait_ttl):
        raise InvalidFunction(function.id, f"its wait_ttl is {shown(function.wait_ttl)}", f"give {WAITS}, or None")
    if function.delay is not None and function.at is not None:
        raise InvalidFunction(function.id, "both its delay and its at are given", "give one of them")
    delay = function.delay.total_seconds() if isinstance(function.delay, timedelta) else function.delay
    if delay is not None and not (is_real(delay) and delay == 0) and not is_wait(delay):
        raise InvalidFunction(
            function.id,
            f"its delay is {shown(function.delay)}",
            f"give a timedelta or seconds, at least 0 and at most {LONGEST_WAIT_S}",
        )
    if function.at is not None:
        if not isinstance(function.at, datetime):
            raise InvalidFunction(
                function.id, f"its at is {shown(function.at)}", "give a datetime, or a delay in seconds"
            )
        try:
            is_told = due_ms(function) < LATEST_MS
        except (OverflowError, OSError, ValueError):
            is_told = False
        if not is_told:
            what = f"its at is {shown(function.at)}, which has no time in UTC"
            raise InvalidFunction(function.id, what, "give a year from 1970 to 9998")
