"""Calls that are to be refused in one sentence, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import HandoffError
from handoff.words.function import Function

Call = Callable[[Cluster], object]


def work(*args: Any, **kwargs: Any) -> None:
    """Stands for a user's function."""


def of_main() -> None:
    """As if it had been written in a script."""


of_main.__module__ = "__main__"


def closure() -> Callable[[], None]:
    def inner() -> None: ...

    return inner


class Opaque:
    """Nothing that msgpack carries."""


def shown(value: object) -> str:
    """An id for a test that is the same in every process."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={shown(each)}" for name, each in value.items())
    return str(value) if isinstance(value, str | float | int) else getattr(value, "__name__", type(value).__name__)


def dump(connection: redis.Redis) -> dict[bytes, bytes | None]:
    """Everything that is stored, as it is stored, but for whose turn it is to tick: that expires."""
    keys = connection.scan_iter("*", count=1000)
    return {key: connection.dump(key) for key in keys if not key.endswith(b":tick")}


def assert_refused(cluster: Cluster, call: Call, error: type[HandoffError], *words: str) -> None:
    """The call raises one sentence with these words and leaves everything as it is."""
    before = dump(cluster.connection)

    with pytest.raises(error) as caught:
        call(cluster)

    assert type(caught.value) is error
    text = str(caught.value)
    assert "\n" not in text
    assert not [word for word in words if word not in text], text
    assert dump(cluster.connection) == before


def submit(**fields: Any) -> Call:
    return lambda cluster: cluster.submit(Function("f", **{"code": work, **fields}))


def enqueue(*args: Any, **kwargs: Any) -> Call:
    return lambda cluster: cluster.enqueue(work, *args, **kwargs)


def functions(count: int, **options: Any) -> list[Function]:
    return [Function(f"f{i}", work, extra_args=(i,), **options) for i in range(count)]
