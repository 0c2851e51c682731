"""What a function says of itself for good: what it asks for wherever whoever submits it does not say.

A task stays the function that it was; what it declares hangs on it. A task with other options is an object beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from types import FunctionType
from typing import Any, Literal, TypedDict

from handoff.errors import shown
from handoff.words.constraints import Where, parse_where
from handoff.words.function import Function, Isolation, OnMemoryExceeded, OnNodeLoss, Strategy
from handoff.words.retrying import RetryAfter, RetryOn
from handoff.words.rules import check_fields, check_outside_a_dag
from handoff.words.variants import Cost, parse_variants

_ATTRIBUTE = "__handoff_task__"

_DEFAULTS = {field.name: field.default for field in fields(Function)}


class Options(TypedDict, total=False):
    """What can be declared: what `Function` has under the same names, but for arguments and what graphs alone know."""

    cost: Cost | None
    node: str | None
    max_retries: int | None
    timeout: float | None
    priority: int
    duration: float | None
    strategy: Strategy | None
    where: Where | None
    on_infeasible: Literal["wait", "raise"] | float
    wait_ttl: float | None
    isolation: Isolation
    on_node_loss: OnNodeLoss | None
    on_memory_exceeded: OnMemoryExceeded | None
    retry_on: RetryOn | None
    dont_retry_on: RetryOn | None
    retry_after: RetryAfter | None


class Declared:
    """A function, and what it asks for."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function = function
        self.declared = options


def check_options(function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Raise what submitting a function with these options would raise; `TypeError` for what cannot be declared."""
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        raise TypeError(
            f"a task does not declare {', '.join(map(shown, unknown))}: give options of `Function`, and those of a"
            " single call by .options()"
        )
    made = Function(function.__qualname__, function, **options)
    check_fields(made)
    check_outside_a_dag(made)
    parse_variants(made.cost)
    parse_where(made.where, options.get("node"), function_id=made.id)


def declare(function: FunctionType, declared: Declared) -> None:
    """Hang it on the function."""
    setattr(function, _ATTRIBUTE, declared)


def declared_by(code: object) -> Declared | None:
    """What a function, or a task with options, says of itself; None of any other code."""
    if type(code) is FunctionType:
        found = code.__dict__.get(_ATTRIBUTE)
        return found if isinstance(found, Declared) else None
    return code if isinstance(code, Declared) else None


def with_declared(function: Function) -> Function:
    """The function, with what its code declares wherever it stands at its default. An inline one asks for nothing."""
    declared = declared_by(function.code)
    if declared is None:
        return function
    # Whoever wraps a task keeps what hangs on it, and is the one that is to be called.
    code = declared.function if isinstance(function.code, Declared) else function.code
    options = {} if function.type == "inline" else declared.declared
    unsaid = {name: value for name, value in options.items() if _is_default(name, getattr(function, name))}
    return replace(function, code=code, **unsaid)


def _is_default(name: str, value: object) -> bool:
    """Of any other type it is not even compared: it may refuse."""
    default = _DEFAULTS[name]
    return type(value) is type(default) and value == default
