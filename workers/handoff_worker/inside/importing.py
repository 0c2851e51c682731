"""Finds functions by their dotted names, as far as that is allowed here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from handoff.errors import NotAllowed, shown
from handoff_worker.machine.allowed import Allowed

LONGEST_NAME = 1_000
"""Characters; each of its dots may have to be tried."""

NOT_IMPORTABLE = (ImportError, AttributeError, SyntaxError, NotAllowed)
"""What another attempt on this node would not change."""


def import_function(name: str, allowed: Allowed | None = None) -> Callable[..., Any]:
    """Import `package.module.qualname`; raises the ImportError that says why not, where rq raises a ValueError.

    Where only some is `allowed`, all else raises `NotAllowed`: before anything is imported, or for what an allowed
    module has from another one.
    """
    parts = name.split(".") if len(name) <= LONGEST_NAME else []
    if not name.isprintable() or not all(parts) or len(parts) < 2:
        raise ImportError(f"{shown(name)} names no module: a function is stored as 'package.module.name'", name=name)
    is_limited = allowed is not None and not allowed.has_name(name)
    if allowed is not None and is_limited:
        allowed.check(name)
    for cut in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:cut])
        if allowed is not None and is_limited and not allowed.has_module(module_name):
            break
        try:
            module: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # The module itself is missing: maybe this is a class of the next shorter one.
            if cut > 1 and error.name and f"{module_name}.".startswith(f"{error.name}."):
                continue
            raise
        try:
            found = _walk(module, parts[cut:], allowed if is_limited else None)
        except AttributeError as error:
            missing = ".".join(parts[cut:])
            raise ImportError(f"cannot import name {missing!r} from {module_name!r}", name=module_name) from error
        if found is None and allowed is not None:
            raise allowed.refusal(name)
        return found  # type: ignore[no-any-return]
    raise ImportError(f"no module of {name!r} that is allowed here can be found", name=name)


def loaded(name: str) -> Any:
    """What stands under a dotted name in a module that is loaded; None where there is nothing."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        if found is not None:
            for part in parts[cut:]:
                found = getattr(found, part, None)
            return found
    return None


def is_own(found: object, allowed: Allowed) -> bool:
    """Whether an allowed module defines it: it may have all kinds of things from others, with which it works."""
    return allowed.has_module(getattr(found, "__module__", None))


def _walk(module: Any, names: Sequence[str], allowed: Allowed | None) -> Any:
    """Go from a module through its classes to what they have. -> None where that is not allowed"""
    found = module
    for name in names:
        is_through = found is module or (isinstance(found, type) and is_own(found, allowed)) if allowed else True
        if not is_through:
            return None
        found = getattr(found, name)
    return found if allowed is None or is_own(found, allowed) else None
