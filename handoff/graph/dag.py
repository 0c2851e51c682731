"""A graph of functions: what the user builds, and the rules that all of it must keep before anything is written.

Pure: knows neither nodes nor what a run of it is.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from handoff.errors import CyclicDependency, DuplicateFunction, InvalidFunction, MissingFunction
from handoff.words.constraints import parse_where, pinned_to
from handoff.words.function import Code, Collocated, Function, check_in_dag, import_path, is_unicode

LONGEST_ID = 512
"""Characters of the id of a DAG."""

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


class DAG:
    """Functions that take each other's results. Nothing is checked before `validate`, but that they are functions."""

    def __init__(self, id: str | None = None) -> None:
        if id is not None and not (isinstance(id, str) and 0 < len(id) <= LONGEST_ID and is_unicode(id)):
            raise ValueError(
                f"a DAG cannot have the id {id!r}: give it a text of 1 to {LONGEST_ID} characters, or None"
            )
        self.id = uuid.uuid4().hex if id is None else id
        self._functions: list[Function] = []

    @property
    def functions(self) -> tuple[Function, ...]:
        """All of them, in the order in which they were added."""
        return tuple(self._functions)

    def add(self, function: Function) -> DAG:
        """Add `function`; its dependencies may come later. Returns the DAG, so that calls can be chained."""
        if not isinstance(function, Function):
            raise TypeError(f"a DAG consists of functions, not of a {type(function).__name__}: add a Function")
        self._functions.append(function)
        return self

    def validate(self) -> None:
        """Raise if it could not be submitted as it stands; whether nodes that fit exist is not asked.

        `InvalidFunction`, `InvalidNode` and `InvalidResources` for one function, `DuplicateFunction`,
        `MissingFunction` and `CyclicDependency` for how they go together.
        """
        resolve(self.functions)


def resolve(functions: Sequence[Function]) -> tuple[list[list[int]], list[int]]:
    """Check a graph as `DAG.validate` does; -> the indices of the args of each, and all indices, dependencies first."""
    for function in functions:
        check_in_dag(function)
        for argument in function.args:
            _check_argument(function, argument)
        _check_constants(function)
    sources = _sources(functions)
    for members in companions(functions):
        _check_together([functions[index] for index in members])
    order = dependencies_first(sources)
    if len(order) < len(functions):
        raise CyclicDependency([functions[index].id for index in _cycle(sources, order)])
    return sources, order


def transform_path(transform: Transform, *, function_id: str = "") -> tuple[str, tuple[Any, ...]]:
    """The dotted path of the code of a transform, and the constants that it is given. Raises `InvalidFunction`."""
    code, *static = transform if isinstance(transform, tuple) else (transform,)
    return import_path(code, function_id=function_id), tuple(static)


def pin_of(function: Function) -> str | None:
    """The only node that a function may go to by itself: by its `node`, or because its `where` names no other."""
    node = function.node if isinstance(function.node, str) else None
    return node if function.where is None else pinned_to(parse_where(function.where, node, function_id=function.id))


def companions(functions: Sequence[Function]) -> list[list[int]]:
    """The indices of functions that `Collocated` joins, directly or through others: at least two in each list.

    In the order of their first members. Raises `DuplicateFunction` and `MissingFunction`.
    """
    index_of = _indices(functions)
    joined: dict[int, list[int]] = {}
    for index, function in enumerate(functions):
        if isinstance(function.node, Collocated):
            other = index_of.get(function.node.id)
            if other is None:
                raise MissingFunction(function.node.id, function.id)
            joined.setdefault(index, []).append(other)
            joined.setdefault(other, []).append(index)
    found = []
    seen: set[int] = set()
    for first in sorted(joined):
        members = [] if first in seen else [first]
        seen.add(first)
        for index in members:  # It grows while it is walked.
            fresh = {other for other in joined[index] if other not in seen}
            seen |= fresh
            members += fresh
        if len(members) > 1:
            found.append(sorted(members))
    return found


