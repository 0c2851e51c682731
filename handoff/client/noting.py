"""What somebody asks for in a terminal is noted in the stream of events before it is done."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from handoff.ledger.events import note_action

if TYPE_CHECKING:
    from handoff.client.cluster import Cluster


def note(cluster: Cluster, what: str, about: str) -> None:
    """Note that whoever has started this program asks for something. Raises `StoreUnavailable`."""
    note_action(cluster.store, somebody(), what, about)


def as_typed(given: Mapping[str, object]) -> str:
    """Names and values as commands take them; what is None was not given."""
    return " ".join(f"{name}={value}" for name, value in given.items() if value is not None)


def somebody() -> str:
    """Who has started this program, by what the operating system says: the user, and the host."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # In a container nobody may be called by that number.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
