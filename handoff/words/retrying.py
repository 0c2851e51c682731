"""What follows an attempt that raised: whether another one comes, and how long after."""

from __future__ import annotations

from collections.abc import Sequence

from handoff.words.values import LONGEST_WAIT_S, is_real, is_unicode, is_wait

RetryOn = type[BaseException] | str | Sequence[type[BaseException] | str]
"""Exceptions, their subclasses with them: classes, or dotted names of such."""

RetryAfter = float | Sequence[float]
"""Seconds after each attempt, or one after the other; the last of them holds for all that follow."""

MOST = 100
"""Exceptions, or seconds, that a function names."""

LONGEST_NAME = 255
"""Characters of an exception's name."""


def exception_names(given: RetryOn) -> list[str]:
    """The names of exceptions, `ValueError`, `package.module.Error`. Raises `ValueError` with the rule."""
    each = [given] if isinstance(given, (str, type)) else given
    if not isinstance(each, (list, tuple)) or not 0 < len(each) <= MOST:
        raise ValueError(f"give an exception, its dotted name, or a list of 1 to {MOST} of them")
    return [_name_of(one) for one in each]


def is_after(given: RetryAfter) -> bool:
    """Whether these are seconds after attempts."""
    each = given if isinstance(given, (list, tuple)) else (given,)
    return 0 < len(each) <= MOST and all(is_wait(one) or (is_real(one) and one == 0) for one in each)


def after_ms(given: RetryAfter | None) -> list[int]:
    """The ms after the first attempt, after the second, ...; none where nothing is said."""
    if given is None:
        return []
    return [round(1000 * each) for each in (given if isinstance(given, (list, tuple)) else (given,))]


AFTER_RULE = f"give seconds from 0 to {LONGEST_WAIT_S}, or a list of 1 to {MOST} of such"


def full_name(kind: type[BaseException]) -> str:
    """What an exception is called wherever its type is told of: a built-in one has no module in front."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _name_of(given: object) -> str:
    if isinstance(given, type) and issubclass(given, BaseException):
        name = full_name(given)
    elif isinstance(given, str):
        name = given.replace(":", ".").removeprefix("builtins.")
    else:
        raise ValueError("give exceptions, as classes or by their dotted names")
    # Those made inside a function have `<locals>` in theirs.
    is_name = all(part == "<locals>" or part.isidentifier() for part in name.split("."))
    if not is_name or len(name) > LONGEST_NAME or not is_unicode(name):
        raise ValueError(f'give names such as "package.module.Error", of at most {LONGEST_NAME} characters')
    return name
