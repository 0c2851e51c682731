"""Functions that differ in what they take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def resize(path: str, /, sizes: int, quality: int = 80) -> None: ...


def only_named(*, path: str, quality: int = 80) -> None: ...


def anything(*values: object, **named: object) -> None: ...


def _wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: object) -> Any:
        return function(args[0])

    return wrapper


@_wrapping
def wrapped(path: str) -> None: ...


class Model:
    def __init__(self, path: str = "") -> None:
        self.path = path

    @classmethod
    def fit(cls, epochs: int) -> None: ...
