"""Passwords where others can read them: in what is said, in errors of redis-py, and on a command line."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HIDDEN = "***"

_IN_ADDRESSES = re.compile(r"(?<=://)[^\s\0]*(?=@)|(?<=password=)[^\s\0&#]+")
"""All before the last `@` of an address, for who writes no user may mean it as one; and options behind it."""

_ARGUMENTS = 45
"""Where in /proc/<pid>/stat behind the name it stands where the arguments begin and end."""


def without_passwords(text: str) -> str:
    """The same text without those in addresses."""
    return _IN_ADDRESSES.sub(HIDDEN, text)


def passwords_of(client: Any) -> set[str]:
    """The passwords with which a client logs in, at its sentinels too."""
    pool = client.connection_pool
    settings = [pool.connection_kwargs, getattr(getattr(pool, "sentinel_manager", None), "sentinel_kwargs", {})]
    return {each["password"] for each in settings if isinstance(each.get("password"), str) and each["password"]}


def hide(error: BaseException, passwords: Iterable[str]) -> None:
    """Take passwords out of an error, and out of those that led to it: a server may repeat what it does not know."""
    found: BaseException | None = error
    while found is not None:
        found.args = tuple(_without(each, passwords) if isinstance(each, str) else each for each in found.args)
        found = found.__cause__ or found.__context__


def hide_command_line() -> None:
    """Write over the passwords of addresses among the arguments of this process, which all users of the host can read.

    On Linux alone: elsewhere they stay.
    """
    if not any(_IN_ADDRESSES.search(argument) for argument in sys.orig_argv):
        return
    if memory := command_line():
        for found in re.finditer(_IN_ADDRESSES.pattern.encode(), bytes(memory)):
            memory[slice(*found.span())] = b"*" * len(found[0])


def command_line() -> memoryview | None:
    """The memory in which others find the arguments of this process; None where that is not known."""
    try:
        shown = Path("/proc/self/cmdline").read_bytes()
        begin, end = map(int, Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[_ARGUMENTS:][:2])
    except (OSError, ValueError):
        return None
    # What stands there must be what others see: nothing else is written over.
    if end - begin != len(shown) or ctypes.string_at(begin, len(shown)) != shown:
        return None
    return memoryview((ctypes.c_char * len(shown)).from_address(begin)).cast("B")


def _without(text: str, passwords: Iterable[str]) -> str:
    for password in passwords:
        text = text.replace(password, HIDDEN)
    return text
