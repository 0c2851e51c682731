"""Libraries of Redis Functions on a server: those that other versions of Handoff have left, and who may not use any.

They are the server's, not a namespace's. One that is removed too early costs its clients one call: they bring it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis

from handoff.errors import StoreUnavailable
from handoff.ledger.lua import functions
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.store import Store
from handoff.ledger.unavailable import is_forbidden


def others(store: Store) -> list[str]:
    """The names of libraries of Handoff that are not ours; none where the server, or this user, has no Functions."""
    found = _ask(store, "FUNCTION", "LIST", "LIBRARYNAME", f"{functions.PREFIX}*")
    names = (_name(each) for each in found) if isinstance(found, list) else ()
    return sorted(name for name in names if name != _own().name)


def remove(store: Store, names: Iterable[str]) -> list[str]:
    """Remove libraries. -> those that are gone"""
    for name in names:
        _ask(store, "FUNCTION", "DELETE", name)
    left = others(store)
    return [name for name in names if name not in left]


def lacking_right(store: Store) -> str:
    """The right for want of which this user is sent scripts by a server that has Functions; '' = none is lacking."""
    said = _ask(store, "FCALL", _own().function("none"), "0")
    if is_forbidden(said):
        return "+fcall"
    is_there = [_name(each) for each in _listed(store)] == [_own().name]
    return "+function|load" if not is_there and is_forbidden(_ask(store, "FUNCTION", "LOAD", "")) else ""


def _listed(store: Store) -> list[Any]:
    found = _ask(store, "FUNCTION", "LIST", "LIBRARYNAME", _own().name)
    return found if isinstance(found, list) else []


def _own() -> functions.Library:
    return functions.library(RQ_KEY_PREFIX)


def _ask(store: Store, *command: str) -> Any:
    """-> the reply, or the error that it is. Raises `StoreUnavailable` where the server is away."""
    try:
        return store.read(*command)
    except redis.ResponseError as error:
        return error
    except StoreUnavailable as error:
        if not isinstance(error.__cause__, redis.ResponseError):
            raise
        return error.__cause__


def _name(listed: Any) -> str:
    """Of a library as a server tells it: by name, or, in its older protocol, in a row."""
    fields = listed if isinstance(listed, dict) else dict(zip(listed[::2], listed[1::2], strict=True))
    name = fields.get(b"library_name", fields.get("library_name"))
    return name.decode() if isinstance(name, bytes) else str(name)
