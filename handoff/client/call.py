"""Reads a call as rq's `Queue.enqueue` takes it: among the keywords of a function stand a few that are meant for rq."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

from handoff.errors import InvalidFunction, shown
from handoff.ledger.jobs import AS_RQ, Keeping
from handoff.ledger.rqmodel import parse_timeout
from handoff.words.code import Code
from handoff.words.declared import Declared
from handoff.words.values import TTLS, is_ttl

#: What rq's `enqueue` takes and this one does not (yet): as arguments of the function they would fail far away.
_RQ_ONLY = frozenset({"at_front", "on_stopped", "pipeline", "rate_limit", "repeat", "retry", "ttl", "webhooks"})


_KNOWN = (FunctionType, MethodType)
"""What is called by code that can be looked at."""


def read_call(
    id: str,
    code: Code,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    timeout: float | None,
    enqueue: Callable[..., Any],
) -> tuple[tuple[Any, ...], dict[str, Any], float | None]:
    """Tell the arguments of the function, by position and by keyword, and its timeout. Raises `InvalidFunction`.

    `enqueue` is who was called, whose options are among what may have been meant by a keyword that fits nowhere.
    """
    if not kwargs:
        return args, {}, timeout
    rest = dict(kwargs)
    if "job_timeout" in rest:
        timeout = parse_timeout(id, rest.pop("job_timeout"))
    named = rest.pop("kwargs", None)
    if refused := sorted(_RQ_ONLY & rest.keys()):
        raise InvalidFunction(
            id,
            f"enqueue does not take rq's {', '.join(refused)}",
            "leave it out (max_retries is for retry, wait_ttl for ttl, priority for at_front),"
            " or pass kwargs={...} if it is meant for the function",
        )
    if rest:
        check_keywords(id, code, rest, lambda: _options_of(enqueue))
    if "args" in rest:
        if args:
            raise InvalidFunction(id, "arguments come both by position and in args=", "give all of them one way")
        given = rest.pop("args")
        if not isinstance(given, (list, tuple, type(None))):
            raise InvalidFunction(id, "args is neither a list nor a tuple", "write args=(value,)")
        args = tuple(given or ())
    if named is not None and not isinstance(named, Mapping):
        raise InvalidFunction(id, "kwargs is not a mapping with str keys", "write kwargs={'name': value}")
    return args, {**rest, **(named or {})}, timeout


@functools.lru_cache(maxsize=1024)
def _keywords_of(code: FunctionType | MethodType) -> frozenset[str] | None:
    """Which keywords it takes when it is called; None: any.

    By its own code, which is called first, and not by what it shows as its signature: it may wrap another function.
    """
    found = getattr(code, "__code__", None)
    if not isinstance(found, CodeType) or found.co_flags & inspect.CO_VARKEYWORDS:
        return None
    return frozenset(found.co_varnames[found.co_posonlyargcount : found.co_argcount + found.co_kwonlyargcount])


def _options_of(enqueue: Callable[..., Any]) -> list[str]:
    return [each.name for each in inspect.signature(enqueue).parameters.values() if each.kind is each.KEYWORD_ONLY]


def check_keywords(id: str, code: object, given: Mapping[str, Any], options: Callable[[], Iterable[str]]) -> None:
    """Raise `InvalidFunction` for one that a function, where it is given itself, does not take; `args` may be there.

    `options` tells what else may have been meant.
    """
    code = code.function if isinstance(code, Declared) else code
    known = _keywords_of(code) if isinstance(code, _KNOWN) else None
    if known is None or known.issuperset(given):
        return
    misfits = given.keys() - known - {"args"}
    if not misfits:
        return
    name = min(misfits)
    meant = meant_by(name, [*options(), *sorted(known)])
    raise InvalidFunction(
        id,
        f"{name}= is neither an option of enqueue nor an argument of the function",
        f"{meant}, or pass kwargs={{...}} where the nodes have another version of it",
    )


def meant_by(name: str, known: Iterable[str]) -> str:
    """What to do about a keyword that is none of these."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}=? If not, leave it out" if near else "leave it out"


def read_keeping(id: str, result_ttl: int | None, failure_ttl: int | None) -> Keeping:
    """Read for how long a function is kept after its end; None: as RQ keeps it. Raises `InvalidFunction`."""
    for name, value in (("result_ttl", result_ttl), ("failure_ttl", failure_ttl)):
        if value is not None and not is_ttl(value):
            raise InvalidFunction(id, f"its {name} is {shown(value)}", f"give {TTLS}")
    if result_ttl in (None, AS_RQ.result_ttl) and failure_ttl in (None, AS_RQ.failure_ttl):
        return AS_RQ
    return Keeping(
        result_ttl=AS_RQ.result_ttl if result_ttl is None else result_ttl,
        failure_ttl=AS_RQ.failure_ttl if failure_ttl is None else failure_ttl,
    )
