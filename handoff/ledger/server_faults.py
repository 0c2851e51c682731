"""What is wrong with a server for Handoff: how old it is, what it does when it is full, whether it keeps anything.

Looked at once. What a server does not tell, as to a user without the right to ask, is not held against it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from handoff.errors import StoreUnavailable
from handoff.ledger.asking import Ledger
from handoff.ledger.server_version import read_version, write_version
from handoff.ledger.store import Call

logger = logging.getLogger(__name__)

OLDEST_REDIS = (6, 2)

PRIVATE_FOLDER = "handoff-private-redis-"
"""How the name of the folder begins in which a server runs that is made to be thrown away."""

NOT_EVICTING = "noeviction"

_SETTINGS = ("maxmemory-policy", "appendonly", "save", "dir")

_looked: dict[str, object] = {}
"""The servers that this process has looked at. Its setdefault is one step, so no lock is held over a fork."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server has said; None = it has not."""

    version: str | None = None
    policy: str | None = None  #: maxmemory-policy
    appends: bool | None = None  #: whether it keeps an append-only file
    save: str | None = None  #: when it takes snapshots, '' = never
    folder: str | None = None


@Call
async def ask(ledger: Ledger) -> ServerFacts:
    """Ask a server, once; one that does not answer, or not as Redis does, has said nothing.

    CONFIG only where INFO leaves something open: a user without that right would stand in the server's log of refusals.
    """
    try:
        replies = await ledger.glance([("INFO",)])
        facts = read_facts(replies)
        if not (facts.appends and facts.policy):
            replies += await ledger.glance([("CONFIG GET", name) for name in _SETTINGS])
    except Exception as error:
        # Whoever asks came for something else, which has gone well: nothing may come of this.
        logger.debug("%s does not say how it is set up: %s", ledger.address, error)
        return ServerFacts()
    for refusal in {str(reply) for reply in replies if isinstance(reply, Exception)}:
        logger.debug("%s does not say all about how it is set up: %s", ledger.address, refusal)
    return read_facts(replies)


def read_facts(replies: Sequence[Any]) -> ServerFacts:
    """Of the replies to INFO and to each CONFIG GET; errors among them tell nothing."""
    told: dict[str, str] = {}
    for reply in replies:
        if isinstance(reply, Mapping):
            told |= {_text(name): _text(value) for name, value in reply.items()}
    appends = told.get("appendonly", told.get("aof_enabled"))
    return ServerFacts(
        version=told.get("redis_version"),
        policy=told.get("maxmemory-policy", told.get("maxmemory_policy")),
        appends=None if appends is None else appends in ("yes", "1"),
        save=told.get("save"),
        folder=told.get("dir"),
    )


def version_fault(address: str, facts: ServerFacts) -> StoreUnavailable | None:
    """Say that it is too old, where it is."""
    found = read_version(facts.version or "")
    if found is None or found >= OLDEST_REDIS:
        return None
    return StoreUnavailable(
        address,
        f"it is of version {facts.version}, and Handoff needs {write_version(OLDEST_REDIS)} or later",
        "upgrade it, or give the address of another",
        what="is too old",
    )


def setting_faults(address: str, facts: ServerFacts) -> list[str]:
    """Say of each setting that costs functions what it is, what comes of it, and what to do."""
    faults = []
    if facts.policy not in (None, NOT_EVICTING):
        faults.append(
            f"Redis at {address} throws keys away when its memory is full (maxmemory-policy {facts.policy}), and "
            f"functions, results and reservations with them: set maxmemory-policy to {NOT_EVICTING}"
        )
    is_private = PurePath(facts.folder or "").name.startswith(PRIVATE_FOLDER)
    if facts.appends is False and facts.save == "" and not is_private:
        faults.append(
            f"Redis at {address} keeps nothing on disk (appendonly no, and no save), so all that is queued and "
            "reserved is gone when it restarts: set appendonly to yes"
        )
    return faults


@Call
async def tell_once(ledger: Ledger) -> None:
    """Log what is wrong with the server, once in a process, for programs that did not come to ask."""
    me = object()
    if _looked.setdefault(ledger.address, me) is not me:
        return
    facts = await ask(ledger)
    old = version_fault(ledger.address, facts)
    for fault in [*([str(old)] if old else []), *setting_faults(ledger.address, facts)]:
        # By the name that programs know, to set it up or to silence it.
        logging.getLogger("handoff").warning("%s", fault)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
