"""How the types are written that msgpack lacks: one table of forms, each an array of a mark and fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, TypeGuard
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from msgpack import ExtType

from handoff.words.numpy_forms import array_fields, build_array, build_scalar, numpy_of, scalar_fields
from handoff.words.refused import Refused, type_name


class Form(NamedTuple):
    """How a type that msgpack lacks is written: an array of a mark (`ExtType(code, b"")`) and fields."""

    code: int
    type: type | None
    fields: Callable[[Any], Sequence[object]]
    """The value's fields; each may be anything that can be carried."""
    build: Callable[..., object]
    """Takes the fields and gives the value back; may raise on fields that `fields` did not make."""


def _zone(value: datetime | time) -> str | list[object] | None:
    """None, the key of a ZoneInfo, or [offset in microseconds, name or None]."""
    zone = value.tzinfo
    if zone is None:
        return None
    if type(zone) is ZoneInfo and zone.key is not None:
        return zone.key
    if type(zone) is timezone:
        # What pickle asks too: `tzname` cannot tell a name that was given from the one made of the offset.
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [offset // timedelta(microseconds=1), name[0] if name else None]
    kind = "ZoneInfo without a key" if type(zone) is ZoneInfo else type_name(type(zone))
    raise Refused(value, f"{type_name(type(value))} with a zone that is a {kind}")


def _zone_from(field: str | list[Any] | None) -> ZoneInfo | timezone | None:
    if field is None:
        return None
    if isinstance(field, str):
        return ZoneInfo(field)
    microseconds, name = field
    offset = timedelta(microseconds=microseconds)
    return timezone(offset) if name is None else timezone(offset, name)


def _datetime_fields(value: datetime) -> list[object]:
    day = [value.year, value.month, value.day]
    return [*day, value.hour, value.minute, value.second, value.microsecond, value.fold, _zone(value)]


def _datetime(*fields: Any) -> datetime:
    *numbers, fold, zone = fields
    return datetime(*numbers).replace(fold=fold, tzinfo=_zone_from(zone))


def _time_fields(value: time) -> list[object]:
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, _zone(value)]


def _time(*fields: Any) -> time:
    *numbers, fold, zone = fields
    return time(*numbers).replace(fold=fold, tzinfo=_zone_from(zone))


def _path_fields(value: PurePath) -> list[object]:
    """The path with slashes, which every system reads; a few Windows paths mean something else once they are text."""
    text = value.as_posix()
    if type(value)(text).parts != value.parts:
        raise Refused(value, f"{type_name(type(value))} that its own text does not give back")
    return [text]


# One table of what is written. Functions that wait in Redis outlive an upgrade: a code keeps its meaning for good,
# and a form that changes takes a new one. msgpack itself reserves the codes below 0.
FORMS = (
    Form(0, tuple, lambda value: value, lambda *items: items),
    Form(1, set, tuple, lambda *items: set(items)),
    Form(2, frozenset, tuple, lambda *items: frozenset(items)),
    # Only ints outside msgpack's 64 bits: two's complement, most significant byte first.
    Form(
        3,
        int,
        lambda value: [value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)],
        lambda data: int.from_bytes(data, "big", signed=True),
    ),
    Form(4, complex, lambda value: [value.real, value.imag], complex),
    Form(5, Decimal, lambda value: [str(value)], Decimal),
    Form(6, datetime, _datetime_fields, _datetime),
    Form(7, date, lambda value: [value.year, value.month, value.day], date),
    Form(8, time, _time_fields, _time),
    Form(9, timedelta, lambda value: [value.days, value.seconds, value.microseconds], timedelta),
    Form(
        10,
        UUID,
        lambda value: [value.bytes, value.is_safe.value],
        lambda data, safe: UUID(int=int.from_bytes(data), is_safe=SafeUUID(safe)),
    ),
    Form(11, PurePosixPath, _path_fields, PurePosixPath),
    Form(12, PureWindowsPath, _path_fields, PureWindowsPath),
    Form(13, type(Path()), _path_fields, Path),
    # Arrays, then scalars, of NumPy, which need not be there: `written` finds these two without a type.
    Form(14, None, array_fields, build_array),
    Form(15, None, scalar_fields, build_scalar),
)

MARK = b"\xc7\x00"
"""The bytes with which every mark begins: an extension (8-bit length) of length 0."""

NATIVE = frozenset({type(None), bool, int, float, str, bytes, list, dict})
_MARKS = [ExtType(form.code, b"") for form in FORMS]
BY_CODE = {form.code: form for form in FORMS}
_BY_TYPE = {form.type: form for form in FORMS if form.type is not None}
CARRIED = NATIVE | _BY_TYPE.keys()
HASHING = frozenset({dict, set, frozenset})
CONTAINERS = HASHING | {list, tuple}
SINGLE = NATIVE - CONTAINERS


def written(value: object) -> object:
    """Give what msgpack writes in place of a value of none of its own types."""
    form = _BY_TYPE.get(type(value))
    if form is None:
        if is_enum(value):
            inner = value.value
            fits = type(inner) is not int or inner.bit_length() < 64
            return inner if type(inner) in NATIVE and fits else written(inner)
        numpy = numpy_of(value)
        if numpy is None:
            raise Refused(value, type_name(type(value)))
        form = BY_CODE[14 if isinstance(value, numpy.ndarray) else 15]
    return [_MARKS[form.code], *form.fields(value)]


def is_enum(value: object) -> TypeGuard[Enum]:
    """Whether it is a member of an enum."""
    # By the type proper: a mock or proxy of an enum's member answers isinstance as if it were one.
    return issubclass(type(value), Enum)
