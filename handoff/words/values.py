"""What a value must be to count as a whole number, a number, seconds of waiting, or text that can be sent."""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Real
from typing import Any, Literal

from handoff.errors import shown

LONGEST_WAIT_S = 10**9
"""Delays and limits of waiting: in ms, far below the last exact integer of Lua."""

WAITS = f"seconds above 0 and at most {LONGEST_WAIT_S}"
"""What `is_wait` asks for, in words."""

LONGEST_TTL_S = 10**10
"""Three centuries; Redis refuses expiries that pass 2**63 ms."""

TTLS = "whole seconds, 0 to keep nothing, -1 for ever"
"""What `is_ttl` asks for, in words."""

LARGEST_COUNT = 10**9
"""Of retries and the like: in units of an amount, far below the last exact integer of Lua."""


def is_int(value: object) -> bool:
    """Whether it is an int proper: a bool is not meant as a number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """Whether it is a number that can be compared; NumPy's scalars are too."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_wait(value: Any) -> bool:
    """Whether it is seconds for which something may wait: above 0, and not for ever."""
    return is_real(value) and 0 < value <= LONGEST_WAIT_S


def is_ttl(value: Any) -> bool:
    """Whether it is seconds for which something may be kept: 0 = not at all, -1 = for ever."""
    return is_int(value) and -1 <= value <= LONGEST_TTL_S


def is_count(value: Any, least: int, most: int = LARGEST_COUNT) -> bool:
    """Whether it is an int proper from `least` to `most`."""
    return is_int(value) and least <= value <= most


def is_one_of(value: object, choices: Collection[str]) -> bool:
    """Whether it is one of these texts. Of any other type it is not even compared: it may refuse."""
    return isinstance(value, str) and value in choices


def check_flag(name: str, value: object) -> None:
    """Raise `ValueError` unless it is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {shown(value)}: give True or False")


Replace = bool | Literal["ended"]
"""Whether one of the same id makes way: one that has failed or was canceled; or one that has ended, however."""


def check_replace(value: object) -> None:
    """Raise `ValueError` unless it is a `Replace`."""
    if not isinstance(value, bool) and not is_one_of(value, ("ended",)):
        raise ValueError(f'replace is {shown(value)}: give True, False or "ended"')


def replace_level(value: Replace) -> int:
    """As the scripts take it."""
    return 2 if value == "ended" else int(value)


def patience_s(timeout: Any, name: str = "timeout") -> float:
    """How long a call is to wait: seconds, 0 for those below it; None is as long as it takes. Raises `ValueError`."""
    if timeout is None:
        return math.inf
    # Not `timeout <= 0`, which says nothing of nan.
    if not is_real(timeout) or timeout != timeout:
        raise ValueError(f"{name} is {shown(timeout)}: give seconds, or None to wait for as long as it takes")
    return math.inf if timeout > LONGEST_WAIT_S else float(max(0, timeout))


def is_unicode(text: str) -> bool:
    """Whether UTF-8 carries it: a lone surrogate is half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
