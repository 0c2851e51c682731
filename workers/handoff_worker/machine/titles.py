"""What lists of processes show of the agent, its nursery and its children: which node it is, and what runs.

It is written over the arguments that the process was started with. The environment behind these stays as it is: there
the mark is read of who has forked it. A fork that is to have others shows memory of its own.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Mapping
from pathlib import Path

from handoff.ledger.passwords import command_line
from handoff.words.address import DEFAULT_NAMESPACE

_SET_NAME = 15
"""PR_SET_NAME of Linux's prctl(2)."""

_SET_MM, _MM_MAP, _MM_MAP_SIZE = 35, 14, 15
"""PR_SET_MM: where the kernel finds the parts of a process, all at once, which needs no right of its own."""

_MM = struct.Struct("@11QPII")
"""struct prctl_mm_map; behind the addresses an auxiliary vector and a file, neither of which is set."""

_CODE, _STACK, _DATA = slice(23, 25), 25, slice(42, 45)
"""Where in /proc/<pid>/stat behind the name it stands where these begin and end; behind the data the heap begins."""

_NO_FILE = 2**32 - 1

_ROOM = 1024
"""Bytes of titles in memory of one's own."""


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


def can_show_others() -> bool:
    """Whether the kernel lets a process show other arguments than it was started with: Linux mostly does."""
    prctl, size = getattr(ctypes.CDLL(None), "prctl", None), ctypes.c_uint()
    asked = (_SET_MM, ctypes.c_ulong(_MM_MAP_SIZE), ctypes.byref(size), ctypes.c_ulong(0), ctypes.c_ulong(0))
    return prctl is not None and prctl(*asked) == 0 and size.value == _MM.size


def show_others(environment: Mapping[bytes, bytes]) -> object:
    """Show from now on no arguments, with room for a title, and this environment. -> what must be kept for it

    Raises `OSError`.
    """
    shown = b"".join(b"%b=%b\0" % pair for pair in environment.items()) or b"\0"
    # Of shared memory the kernel would show nothing.
    memory = mmap.mmap(-1, _ROOM + len(shown), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[_ROOM:] = shown
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    found = list(map(int, Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[1:]))
    found.insert(0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sbrk.restype = ctypes.c_size_t
    places = _MM.pack(
        *found[_CODE], *found[_DATA], libc.sbrk(ctypes.c_ssize_t(0)), found[_STACK],
        begin, begin + _ROOM, begin + _ROOM, begin + len(memory), 0, 0, _NO_FILE,
    )  # fmt: skip
    if libc.prctl(_SET_MM, ctypes.c_ulong(_MM_MAP), places, ctypes.c_ulong(len(places)), ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), "the kernel does not let a process show other arguments")
    return memory
