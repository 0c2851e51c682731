"""A graph of functions as the user builds it. Knows neither nodes nor what a run of it is."""

from __future__ import annotations

from handoff.errors import shown
from handoff.graph.rules import check_graph
from handoff.words.function import Function
from handoff.words.ids import new_id
from handoff.words.values import is_unicode

LONGEST_ID = 512
"""Characters of the id of a DAG."""


class DAG:
    """Functions that take each other's results. Nothing is checked before `validate`, but that they are functions."""

    def __init__(self, id: str | None = None) -> None:
        if id is not None and not (isinstance(id, str) and 0 < len(id) <= LONGEST_ID and is_unicode(id)):
            raise ValueError(
                f"a DAG cannot have the id {shown(id)}: give it a text of 1 to {LONGEST_ID} characters, or None"
            )
        self.id = new_id() if id is None else id
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
        check_graph(self.functions)
