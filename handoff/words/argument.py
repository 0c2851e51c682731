"""The result of one function as an argument of another, and what it is turned into on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from handoff.errors import InvalidFunction, shown
from handoff.words.code import Code, import_path

Transform = Code | tuple[Any, ...]
"""What turns a value into another: code, or code and the constants that follow the value."""


@dataclass(frozen=True, slots=True)
class Argument:
    """The result of a function as an argument of another, turned into something else on the way.

    `serialize(value, source_node, *static)` runs where the value was made, `deserialize(value, source_node,
    target_node, *static)` where it is taken.
    """

    id: str
    serialize: Transform | None = field(default=None, hash=False)
    deserialize: Transform | None = field(default=None, hash=False)


Applied = tuple[str, tuple[Any, ...]]
"""A transform that was read: the dotted path of its code, and the constants that follow the value."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An `Argument` that was read: whose result is taken, and what turns it into something else."""

    id: str
    serialize: Applied | None
    deserialize: Applied | None


def parse_argument(argument: object, *, function_id: str) -> str | Taken:
    """Read what a function has in its `args`; an id is left as it is. Raises `InvalidFunction`."""
    if isinstance(argument, str):
        return argument
    if not isinstance(argument, Argument) or not isinstance(argument.id, str):
        raise InvalidFunction(
            function_id, f"its args hold {shown(argument)}", "name functions by their ids, as texts or as Argument(id)"
        )
    return Taken(
        argument.id, _applied(argument, "serialize", function_id), _applied(argument, "deserialize", function_id)
    )


def _applied(argument: Argument, name: str, function_id: str) -> Applied | None:
    transform = getattr(argument, name)
    if transform is None:
        return None
    if isinstance(transform, tuple) and not transform:
        raise InvalidFunction(
            function_id, f"the {name} of its argument {shown(argument.id)} is empty", "write fn, or (fn, constant, ...)"
        )
    code, *static = transform if isinstance(transform, tuple) else (transform,)
    try:
        return import_path(code, function_id=function_id), tuple(static)
    except InvalidFunction as error:
        what = f"the {name} of its argument {shown(argument.id)} cannot be carried ({error.what})"
        raise InvalidFunction(function_id, what, error.advice) from error
