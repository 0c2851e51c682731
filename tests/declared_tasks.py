"""Tasks that tests submit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from handoff import task


@task(cost={"cpu": 2}, timeout=60, max_retries=2, priority=5)
def area(width: int, *, height: int = 1) -> int:
    """The area of a picture."""
    return width * height


@task
def plain(value: Any = None) -> Any:
    return value


@task(cost={"cpu": 2})
async def later(value: int) -> int:
    return value + 1


@task(cost={"cpu": 2})
def parts(count: int) -> Iterator[int]:
    yield from range(count)


@task
def named(args: str, kwargs: str, timeout: str, cost: str) -> list[str]:
    return [args, kwargs, timeout, cost]


def twice(function: Callable[..., int]) -> Callable[..., int]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> int:
        return 2 * function(*args, **kwargs)

    return wrapper


@twice
@task(cost={"cpu": 2})
def wrapped(value: int) -> int:
    return value


@task(cost={"cpu": 2})
@twice
def wrapping(value: int) -> int:
    return value


class Shop:
    @staticmethod
    @task(cost={"cpu": 2})
    def price(value: int) -> int:
        return value + 1
