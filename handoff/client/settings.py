"""What a cluster is made with, and what it reaches: alike for both of its faces."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import redis

from handoff.errors import shown
from handoff.ledger.address import from_url
from handoff.words.address import default_url
from handoff.words.names import check_namespace
from handoff.words.values import WAITS, is_wait

if TYPE_CHECKING:
    from handoff.ledger.aio.asking import AskingInLoop
    from handoff.ledger.store import Store

DEFAULT_TIMEOUT_S = 5.0


class StandIn(Protocol):
    """What clusters reach that are given no address, in place of the server of the environment: a unit test's."""

    @property
    def connection(self) -> redis.Redis:
        """A client of its server."""

    def open(self, namespace: str, timeout_s: float) -> Store:
        """What a cluster asks by."""

    def open_in_loop(self, namespace: str, timeout_s: float) -> AskingInLoop:
        """The same for asyncio."""


_stand_in: StandIn | None = None


@contextlib.contextmanager
def reached_instead(stand_in: StandIn) -> Iterator[None]:
    """Let clusters that are made without an address reach this one until the block is left."""
    global _stand_in
    before, _stand_in = _stand_in, stand_in
    try:
        yield
    finally:
        _stand_in = before


def stand_in_for(url: str | None, connection: object) -> StandIn | None:
    """What is reached in place of the server of the environment; None: what was given, or that server."""
    return _stand_in if url is None and connection is None else None


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
