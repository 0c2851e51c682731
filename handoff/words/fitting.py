"""Whether a call has what its function cannot do without, and no more than that takes by position. Pure.

A keyword that it does not take may be meant for another version of it on the nodes: who reads the keywords asks that.
"""

from __future__ import annotations

import inspect
from types import CodeType, FunctionType, MethodType

from handoff.errors import InvalidFunction
from handoff.words.function import Function
from handoff.words.remembered import Remembered

_fitting: Remembered[tuple[object, ...], None] = Remembered()
"""Calls that fit: the function, how many arguments come by position, and the names of the others."""


def check_call(function: Function) -> None:
    """Raise for a call that would fail before the function begins, where that can be looked at."""
    given = function.code
    code = given.__func__ if isinstance(given, MethodType) else given
    if type(code) is not FunctionType:
        return
    count = len(function.extra_args) + (code is not given)
    call = (code, count, *function.kwargs)
    if call not in _fitting:
        _check(function, code, count)
        _fitting.keep(call, None)


def _check(function: Function, code: FunctionType, count: int) -> None:
    # By its own code, which is called first, and not by what it shows as its signature: it may wrap another function.
    own: CodeType = code.__code__
    names = own.co_varnames[: own.co_argcount]
    if count > len(names) and not own.co_flags & inspect.CO_VARARGS:
        what = f"{code.__qualname__} takes {len(names)} arguments by position, and is given {count}"
        raise _misfit(function, what, "leave out what is too much")
    if twice := [name for name in names[own.co_posonlyargcount : count] if name in function.kwargs]:
        what = f"{code.__qualname__} is given {twice[0]} by position and by keyword"
        raise _misfit(function, what, "give it one way")
    needed = names[count : len(names) - len(code.__defaults__ or ())]
    only_named = own.co_varnames[own.co_argcount : own.co_argcount + own.co_kwonlyargcount]
    optional = code.__kwdefaults__ or {}
    by_name = (*names[own.co_posonlyargcount :], *only_named)
    missing = [name for name in needed if name not in by_name or name not in function.kwargs]
    missing += [name for name in only_named if name not in optional and name not in function.kwargs]
    if missing:
        raise _misfit(function, f"{code.__qualname__} is called without {', '.join(missing)}", "give what is missing")


def _misfit(function: Function, what: str, advice: str) -> InvalidFunction:
    return InvalidFunction(
        function.id, what, f'{advice}, or name its code as "module:name" where the nodes have another version of it'
    )
