"""What a function of a graph is called with, and what is made of its result for those that take it.

Reads the plain data in which a plan says so, and the entries in which RQ keeps results; knows no job and no agent.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from redis import Redis

from handoff.errors import ResultGone
from handoff.ledger.keys import node_of_queue
from handoff.ledger.store import Store
from handoff_worker.inside.importing import NOT_IMPORTABLE

MOST_READ = 500
"""Results of one pipeline: their replies are in memory together."""

OUTAGE_S = 60.0
"""How long a Redis that is away is waited for: a function that fails for that has used an attempt."""

_FINISHED = b"1"
"""rq.results.Result.Type."""

_NOT_READABLE = (*NOT_IMPORTABLE, ValueError, TypeError, LookupError)

Entry = Mapping[bytes, bytes]
"""The newest entry of a stream of results."""


class Unmade(Exception):
    """An argument, or a form of a result, that did not come about: the cause says why, the text in the midst of what.

    `retryable` is False where another attempt would end the same way, `begun` where nothing of the function has run.
    """

    def __init__(self, place: str, *, retryable: bool, begun: bool = True) -> None:
        super().__init__(place)
        self.retryable, self.begun = retryable, begun


@dataclass(frozen=True, slots=True)
class Serialize:
    """A form that others asked for, ready to be made."""

    place: str  #: what it is, for errors
    code: Callable[..., Any]
    static: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates the plain data of a plan on one node. Whatever goes wrong raises `Unmade`."""

    node: str
    loads: Callable[[bytes], Any]
    find: Callable[[str], Callable[..., Any]]  #: imports by dotted name
    _code: dict[str, Callable[..., Any]] = field(default_factory=dict)  #: what was imported, by dotted name

    def import_all(self, inputs: Mapping[str, Any]) -> None:
        """Import what makes the arguments: before any of it runs, for without the rest it would run in vain."""
        lists = [inputs["args"]]
        for id, path, sources, *_ in inputs["inlines"]:
            self._import(path, f"{path} is the inline function {id!r}")
            lists.append(sources)
        for kind, _, id, *rest in chain.from_iterable(lists):
            transforms = zip(("serializes", "deserializes"), rest, strict=True)
            for verb, transform in list(transforms)[kind == "result" :]:
                if transform is not None:
                    self._import(transform[0], f"{transform[0]} {verb} the result of {id!r}")

    def arguments(self, inputs: Mapping[str, Any], entries: Mapping[int, Entry]) -> list[Any]:
        """Give what comes first in the call. `entries` are those of all that `taken` names, as far as there are any.

        Each inline function is called once. A result that is taken twice is read twice: no one sees what another has
        changed in it. `import_all` goes before.
        """
        made: list[Any] = []  #: of each inline function, in the order of the plan
        for id, path, sources, as_list, extra, kwargs in inputs["inlines"]:
            code = self._code[path]
            first = self._values(sources, as_list, entries, made)
            try:
                made.append(_ended(code(*first, *extra, **kwargs)))
            except BaseException as error:
                raise Unmade(f"raised by the inline function {id!r}", retryable=True) from error
        return self._values(inputs["args"], inputs["as_list"], entries, made)

    def serializers(self, id: str, forms: Sequence[Sequence[Any]]) -> list[Serialize]:
        """Import what makes the forms of the result of `id`: before it runs, for without it it would run in vain."""
        return [
            Serialize(
                f"by {path}, which serializes the result of {id!r}",
                self._import(path, f"{path} serializes the result of {id!r}"),
                static,
            )
            for path, static in forms
        ]

    def form(self, serialize: Serialize, value: object) -> object:
        """Make of a result what one of those that take it asked for."""
        try:
            return _ended(serialize.code(value, self.node, *serialize.static))
        except BaseException as error:
            raise Unmade(f"raised {serialize.place}", retryable=True) from error

    def _values(
        self, sources: Sequence[Sequence[Any]], as_list: bool, entries: Mapping[int, Entry], made: Sequence[Any]
    ) -> list[Any]:
        values = [
            self._result(entries, *rest) if kind == "result" else self._inline(made, *rest) for kind, *rest in sources
        ]
        return [values] if as_list else values

    def _result(
        self, entries: Mapping[int, Entry], number: int, id: str, form: int, deserialize: Sequence[Any] | None
    ) -> object:
        entry = entries.get(number)
        if entry is None or entry.get(b"type") != _FINISHED:
            raise Unmade("", retryable=False) from ResultGone(id)
        # RQ leaves None out; a form is always there.
        text = entry.get(b"form:%d" % form if form else b"return_value")
        if text is None and form:
            raise Unmade("", retryable=False) from ResultGone(id)
        try:
            value = None if text is None else self.loads(b64decode(text))
        except BaseException as error:
            retryable = not isinstance(error, _NOT_READABLE)
            raise Unmade(f"raised by reading the result of {id!r}", retryable=retryable) from error
        if deserialize is None:
            return value
        source = node_of_queue(entry.get(b"worker_name", b"").decode(errors="replace"))
        return self._apply("deserializes", id, deserialize, value, source, self.node)

    def _inline(
        self,
        made: Sequence[Any],
        index: int,
        id: str,
        serialize: Sequence[Any] | None,
        deserialize: Sequence[Any] | None,
    ) -> object:
        value = made[index]
        if serialize is not None:
            value = self._apply("serializes", id, serialize, value, self.node)
        if deserialize is not None:
            value = self._apply("deserializes", id, deserialize, value, self.node, self.node)
        return value

    def _apply(self, verb: str, id: str, transform: Sequence[Any], *args: object) -> object:
        path, static = transform
        try:
            return _ended(self._code[path](*args, *static))
        except BaseException as error:
            raise Unmade(f"raised by {path}, which {verb} the result of {id!r}", retryable=True) from error

    def _import(self, path: str, purpose: str) -> Callable[..., Any]:
        try:
            self._code[path] = self.find(path)
        except BaseException as error:
            place = f"{purpose}: make it importable on this node, {self.node}"
            raise Unmade(place, retryable=not isinstance(error, NOT_IMPORTABLE), begun=False) from error
        return self._code[path]


def taken(inputs: Mapping[str, Any]) -> list[int]:
    """Number the functions whose results are taken, by inline functions too; each once."""
    sources = chain(inputs["args"], *(inline[2] for inline in inputs["inlines"]))
    return list(dict.fromkeys(source[1] for source in sources if source[0] == "result"))


def read_results(connection: Redis, keys: Mapping[int, str]) -> dict[int, Entry]:
    """Read the newest entry of each stream, under the number of its key; none where there is none."""
    numbers = list(keys)
    entries: dict[int, Entry] = {}
    # A child keeps its connection from one function to the next, and it may have died since.
    store = Store(connection, "").until(time.monotonic() + OUTAGE_S, is_reached=True)
    try:
        for start in range(0, len(numbers), MOST_READ):
            batch = numbers[start : start + MOST_READ]
            replies = store.read_each([("XREVRANGE", keys[number], "+", "-", "COUNT", 1) for number in batch])
            entries |= {number: newest[0][1] for number, newest in zip(batch, replies, strict=True) if newest}
    except BaseException as error:
        raise Unmade(f"raised by reading {len(keys)} results that it takes", retryable=True) from error
    return entries


def _ended(value: Any) -> Any:
    """Run what an async function gave to its end, as rq does; all else is the value itself."""
    return asyncio.run(value) if asyncio.iscoroutine(value) else value
