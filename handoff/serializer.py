"""What crosses between processes, as bytes: msgpack that gives back exactly what it was given, or says what it cannot.

Knows nothing of Redis or rq, and imports NumPy only for data that needs it.
"""

from __future__ import annotations

import gc
import pickle
import re
import reprlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from importlib import import_module
from math import prod
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, Protocol, TypeGuard, runtime_checkable
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from msgpack import ExtType, Packer, unpackb

from handoff.errors import RESULT, NotSerializable

MAX_DEPTH = 500
"""How deep containers may be nested: below the 511 at which msgpack stops in some versions (1,024 in others)."""


@runtime_checkable
class SerializerLike(Protocol):
    """What rq asks of a serializer; a class with static methods will do."""

    def dumps(self, value: Any, /) -> bytes: ...

    def loads(self, data: bytes, /) -> Any: ...


class Serializer:
    """The msgpack serializer, also for rq itself: `rq ... -S handoff.serializer.Serializer`.

    Plain data is packed and unpacked by msgpack alone. The types that msgpack does not have are arrays that
    begin with a mark (see `_FORMS`), so that one pass packs any nesting without copies of copies.
    """

    @staticmethod
    def dumps(value: object, /, *, what: str = "the value") -> bytes:
        """Pack `value`; `NotSerializable` says where in `what` the first part stands that cannot be carried."""
        try:
            packed = _pack(value)
            _survey(value)
        except _Refused as refused:
            raise NotSerializable(_place(refused.culprit, value, what), refused.why) from None
        except BufferError:
            raise NotSerializable(what, "memoryview") from None
        except (ValueError, RecursionError) as error:
            raise NotSerializable(
                what, f"{_name(type(value))} that holds itself, or is too deep or too large ({error})"
            ) from None
        return packed

    @staticmethod
    def loads(data: bytes, /) -> Any:
        """Unpack what `dumps` made; `ValueError` for any other bytes, and never code run that they name.

        Timestamps of msgpack itself, as other languages write them, become datetimes in UTC.
        """
        reader = _Reader()
        try:
            value = unpackb(
                data,
                # Costs a call for every array, so only where a mark may be (the same two bytes may occur in a string).
                list_hook=reader.build if _MARK in data else None,
                ext_hook=reader.mark,
                strict_map_key=False,
                unicode_errors="surrogatepass",
                timestamp=3,
            )
        except (ValueError, TypeError, LookupError, ArithmeticError, OSError, ImportError) as error:
            raise ValueError(_unreadable(str(error) or type(error).__name__)) from error
        if reader.open_marks:
            raise ValueError(_unreadable("a mark stands where none belongs"))
        return value


class PickleSerializer:
    """rq's own rule, for those who ask for it: pickle in its highest protocol. Loading runs what the bytes say."""

    @staticmethod
    def dumps(value: object, /) -> bytes:
        """Pickle `value`."""
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)

    @staticmethod
    def loads(data: bytes, /) -> Any:
        """Unpickle what `dumps` made."""
        return pickle.loads(data)


def resolve(name_or_serializer: str | SerializerLike | None = None) -> SerializerLike:
    """Find the serializer meant: "msgpack" (or None), "pickle", or any object with `dumps` and `loads`."""
    if name_or_serializer is None or name_or_serializer == "msgpack":
        return Serializer
    if name_or_serializer == "pickle":
        return PickleSerializer
    if isinstance(name_or_serializer, str) or not isinstance(name_or_serializer, SerializerLike):
        raise ValueError(
            f"{name_or_serializer!r} is not a serializer: "
            'give "msgpack", "pickle" or an object with dumps(value) and loads(data)'
        )
    return name_or_serializer


def dumps_arguments(
    serializer: SerializerLike,
    func_name: str,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    *,
    function_id: str = "",
) -> bytes:
    """Make the bytes that rq keeps as a job's `data`.

    `NotSerializable` names the argument that is in the way, and the function if it is told which.
    """
    try:
        return _dumps_call(serializer, func_name, tuple(args), dict(kwargs))
    except NotSerializable as error:
        if not function_id:
            raise
        raise NotSerializable(f"{error.argument} of function {function_id!r}", error.type) from error.__cause__


