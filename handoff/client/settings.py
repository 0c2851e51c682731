"""What a cluster is made with: checked alike for both of its faces."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from handoff.errors import shown
from handoff.ledger.address import from_url
from handoff.words.address import default_url
from handoff.words.names import check_namespace
from handoff.words.values import WAITS, is_wait

DEFAULT_TIMEOUT_S = 5.0


def check_settings(
    url: str | None, connection: object, kinds: Mapping[str, type[object]], namespace: str, timeout: float
) -> None:
    """Raise `ValueError`, `TypeError` or ``InvalidNode` for what no cluster can be made with."""
    if url is not None and connection is not None:
        raise ValueError("both a url and a connection are given: give one")
    if url is not None and not isinstance(url, str):
        raise TypeError(f"url is a {type(url).__name__}: give a text, such as redis://localhost:6379/0")
    if connection is not None and not isinstance(connection, tuple(kinds.values())):
        # Not the object itself, which may show its password.
        wanted = " or a ".join(kinds)
        raise TypeError(f"connection is a {type(connection).__name__}: give a {wanted}, or a url")
    check_namespace(namespace)
    if not is_wait(timeout):
        raise ValueError(f"timeout is {shown(timeout)}: give {WAITS}")


def given_client(url: str | None) -> redis.Redis:
    """A client of this address, or of the default one. Raises `ValueError`."""
    try:
        return from_url(url or default_url())
    except ValueError as error:
        # Not the address itself: it may hold a password.
        forms = "redis://host:port/db or redis+sentinel://host:port/service/db"
        raise ValueError(f"the address is not one of Redis ({error}): write {forms}") from error
