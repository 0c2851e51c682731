"""Values of all kinds that the serializer carries; and when two of them are the same."""

from __future__ import annotations

import struct
from datetime import datetime, time, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from handoff.serializer import Serializer

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in type and content all the way down: signs of zero, order, zones, NaN and all."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, (set, frozenset)):
        left = list(other)
        for item in one:
            match = next((index for index, candidate in enumerate(left) if same(item, candidate)), None)
            if match is None:
                return False
            del left[match]
        return not left
    if isinstance(one, timezone):
        return repr(one) == repr(other)
    if isinstance(one, tzinfo):
        return one is other
    if isinstance(one, (datetime, time)):
        bare = bool(one.replace(tzinfo=None) == other.replace(tzinfo=None))
        return bare and one.fold == other.fold and same(one.tzinfo, other.tzinfo)
    if isinstance(one, UUID):
        return bool(one == other) and one.is_safe is other.is_safe
    if isinstance(one, Decimal):
        return bool(one.as_tuple() == other.as_tuple())
    if isinstance(one, PurePath):
        return one.parts == other.parts and str(one) == str(other)
    if numpy is not None and isinstance(one, numpy.ndarray):
        return (
            (one.dtype.str, one.dtype.char, one.shape) == (other.dtype.str, other.dtype.char, other.shape)
            and one.flags.fnc == other.flags.fnc
            and other.flags.writeable
            and all(map(same, one.flat, other.flat))
        )
    if numpy is not None and isinstance(one, (numpy.longdouble, numpy.clongdouble)):
        # Not by their bytes, of which some are padding.
        return repr(one) == repr(other)
    if numpy is not None and isinstance(one, numpy.generic) and not isinstance(one, (str, bytes)):
        return bool(one.tobytes() == other.tobytes())
    if isinstance(one, float):
        return struct.pack(">d", one) == struct.pack(">d", other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    return bool(one == other)


def round_trip(value: object) -> Any:
    return Serializer.loads(Serializer.dumps(value))


def nested(depth: int, kind: type[list[Any]] | type[tuple[Any, ...]] = list) -> Any:
    value: Any = kind()
    for _ in range(depth - 1):
        value = kind((value,))
    return value


class Colour(Enum):
    RED = 1
    WARM = (1, "a")
    MANY = [1, 2]  # noqa: RUF012
    HUGE = 2**70
    ODD = bytearray(b"x")
