"""Packs any value that can be carried in one pass of msgpack, and refuses what would not come back as it was."""

from __future__ import annotations

import gc
from enum import Enum
from typing import Any

from msgpack import Packer, unpackb

from handoff.shown import LONGEST_SHOWN, shown
from handoff.words.forms import BY_CODE, CARRIED, CONTAINERS, HASHING, MARK, NATIVE, SINGLE, Form, written
from handoff.words.refused import Refused, type_name

_MISREAD = (
    ValueError, TypeError, LookupError, ArithmeticError, OSError, ImportError, AttributeError, MemoryError,
    RecursionError,
)  # fmt: skip
"""Not all that there is: the limit of time of a function may strike in the midst of it."""

MAX_DEPTH = 500
"""How deep containers may be nested: below the 511 at which msgpack stops in some versions (1,024 in others)."""


def pack(value: object) -> bytes:
    """Pack `value`, which is to be surveyed then. Raises `Refused`; of msgpack what it says of size and depth."""
    try:
        packed: bytes = Packer(default=written, strict_types=True).pack(value)
    except UnicodeEncodeError:
        # Lone surrogates are rare, and to allow for them makes every string a third slower to pack.
        packed = Packer(default=written, strict_types=True, unicode_errors="surrogatepass").pack(value)
    return packed


def unpack(data: bytes) -> Any:
    """Unpack what `pack` made; `ValueError` for any other bytes, and never code run that they name.

    Timestamps of msgpack itself, as other languages write them, become datetimes in UTC.
    """
    reader = _Reader()
    try:
        value = unpackb(
            data,
            # Costs a call for every array, so only where a mark may be (the same two bytes may occur in a string).
            list_hook=reader.build if MARK in data else None,
            ext_hook=reader.mark,
            strict_map_key=False,
            unicode_errors="surrogatepass",
            timestamp=3,
        )
    except _MISREAD as error:
        said = str(error) or type(error).__name__
        # It may repeat what it could not read, however long that is.
        is_short = len(said) <= LONGEST_SHOWN and said.isprintable()
        raise ValueError(_unreadable(said if is_short else shown(said))) from error
    if reader.open_marks:
        raise ValueError(_unreadable("a mark stands where none belongs"))
    return value


def survey(value: object) -> None:
    """Refuse what msgpack has packed without asking `written` and would not give back as it was.

    Those are bytearray, memoryview and msgpack's own types, deeper nesting than can be unpacked everywhere, and
    dict keys and set elements that an enum's value makes equal or unhashable. It comes after packing, which has
    ended, so the value holds no cycle. Level by level, for whole levels are examined in C.
    """
    if type(value) in SINGLE:
        return
    level, walked, enums = [value], list[list[object]](), False
    for _ in range(MAX_DEPTH + 1):
        kinds = set(map(type, level))
        members: list[object] = []
        for kind in kinds - CARRIED:
            if issubclass(kind, Enum):
                members += [item.value for item in level if type(item) is kind]
            elif kind.__module__ != "numpy":
                raise Refused(next(item for item in level if type(item) is kind), type_name(kind))
        containers = level if kinds <= CONTAINERS else [item for item in level if type(item) in CONTAINERS]
        if not containers and not members:
            break
        enums = enums or bool(members)
        walked.append(containers)
        # Gives every item of these five types; of a dict whose keys are all str, the values only.
        level = gc.get_referents(*containers) + members
    else:
        raise Refused(value, f"{type_name(type(value))} nested more than {MAX_DEPTH} deep")
    if enums:
        for container in (item for containers in walked for item in containers if type(item) in HASHING):
            _compare_keys(container)


def _compare_keys(container: Any) -> None:
    """Refuse a dict or set whose keys would not all come back, as {Colour.RED, 1} where Colour.RED.value is 1."""
    if all(type(key) in NATIVE for key in container):
        return
    try:
        distinct = len(set(unpack(pack(list(container)))))
    except (TypeError, ValueError):
        distinct = 0
    if distinct != len(container):
        raise Refused(container, f"{type_name(type(container))} that loses keys once each enum is its value")


class _Reader:
    """The hooks of one `unpack`, and the count of marks that have not met the array they begin."""

    __slots__ = ("open_marks",)

    def __init__(self) -> None:
        self.open_marks = 0

    def mark(self, code: int, data: bytes) -> Form:
        form = BY_CODE.get(code)
        if form is None or data:
            raise ValueError(f"extension code {code} with {len(data)} bytes is not one of its marks")
        self.open_marks += 1
        return form

    def build(self, items: list[Any]) -> object:
        if items and type(items[0]) is Form:
            self.open_marks -= 1
            return items[0].build(*items[1:])
        return items


def _unreadable(reason: str) -> str:
    return (
        f"these bytes were not written by Handoff's msgpack serializer, or something that they need is missing here "
        f"({reason}): give both sides the same serializer and version of Handoff"
    )
