"""What random graphs consist of: functions that tell their arguments apart, and fail as often as they are told to."""

from __future__ import annotations

import zlib

from handoff.client.current import current


def work(*args: object, **kwargs: object) -> None:
    """Do nothing."""


def tell(*args: object, fails: int = 0, **kwargs: object) -> object:
    """Return a short value of some type that depends on all arguments and their order; fail in the first attempts.

    The attempts are those of the function that runs, also where this one is evaluated within another.
    """
    if fails and current().attempt <= fails:
        raise ValueError(f"attempt {current().attempt} of {fails} that fail")
    return told(*args, **kwargs)


def told(*args: object, **kwargs: object) -> object:
    """What `tell` returns at last."""
    digest = zlib.crc32(repr((args, sorted(kwargs.items()))).encode())
    values: list[object] = [None, digest, str(digest), [digest], (digest, None), {"of": digest}, {digest: [()]}, True]
    return values[digest % len(values)]


async def tell_later(*args: object, fails: int = 0, **kwargs: object) -> object:
    """The same, as a coroutine."""
    return tell(*args, fails=fails, **kwargs)


def pack(value: object, source: str, *static: object) -> object:
    """Serialize: say what was packed, and where."""
    return {"value": value, "at": source, "as": list(static)}


def unpack(value: object, source: str, target: str, *static: object) -> object:
    """Deserialize: say what came from where, and where it arrived."""
    return [value, source, target, *static]
