"""Finds functions by their dotted names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def import_function(name: str) -> Callable[..., Any]:
    """Import `package.module.qualname`; raises the ImportError that says why not, where rq raises a ValueError."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:cut])
        try:
            found: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # The module itself is missing: maybe this is a class of the next shorter one.
            if cut > 1 and error.name and f"{module_name}.".startswith(f"{error.name}."):
                continue
            raise
        for part in parts[cut:]:
            try:
                found = getattr(found, part)
            except AttributeError as error:
                missing = ".".join(parts[cut:])
                raise ImportError(f"cannot import name {missing!r} from {module_name!r}", name=module_name) from error
        return found  # type: ignore[no-any-return]
    raise ImportError(f"{name!r} names no module: a function is stored as 'package.module.name'", name=name)
