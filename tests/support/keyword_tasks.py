"""Functions that take keywords, each in its own way."""

from __future__ import annotations

import functools
from typing import Any


def train(first: Any = None, /, epochs: int = 1, *, rate: float = 1) -> None:
    del first, epochs, rate


def anything(**given: Any) -> None:
    del given


@functools.wraps(train)
def wrapped(*args: Any, **given: Any) -> None:
    del args, given


# By its own name a node imports it; what it shows as its signature stays that of `train`.
wrapped.__name__ = wrapped.__qualname__ = "wrapped"


class Model:
    def __init__(self, **given: Any) -> None:
        del given

    @classmethod
    def fit(cls, epochs: int = 1) -> None:
        del epochs