def dependencies_first(sources: Sequence[Sequence[int]]) -> list[int]:
    """All indices, each behind those that it takes; without what is on a cycle or behind one.

    Kahn's algorithm: linear, and of no depth, for a chain of 10,000 is a usual thing.
    """
    missing = [len(taken) for taken in sources]
    takers: list[list[int]] = [[] for _ in sources]
    for index, taken in enumerate(sources):
        for source in taken:
            takers[source].append(index)
    ready = deque(index for index, count in enumerate(missing) if not count)
    order = []
    while ready:
        source = ready.popleft()
        order.append(source)
        for index in takers[source]:
            missing[index] -= 1
            if not missing[index]:
                ready.append(index)
    return order


def _sources(functions: Sequence[Function]) -> list[list[int]]:
    index_of = _indices(functions)
    sources: list[list[int]] = []
    for function in functions:
        ids = [argument if isinstance(argument, str) else argument.id for argument in function.args]
        try:
            sources.append([index_of[id] for id in ids])
        except KeyError as error:
            raise MissingFunction(error.args[0], function.id) from None
    return sources


def _indices(functions: Sequence[Function]) -> dict[str, int]:
    index_of: dict[str, int] = {}
    for index, function in enumerate(functions):
        if index_of.setdefault(function.id, index) != index:
            raise DuplicateFunction(function.id)
    return index_of


def _check_argument(function: Function, argument: object) -> None:
    if isinstance(argument, str):
        return
    if not isinstance(argument, Argument) or not isinstance(argument.id, str):
        raise InvalidFunction(
            function.id, f"its args hold {argument!r}", "name functions by their ids, as texts or as Argument(id)"
        )
    for name in ("serialize", "deserialize"):
        transform = getattr(argument, name)
        if transform is None:
            continue
        if isinstance(transform, tuple) and not transform:
            raise InvalidFunction(
                function.id, f"the {name} of its argument {argument.id!r} is empty", "write fn, or (fn, constant, ...)"
            )
        try:
            transform_path(transform, function_id=function.id)
        except InvalidFunction as error:
            what = f"the {name} of its argument {argument.id!r} cannot be carried ({error.what})"
            raise InvalidFunction(function.id, what, error.advice) from error


def _check_constants(function: Function) -> None:
    for name, values in (("extra_args", function.extra_args), ("kwargs", function.kwargs.values())):
        if misplaced := next((value for value in values if isinstance(value, Argument)), None):
            raise InvalidFunction(
                function.id, f"its {name} hold Argument({misplaced.id!r})", "results come first, by args: name it there"
            )


def _check_together(members: Iterable[Function]) -> None:
    pinned: tuple[str, str] | None = None
    for function in members:
        if function.type == "inline":
            raise InvalidFunction(
                function.id,
                "it is inline, has no node of its own, and Collocated joins it with others",
                'name those that need it instead, or make it "regular"',
            )
        pin = pin_of(function)
        if pin is None:
            continue
        if pinned is not None and pinned[1] != pin:
            raise InvalidFunction(
                function.id,
                f"it is pinned to {pin!r}, and {pinned[0]!r}, which must run on the same node, to {pinned[1]!r}",
                "pin them to one node, or do not collocate them",
            )
        pinned = function.id, pin


def _cycle(sources: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """A closed path along which results would flow, from that of its functions which was added first."""
    left = set(range(len(sources))).difference(order)
    # Whatever is left takes something that is left, so that going from taker to source comes round.
    at = min(left)
    steps: dict[int, int] = {}
    while at not in steps:
        steps[at] = len(steps)
        at = next(source for source in sources[at] if source in left)
    cycle = [index for index, step in steps.items() if step >= steps[at]][::-1]
    first = cycle.index(min(cycle))
    return [*cycle[first:], *cycle[:first], cycle[first]]