def _dumps_call(
    serializer: SerializerLike, func_name: str, args: tuple[object, ...], kwargs: dict[str, object]
) -> bytes:
    try:
        return dumps_value(serializer, (func_name, None, args, kwargs), "the call")
    except NotSerializable:
        for index, value in enumerate(args):
            dumps_value(serializer, value, f"argument {index}")
        for name, value in kwargs.items():
            dumps_value(serializer, value, f"keyword argument {name!r}")
        raise


def dumps_result(serializer: SerializerLike, result: object) -> bytes:
    """Make the bytes that rq keeps as a return value; `NotSerializable` speaks of the result."""
    return dumps_value(serializer, result, RESULT)


def dumps_value(serializer: SerializerLike, value: object, what: str) -> bytes:
    """Serialize `value`; `NotSerializable` says where in `what` the first part stands that cannot be carried."""
    if serializer is Serializer:
        return Serializer.dumps(value, what=what)
    try:
        return serializer.dumps(value)
    # Not Exception: the timeout that rq raises inside a running function must pass.
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, LookupError, RuntimeError) as error:
        raise NotSerializable(what, _name(type(value))) from error


class _Refused(Exception):
    """`culprit` cannot be carried, wherever in the value it stands."""

    def __init__(self, culprit: object, why: str) -> None:
        super().__init__(culprit, why)
        self.culprit, self.why = culprit, why


class _Form(NamedTuple):
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
    kind = "ZoneInfo without a key" if type(zone) is ZoneInfo else _name(type(zone))
    raise _Refused(value, f"{_name(type(value))} with a zone that is a {kind}")


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
        raise _Refused(value, f"{_name(type(value))} that its own text does not give back")
    return [text]


_DTYPE = re.compile(r"[<>|][biufcSU][1-9][0-9]{0,9}")


def _numpy_of(value: object) -> Any:
    """NumPy if `value` is one of its arrays or scalars proper, else None: whoever has such a value has imported it."""
    numpy = sys.modules.get("numpy") if type(value).__module__ == "numpy" else None
    if numpy is None:
        return None
    if type(value) is numpy.ndarray or (isinstance(value, numpy.generic) and type(value) is value.dtype.type):
        return numpy
    return None


def _dtype_fields(numpy: Any, value: Any) -> list[object]:
    """[order, kind and size; C type; bits of mantissa of a long double, else 0].

    The C type tells `longlong` from a `long` of the same size. The mantissa tells apart the long doubles of
    two kinds of machine, which share a size and nothing else.
    """
    dtype = value.dtype
    if not _DTYPE.fullmatch(dtype.str):
        raise _Refused(value, f"{_name(type(value))} of {dtype}")
    return [dtype.str, dtype.char, int(numpy.finfo(dtype).nmant) if dtype.char in "gG" else 0]


def _dtype_from(numpy: Any, text: str, char: str, mantissa: int) -> Any:
    if not _DTYPE.fullmatch(text) or len(char) != 1:
        raise ValueError(f"no dtype {text!r} is carried")
    dtype = numpy.dtype(char).newbyteorder(text[0])
    if dtype.str != text:
        dtype = numpy.dtype(text)
    if mantissa and numpy.finfo(dtype).nmant != mantissa:
        raise ValueError(f"a long double here is not the one of {mantissa} bits that was written")
    return dtype


def _array_fields(value: Any) -> list[object]:
    order = "F" if value.flags.fnc else "C"
    return [*_dtype_fields(sys.modules["numpy"], value), list(value.shape), order, value.tobytes(order)]


def _array(text: str, char: str, mantissa: int, shape: list[int], order: str, data: bytes) -> Any:
    numpy: Any = import_module("numpy")
    dtype = _dtype_from(numpy, text, char, mantissa)
    if prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data)} bytes are not an array of {dtype} and shape {shape}")
    # The copy is the array's own memory, so that it may be written to.
    return numpy.ndarray(shape, dtype, data, order=order).copy(order)


