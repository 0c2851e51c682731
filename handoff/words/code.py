"""Code by the name under which every node imports it.

Imports no module but the one that a given callable says it is from.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from handoff.errors import InvalidFunction, shown
from handoff.words.remembered import Remembered

Code = Callable[..., Any] | str
"""An importable callable, or "package.module:qualname"."""

_found: Remembered[FunctionType, tuple[str, str, str]] = Remembered()
"""Of functions at the top of a module: where they were found, and by which path."""


def import_path(code: Code, *, function_id: str = "") -> str:
    """Return the dotted name by which a node imports `code`: what rq keeps as `func_name`.

    Text must read "package.module:qualname" and is not imported here, for the module may exist on the nodes alone.
    A callable must be what importing its module and name gives back. Raises `InvalidFunction`.
    """
    if type(code) is FunctionType and (known := _found.get(code)):
        module, name, path = known
        says_the_same = code.__module__ == module and code.__qualname__ == name
        # The module may have been reloaded.
        if says_the_same and getattr(sys.modules.get(module), name, None) is code:
            return path
    whose = function_id or (code if isinstance(code, str) else getattr(code, "__qualname__", type(code).__name__))
    if isinstance(code, str):
        return _path_of_text(code, whose)
    module, qualname = _origin(code, whose)
    found = _imported(module, qualname, whose)
    # A method that is bound to a class is made anew by each look-up: equal, never the same.
    if found is not code and not (inspect.ismethod(code) and found == code):
        raise InvalidFunction(
            whose,
            f"importing {module}:{qualname} gives another object than the one passed",
            "pass the one that the module holds under that name, or wrap it in a function of its own",
        )
    path = f"{module}.{qualname}"
    if type(code) is FunctionType and "." not in qualname:
        _found.keep(code, (module, qualname, path))
    return path


def _path_of_text(code: str, whose: str) -> str:
    module, colon, qualname = code.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *qualname.split("."))):
        raise InvalidFunction(
            whose,
            f"its code {shown(code)} does not name a module and what is in it",
            _advice_on(code),
        )
    _refuse_main(module, whose)
    return f"{module}.{qualname}"


def _advice_on(code: str) -> str:
    module, dot, name = code.rpartition(".")
    if dot and ":" not in code and all(part.isidentifier() for part in code.split(".")):
        return f'write "{module}:{name}": a colon stands where the module ends'
    return 'write "package.module:name" or "package.module:Class.method"'


def _origin(code: object, whose: str) -> tuple[str, str]:
    """The module and qualified name that a callable claims, if a node could import them at all."""
    if not callable(code):
        raise InvalidFunction(
            whose,
            f"its code is a {type(code).__name__}, which cannot be called",
            'pass a function, or "package.module:name"',
        )
    if isinstance(code, functools.partial):
        raise InvalidFunction(
            whose, "a functools.partial has no name to import", "pass its function, and its values as arguments"
        )
    module, qualname = getattr(code, "__module__", None), getattr(code, "__qualname__", None)
    if inspect.ismethod(code):
        owner = code.__self__
        if not inspect.isclass(owner):
            raise InvalidFunction(
                whose,
                f"it is a method of one {type(owner).__name__} object, which no node has",
                "pass a function that makes or receives the object",
            )
        # By the class it was reached through: the method's own name tells only the class that defines it.
        module, qualname = owner.__module__, f"{owner.__qualname__}.{code.__name__}"
    if not isinstance(module, str) or not isinstance(qualname, str):
        raise InvalidFunction(
            whose,
            f"a {type(code).__name__} object has no module and name of its own to import",
            "wrap it in a function of a module",
        )
    _refuse_main(module, whose)
    if "<lambda>" in qualname:
        raise InvalidFunction(whose, "a lambda has no name to import", "define it with def in a module")
    if "<locals>" in qualname:
        raise InvalidFunction(
            whose, f"{qualname} exists only inside another function", "define it at the top of a module"
        )
    return module, qualname


def _refuse_main(module: str, whose: str) -> None:
    if module == "__main__":
        raise InvalidFunction(
            whose, "its module is __main__, which is another one on every node", "move it to a module and import it"
        )


def _imported(module: str, qualname: str, whose: str) -> object:
    advice = "define it under its own name at the top of a module"
    try:
        found: object = importlib.import_module(module)
    # Importing runs the module's own code, which may raise anything.
    except Exception as error:
        raise InvalidFunction(whose, f"its module {shown(module)} does not import ({shown(error)})", advice) from error
    for part in qualname.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise InvalidFunction(whose, f"module {shown(module)} has no {shown(qualname)}", advice) from error
    return found
