"""What lists of processes show of the agent, its nursery and its children: which node it is, and what runs.

It is written over the arguments that the process was started with. The environment behind these stays as it is: there
the mark is read of who has forked it.
"""

from __future__ import annotations

import ctypes

from handoff.ledger.passwords import command_line
from handoff.words.address import DEFAULT_NAMESPACE

_SET_NAME = 15
"""PR_SET_NAME of Linux's prctl(2)."""


def front_of(node: str, namespace: str) -> str:
    """What stands in front of all that processes of a node are shown with."""
    return f"handoff node {node}" + (f" ({namespace})" if namespace != DEFAULT_NAMESPACE else "")


class Title:
    """What stands in front of all that a process is shown with, and that again; forks inherit it. On Linux alone."""

    def __init__(self, front: str) -> None:
        self._front = front.encode()
        self._memory = command_line() or memoryview(bytearray(1))
        # Where the last byte is none the kernel shows the environment behind it, too.
        self._room = self._used = len(self._memory) - 1
        self._prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def name(self, name: str) -> None:
        """Set what short lists show: 15 bytes at most."""
        if self._prctl is not None:
            self._prctl(_SET_NAME, name.encode(), 0, 0, 0)

    def show(self, what: bytes = b"") -> None:
        """Show that from now on, as far as there is room. It takes 1 us."""
        title = (self._front + what)[: self._room]
        changed = max(self._used, len(title))
        self._memory[:changed] = title.ljust(changed, b"\0")
        self._used = len(title)