def _scalar_fields(value: Any) -> list[object]:
    """["U", str], ["S", bytes], or the dtype and the bytes: a buffer of text would lose zeros at its end."""
    if isinstance(value, str):
        return ["U", str.__str__(value)]
    if isinstance(value, bytes):
        return ["S", bytes(value)]
    return [*_dtype_fields(sys.modules["numpy"], value), value.tobytes()]


def _scalar(kind: str, content: Any, *rest: Any) -> object:
    numpy: Any = import_module("numpy")
    if kind == "U" and not rest:
        return numpy.str_(content)
    if kind == "S" and not rest:
        return numpy.bytes_(content)
    mantissa, data = rest
    scalar: object = _array(kind, content, mantissa, [], "C", data)[()]
    return scalar


# One table of what is written. Functions that wait in Redis outlive an upgrade: a code keeps its meaning for good,
# and a form that changes takes a new one. msgpack itself reserves the codes below 0.
_FORMS = (
    _Form(0, tuple, lambda value: value, lambda *items: items),
    _Form(1, set, tuple, lambda *items: set(items)),
    _Form(2, frozenset, tuple, lambda *items: frozenset(items)),
    # Only ints outside msgpack's 64 bits: two's complement, most significant byte first.
    _Form(
        3,
        int,
        lambda value: [value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)],
        lambda data: int.from_bytes(data, "big", signed=True),
    ),
    _Form(4, complex, lambda value: [value.real, value.imag], complex),
    _Form(5, Decimal, lambda value: [str(value)], Decimal),
    _Form(6, datetime, _datetime_fields, _datetime),
    _Form(7, date, lambda value: [value.year, value.month, value.day], date),
    _Form(8, time, _time_fields, _time),
    _Form(9, timedelta, lambda value: [value.days, value.seconds, value.microseconds], timedelta),
    _Form(
        10,
        UUID,
        lambda value: [value.bytes, value.is_safe.value],
        lambda data, safe: UUID(int=int.from_bytes(data), is_safe=SafeUUID(safe)),
    ),
    _Form(11, PurePosixPath, _path_fields, PurePosixPath),
    _Form(12, PureWindowsPath, _path_fields, PureWindowsPath),
    _Form(13, type(Path()), _path_fields, Path),
    # Arrays, then scalars, of NumPy, which need not be there: `_form` finds these two without a type.
    _Form(14, None, _array_fields, _array),
    _Form(15, None, _scalar_fields, _scalar),
)

_MARK = b"\xc7\x00"
"""The bytes with which every mark begins: an extension (8-bit length) of length 0."""

_NATIVE = frozenset({type(None), bool, int, float, str, bytes, list, dict})
_MARKS = [ExtType(form.code, b"") for form in _FORMS]
_BY_CODE = {form.code: form for form in _FORMS}
_BY_TYPE = {form.type: form for form in _FORMS if form.type is not None}
_CARRIED = _NATIVE | _BY_TYPE.keys()
_HASHING = frozenset({dict, set, frozenset})
_CONTAINERS = _HASHING | {list, tuple}


def _form(value: object) -> object:
    """Give what msgpack writes in place of a value of none of its own types."""
    form = _BY_TYPE.get(type(value))
    if form is None:
        if _is_enum(value):
            inner = value.value
            fits = type(inner) is not int or inner.bit_length() < 64
            return inner if type(inner) in _NATIVE and fits else _form(inner)
        numpy = _numpy_of(value)
        if numpy is None:
            raise _Refused(value, _name(type(value)))
        form = _BY_CODE[14 if isinstance(value, numpy.ndarray) else 15]
    return [_MARKS[form.code], *form.fields(value)]


def _pack(value: object) -> bytes:
    try:
        packed: bytes = Packer(default=_form, strict_types=True).pack(value)
    except UnicodeEncodeError:
        # Lone surrogates are rare, and to allow for them makes every string a third slower to pack.
        packed = Packer(default=_form, strict_types=True, unicode_errors="surrogatepass").pack(value)
    return packed


