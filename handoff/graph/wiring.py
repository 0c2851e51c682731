"""How the arguments of a function are made of results, as plain data that the child of a node reads.

    {"args": [source, ...], "as_list": bool,
     "inlines": [[id, path, [source, ...], as_list, [extra, ...], {kwargs}], ...]}

A source is `["result", number, id, form, deserialize]`, where form 0 is the value itself and k the k-th of the
producer's forms, or `["inline", index, id, serialize, deserialize]`. An inline takes only inlines before it. What
serializes or deserializes is None or `[path, [static, ...]]`. Pure.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from handoff.graph.rules import CheckedGraph
from handoff.words.argument import Applied, Taken

DEEPEST = 50
"""How deep constants are compared."""


class Wiring:
    """The arguments of all functions of a graph, and the forms that they ask of each other's results."""

    def __init__(self, graph: CheckedGraph, numbers: Sequence[int]) -> None:
        self._functions = graph.functions
        self._sources = graph.sources
        self._numbers = numbers  # 0 for those that are inline.
        self._forms: dict[int, list[list[Any]]] = {}
        self._known: dict[tuple[int, Hashable], int] = {}
        self._alike: dict[Hashable, tuple[tuple[int, ...], dict[str, Any] | None]] = {}
        # Most arguments are results as they are, each taken by many: one list for all of them.
        self._plain = [
            ["result", number, checked.id, 0, None] for checked, number in zip(graph.functions, numbers, strict=True)
        ]

    def of(self, index: int) -> tuple[tuple[int, ...], dict[str, Any] | None]:
        """The numbers of those whose results it needs, each once, by first use; and how its arguments are made.

        None where there are none to make: it has no `args`, and takes no list of them. Those that take the same results
        as they are have it in common.
        """
        checked, sources = self._functions[index], self._sources[index]
        if not all(
            isinstance(taken, str) and self._numbers[at] for taken, at in zip(checked.args, sources, strict=True)
        ):
            return self._made(index)
        key = checked.function.argument_inclusion, tuple(sources)
        if key not in self._alike:
            self._alike[key] = self._made(index)
        return self._alike[key]

    def _made(self, index: int) -> tuple[tuple[int, ...], dict[str, Any] | None]:
        takes, inlines = self._walk(index)
        function = self._functions[index].function
        as_list = function.argument_inclusion == "as_list"
        if not function.args and not as_list:
            return takes, None
        places = {inline: place for place, inline in enumerate(inlines)}
        return takes, {
            "args": self._args(index, places),
            "as_list": as_list,
            "inlines": [self._inline(inline, places) for inline in inlines],
        }

    def forms(self, index: int) -> tuple[list[Any], ...]:
        """The [path, [static, ...]] of each serializer that those asked of it for which `of` was called."""
        return tuple(self._forms.get(index, ()))

    def _walk(self, index: int) -> tuple[tuple[int, ...], list[int]]:
        """What it takes, and the inlines that it needs, those that others need first. Of no depth: they may chain."""
        takes: dict[int, None] = {}
        inlines: list[int] = []
        seen: set[int] = set()
        way = [(index, iter(self._sources[index]))]
        while way:
            at, rest = way[-1]
            for source in rest:
                if self._numbers[source]:
                    takes[self._numbers[source]] = None
                elif source not in seen:
                    seen.add(source)
                    way.append((source, iter(self._sources[source])))
                    break
            else:
                way.pop()
                inlines.append(at)
        return tuple(takes), inlines[:-1]

    def _inline(self, index: int, places: Mapping[int, int]) -> list[Any]:
        checked = self._functions[index]
        return [
            checked.id,
            checked.path,
            self._args(index, places),
            checked.function.argument_inclusion == "as_list",
            list(checked.function.extra_args),
            dict(checked.function.kwargs),
        ]

    def _args(self, index: int, places: Mapping[int, int]) -> list[list[Any]]:
        return [
            self._plain[source]
            if isinstance(taken, str) and self._numbers[source]
            else self._source(taken, source, places)
            for taken, source in zip(self._functions[index].args, self._sources[index], strict=True)
        ]

    def _source(self, taken: str | Taken, source: int, places: Mapping[int, int]) -> list[Any]:
        id = self._functions[source].id
        serialize, deserialize = None, None
        if isinstance(taken, Taken):
            serialize, deserialize = _written(taken.serialize), _written(taken.deserialize)
        if self._numbers[source]:
            return ["result", self._numbers[source], id, self._form(source, serialize), deserialize]
        return ["inline", places[source], id, serialize, deserialize]

    def _form(self, source: int, serialize: list[Any] | None) -> int:
        if serialize is None:
            return 0
        key = (source, _sameness(serialize))
        if key not in self._known:
            forms = self._forms.setdefault(source, [])
            forms.append(serialize)
            self._known[key] = len(forms)
        return self._known[key]


def _written(applied: Applied | None) -> list[Any] | None:
    if applied is None:
        return None
    path, static = applied
    return [path, list(static)]


def _sameness(value: Any, within: tuple[int, ...] = ()) -> Hashable:
    """What tells plain values apart, by type too, for 1 == 1.0 == True; any other value is the same only as itself.

    So is what is deep, or holds itself.
    """
    kind = type(value)
    if kind in (list, tuple, dict):
        if id(value) in within or len(within) == DEEPEST:
            return id(value)
        parts = [part for item in value.items() for part in item] if kind is dict else value
        return kind, tuple(_sameness(part, (*within, id(value))) for part in parts)
    if kind is float:
        return kind, repr(value)  # Of which 0.0 and -0.0 differ.
    return (kind, value) if kind in (str, bytes, int, bool, type(None)) else id(value)
