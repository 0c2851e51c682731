"""The serializer says where the part stands that it cannot carry."""

from __future__ import annotations

import struct
import threading
from collections import Counter, OrderedDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from fractions import Fraction
from io import BytesIO
from pathlib import PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import msgpack
import pytest

from handoff.errors import NotSerializable
from handoff.serializer import Serializer, dumps_arguments, dumps_result, resolve
from handoff.words.packing import MAX_DEPTH
from support.values import Colour, nested


class SubList(list[Any]):
    pass


class SubDate(date):
    pass


class SubStr(str):
    pass


class SubInt(int):
    pass


class SubZone(tzinfo):
    def utcoffset(self, at: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, at: datetime | None) -> None:
        return None

    def tzname(self, at: datetime | None) -> str:
        return "Z"


Point = namedtuple("Point", "x y")

REFUSED = [
    (object(), "object"),
    (Serializer, "type"),
    (len, "builtin_function_or_method"),
    (lambda: None, "function"),
    (bytearray(b"x"), "bytearray"),
    (memoryview(b"x"), "memoryview"),
    (memoryview(b"abcd")[::2], "memoryview"),
    (msgpack.ExtType(0, b""), "msgpack.ext.ExtType"),
    (msgpack.Timestamp(0), "msgpack.ext.Timestamp"),
    (Point(1, 2), "Point"),
    (OrderedDict(a=1), "collections.OrderedDict"),
    (Counter("a"), "collections.Counter"),
    (SubList(), "SubList"),
    (SubDate(2024, 1, 1), "SubDate"),
    (SubStr("s"), "SubStr"),
    (SubInt(1), "SubInt"),
    (Fraction(1, 2), "fractions.Fraction"),
    (range(3), "range"),
    (ValueError("x"), "ValueError"),
    (Colour.ODD, "bytearray"),
    (ZoneInfo("UTC"), "zoneinfo.ZoneInfo"),
    (UTC, "datetime.timezone"),
    (datetime(2024, 1, 1, tzinfo=SubZone()), "datetime.datetime with a zone that is a "),
    (time(1, tzinfo=SubZone()), "datetime.time with a zone that is a "),
]


@pytest.mark.parametrize(
    ("value", "named"), REFUSED, ids=[f"{named} {index}" for index, (_, named) in enumerate(REFUSED)]
)
def test_what_is_not_listed_is_refused_wherever_it_stands(value: Any, named: str) -> None:
    for holder in value, [value], (1, value), {"a": {"b": [value]}}, ["\ud800", value]:
        with pytest.raises(NotSerializable) as caught:
            Serializer.dumps(holder)

        assert named in caught.value.type


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_what_msgpack_would_take_for_bytes_is_refused_in_every_container(kind: type) -> None:
    class Hashable(Enum):
        MEMBER = kind(b"x")

    bad = kind(b"x")
    for holder in [bad], (bad,), {"k": bad}, {1: bad}, {"k": 1, (1,): bad}, {Hashable.MEMBER}, {Hashable.MEMBER: 1}:
        with pytest.raises(NotSerializable, match=kind.__name__):
            Serializer.dumps(holder)


@pytest.mark.skipif(
    PureWindowsPath(str(PureWindowsPath("./c:b"))) == PureWindowsPath("./c:b"), reason="this Python reads it back"
)
def test_a_path_that_its_text_does_not_give_back_is_refused() -> None:
    with pytest.raises(NotSerializable, match="PureWindowsPath that its own text does not give back"):
        Serializer.dumps(PureWindowsPath("./c:b"))


def test_a_zone_without_a_key_is_refused() -> None:
    utc_in_a_file = b"TZif" + bytes(16) + struct.pack(">6i", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
    nameless = ZoneInfo.from_file(BytesIO(utc_in_a_file))

    with pytest.raises(NotSerializable, match="ZoneInfo without a key"):
        Serializer.dumps(datetime(2024, 1, 1, tzinfo=nameless))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object, "the value"),
        ({"a": [0, 1, 2, object]}, "the value['a'][3]"),
        ([(1, {2: object})], "the value[0][1][2]"),
        ({(1, object): 1}, "a key of the value[1]"),
        ([{object}], "an element of the value[0]"),
        ({"a": Colour.ODD}, "the value['a'].value"),
        ({"a" * 1000: object}, "the value['aaaaaaaaaaaa...aaaaaaaaaaaaa']"),
        ({10**5000: object}, "the value[a long int]"),
    ],
    ids=["itself", "dict and list", "tuple", "in a key", "in a set", "in an enum", "a long key is cut", "a huge key"],
)
def test_a_refusal_says_where_in_the_value_the_culprit_stands(value: object, place: str) -> None:
    with pytest.raises(NotSerializable) as caught:
        Serializer.dumps(value)

    assert caught.value.argument == place


def test_the_place_is_found_in_a_value_whose_parts_are_shared_many_times_over() -> None:
    shared: list[object] = [1]
    for _ in range(15):
        shared = [shared, shared]

    with pytest.raises(NotSerializable) as caught:
        Serializer.dumps([shared, [object]])

    assert caught.value.argument == "the value[1][0]"


class Fleeting(Enum):
    MEMBER = 1

    @property
    def value(self) -> object:  # type: ignore[override]
        return object()


def test_a_culprit_that_is_gone_when_it_is_looked_for_is_refused_without_its_place() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(NotSerializable) as caught:
        Serializer.dumps([Fleeting.MEMBER, endless])

    assert (caught.value.argument, caught.value.type) == ("the value", "object")


@pytest.mark.parametrize("name", ["msgpack", "pickle"])
@pytest.mark.parametrize(
    ("args", "kwargs", "argument"),
    [
        ((1, threading.Lock()), {}, "argument 1"),
        ((1,), {"x": threading.Lock()}, "keyword argument 'x'"),
    ],
    ids=["by position", "by name"],
)
def test_the_argument_in_the_way_is_named(name: str, args: tuple[Any, ...], kwargs: Any, argument: str) -> None:
    with pytest.raises(NotSerializable) as caught:
        dumps_arguments(resolve(name), "package.module.function", args, kwargs)

    assert caught.value.argument == argument
    assert caught.value.type == "_thread.lock"


def test_the_place_in_an_argument_is_spelled_out() -> None:
    with pytest.raises(NotSerializable) as positional:
        dumps_arguments(Serializer, "module.function", ({"a": [0, 1, 2, object()]},), {})
    with pytest.raises(NotSerializable) as named:
        dumps_arguments(Serializer, "module.function", (), {"x": [object()]})

    assert positional.value.argument == "argument 0['a'][3]"
    assert named.value.argument == "keyword argument 'x'[0]"


def test_arguments_that_only_together_are_too_deep_are_still_refused_by_name_of_the_call() -> None:
    with pytest.raises(NotSerializable) as caught:
        dumps_arguments(Serializer, "module.function", (nested(MAX_DEPTH),), {})

    assert caught.value.argument == "the call"


@pytest.mark.parametrize("name", ["msgpack", "pickle"])
def test_a_result_in_the_way_is_called_the_result(name: str) -> None:
    with pytest.raises(NotSerializable) as caught:
        dumps_result(resolve(name), threading.Lock())

    assert caught.value.argument == "the result"