def _survey(value: object) -> None:
    """Refuse what msgpack has packed without asking `_form` and would not give back as it was.

    Those are bytearray, memoryview and msgpack's own types, deeper nesting than can be unpacked everywhere, and
    dict keys and set elements that an enum's value makes equal or unhashable. It comes after packing, which has
    ended, so the value holds no cycle. Level by level, for whole levels are examined in C.
    """
    level, walked, enums = [value], list[list[object]](), False
    for _ in range(MAX_DEPTH + 1):
        kinds = set(map(type, level))
        members: list[object] = []
        for kind in kinds - _CARRIED:
            if issubclass(kind, Enum):
                members += [item.value for item in level if type(item) is kind]
            elif kind.__module__ != "numpy":
                raise _Refused(next(item for item in level if type(item) is kind), _name(kind))
        containers = level if kinds <= _CONTAINERS else [item for item in level if type(item) in _CONTAINERS]
        if not containers and not members:
            break
        enums = enums or bool(members)
        walked.append(containers)
        # Gives every item of these five types; of a dict whose keys are all str, the values only.
        level = gc.get_referents(*containers) + members
    else:
        raise _Refused(value, f"{_name(type(value))} nested more than {MAX_DEPTH} deep")
    if enums:
        for container in (item for containers in walked for item in containers if type(item) in _HASHING):
            _compare_keys(container)


def _compare_keys(container: Any) -> None:
    """Refuse a dict or set whose keys would not all come back, as {Colour.RED, 1} where Colour.RED.value is 1."""
    if all(type(key) in _NATIVE for key in container):
        return
    try:
        distinct = len(set(Serializer.loads(_pack(list(container)))))
    except (TypeError, ValueError):
        distinct = 0
    if distinct != len(container):
        raise _Refused(container, f"{_name(type(container))} that loses keys once each enum is its value")


class _Reader:
    """The hooks of one `loads`, and the count of marks that have not met the array they begin."""

    __slots__ = ("open_marks",)

    def __init__(self) -> None:
        self.open_marks = 0

    def mark(self, code: int, data: bytes) -> _Form:
        form = _BY_CODE.get(code)
        if form is None or data:
            raise ValueError(f"extension code {code} with {len(data)} bytes is not one of its marks")
        self.open_marks += 1
        return form

    def build(self, items: list[Any]) -> object:
        if items and type(items[0]) is _Form:
            self.open_marks -= 1
            return items[0].build(*items[1:])
        return items


def _unreadable(reason: str) -> str:
    return (
        f"these bytes were not written by Handoff's msgpack serializer, or something that they need is missing here "
        f"({reason}): give both sides the same serializer and version of Handoff"
    )


def _is_enum(value: object) -> TypeGuard[Enum]:
    # By the type proper: a mock or proxy of an enum's member answers isinstance as if it were one.
    return issubclass(type(value), Enum)


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _place(culprit: object, value: object, what: str) -> str:
    """Spell where in `value` the `culprit` stands: "argument 0['a'][3]"."""
    if value is culprit:
        return what
    seen = {id(value)}
    open_walks = [_parts(value, what)]
    while open_walks:
        for part, place in open_walks[-1]:
            if part is culprit:
                return place
            if (type(part) in _CONTAINERS or _is_enum(part)) and id(part) not in seen:
                seen.add(id(part))
                open_walks.append(_parts(part, place))
                break
        else:
            open_walks.pop()
    return what


def _parts(value: object, place: str) -> Iterator[tuple[object, str]]:
    if _is_enum(value):
        yield value.value, f"{place}.value"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key, f"a key of {place}"
            yield item, f"{place}[{_spell(key)}]"
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield item, f"{place}[{index}]"
    elif isinstance(value, (set, frozenset)):
        for item in value:
            yield item, f"an element of {place}"


def _spell(key: object) -> str:
    try:
        return reprlib.repr(key)
    except ValueError:
        # Python does not write out an int of more than 4,300 digits.
        return f"a long {_name(type(key))}"
