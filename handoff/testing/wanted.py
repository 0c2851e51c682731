"""What a test asserts of submitted functions, and what it is told where there is no such one."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from unittest.mock import ANY

from handoff.errors import InvalidFunction, shown
from handoff.testing.submitted import Submitted
from handoff.words.code import Code, import_path
from handoff.words.constraints import parse_where
from handoff.words.resources import amounts
from handoff.words.variants import parse_variants

MOST_SHOWN = 5
"""Others that a failure shows."""

OTHERS = {
    "priority": "priority",
    "max_retries": "max_retries",
    "job_timeout": "timeout",
    "unique": "unique",
    "delay": "delay",
    "at": "at",
    "meta": "meta",
    "job_id": "id",
}
"""What can be asked for beside the call, its cost and its node, and where `Submitted` has it."""

_KEYWORDS = ("args", "kwargs", "cost", "where", "node", "count", "timeout", *OTHERS)

Call = tuple[tuple[Any, ...], Mapping[str, Any]]


def known_path(fn: Code) -> str:
    """The name of what is called. Raises `InvalidFunction`, also for a text whose module has no such name."""
    path = import_path(fn)
    if isinstance(fn, str):
        _resolved(fn)
    return path


def _resolved(fn: Code) -> Any:
    """The callable itself; None where its module is on the nodes alone."""
    if not isinstance(fn, str):
        return fn
    module, _, qualname = fn.partition(":")
    try:
        holder: Any = importlib.import_module(module)
    except ImportError:
        return None
    for name in qualname.split("."):
        if not hasattr(holder, name):
            near = difflib.get_close_matches(name, dir(holder), n=1)
            advice = f"did you mean {near[0]}?" if near else "write a name that it has"
            raise InvalidFunction(fn, f"module {shown(module)} has no {shown(qualname)}", advice)
        holder = getattr(holder, name)
    return holder


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a test asks for; `ANY` = whatever it is."""

    code: str
    signature: inspect.Signature | None
    args: Any
    kwargs: Any
    costs: Any
    terms: Any
    others: Mapping[str, Any]

    @classmethod
    def read(cls, fn: Code, given: Mapping[str, Any]) -> Wanted:
        """Read what was given; of names it raises what a submit raises, and `TypeError` for a keyword that is none."""
        for name in given:
            if name not in _KEYWORDS:
                near = difflib.get_close_matches(name, _KEYWORDS, n=1)
                advice = f"did you mean {near[0]}=?" if near else f"there are {', '.join(_KEYWORDS)}"
                raise TypeError(f"there is no {name}= to ask for: {advice}")
        args, kwargs, cost, where, node = (given.get(name, ANY) for name in ("args", "kwargs", "cost", "where", "node"))
        if args is not ANY and not isinstance(args, (list, tuple)):
            raise TypeError(f"args is {shown(args)}: give all of the positional arguments, such as args=(1,)")
        if kwargs is not ANY and not isinstance(kwargs, Mapping):
            raise TypeError(f"kwargs is {shown(kwargs)}: give a mapping, such as kwargs={{'width': 1}}")
        is_open = where is ANY and node is ANY
        return cls(
            known_path(fn),
            _signature(fn),
            args if args is ANY else tuple(args),
            kwargs if kwargs is ANY else dict(kwargs),
            cost if cost is ANY else [variant.cost for variant in parse_variants(cost)],
            ANY if is_open else parse_where(None if where is ANY else where, None if node is ANY else node),
            {name: given[name] for name in OTHERS if name in given},
        )

    def misses(self, found: Submitted) -> list[str]:
        """What is otherwise; nothing where it is what is asked for. The first weighs most."""
        if self.code != found.code:
            return ["function", *self._misses_of_call(found), *self._misses_beside(found)]
        return [*self._misses_of_call(found), *self._misses_beside(found)]

    def _misses_beside(self, found: Submitted) -> list[str]:
        asked = (("cost", self.costs, found.units), ("where", self.terms, found.terms))
        misses = [name for name, wanted, had in asked if wanted != had]
        return misses + [name for name, wanted in self.others.items() if wanted != attrgetter(OTHERS[name])(found)]

    def _misses_of_call(self, found: Submitted) -> list[str]:
        """Of args and kwargs; which argument was given by its name makes no difference."""
        raw = [(self.args, found.args), (self.kwargs, found.kwargs)]
        if all(wanted == had for wanted, had in raw):
            return []
        args, kwargs = self._bound(found.args, found.kwargs)
        asked = self._bound(() if self.args is ANY else self.args, {} if self.kwargs is ANY else self.kwargs)
        if self.args is ANY:
            # What is asked for by name may have been given by its place; what was given by name is all asked for.
            values = self._named(found.args, found.kwargs)
            is_so = found.kwargs.keys() <= self.kwargs.keys() <= values.keys()
            return [] if is_so and all(self.kwargs[name] == values[name] for name in self.kwargs) else ["kwargs"]
        if self.kwargs is ANY:
            return [] if asked[0] == args else ["args"]
        return [
            name for name, one, other in zip(("args", "kwargs"), asked, (args, kwargs), strict=True) if one != other
        ]

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
        """The same call with as much as can be in its place; as it is where it does not fit."""
        if self.signature is None:
            return args, kwargs
        try:
            bound = self.signature.bind_partial(*args, **kwargs)
        except TypeError:
            return args, kwargs
        return bound.args, bound.kwargs

    def _named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.signature is None:
            return kwargs
        try:
            return {**self.signature.bind_partial(*args, **kwargs).arguments, **kwargs}
        except TypeError:
            return kwargs

    def __str__(self) -> str:
        told = [
            f"{name} {value!r}" for name, value in (("args", self.args), ("kwargs", self.kwargs)) if value is not ANY
        ]
        if self.costs is not ANY:
            told.append(f"cost {' or '.join(str(amounts(cost)) for cost in self.costs)}")
        if self.terms is not ANY:
            told.append(f"where {', '.join(f'{term.name} in {term.values}' for term in self.terms) or 'anywhere'}")
        told += [f"{name} {value!r}" for name, value in self.others.items()]
        return self.code + (f" with {', '.join(told)}" if told else "")


def _signature(fn: Code) -> inspect.Signature | None:
    try:
        return inspect.signature(_resolved(fn))
    except (TypeError, ValueError):
        # It is on the nodes alone, or it has none.
        return None


def nearest_first(wanted: Wanted, all_of_them: Sequence[Submitted]) -> list[Submitted]:
    """What was there instead."""
    return sorted(all_of_them, key=lambda found: _distance(wanted, found))


def told_instead(wanted: Wanted, ranked: Sequence[Submitted]) -> str:
    """The same for the text of a failure."""
    if not ranked:
        return "nothing was enqueued"
    lines = [f"  {found}" + _otherwise(wanted, found) for found in ranked[:MOST_SHOWN]]
    if len(ranked) > MOST_SHOWN:
        lines.append(f"  ... and {len(ranked) - MOST_SHOWN} more")
    return "what was, the nearest first:\n" + "\n".join(lines)


def _distance(wanted: Wanted, found: Submitted) -> tuple[bool, int]:
    misses = wanted.misses(found)
    return "function" in misses, len(misses)


def _otherwise(wanted: Wanted, found: Submitted) -> str:
    misses = wanted.misses(found)
    had = [f"{name} ({getattr(found, OTHERS[name])!r})" if name in OTHERS else name for name in misses]
    return f"  <- other {', '.join(had)}" if had else ""
