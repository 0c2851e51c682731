"""The serializer gives back exactly what it was given, or says where the part stands that it cannot carry."""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
import threading
from collections import Counter, OrderedDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum, auto
from fractions import Fraction
from io import BytesIO
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

import fakeredis
import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer, PickleSerializer, resolve_serializer

from handoff.errors import NotSerializable
from handoff.serializer import Serializer, dumps_arguments, dumps_result, resolve
from handoff.words.forms import FORMS
from handoff.words.packing import MAX_DEPTH

try:
    import numpy
    from hypothesis.extra import numpy as hypothesis_numpy
except ImportError:
    numpy = None  # type: ignore[assignment]

needs_numpy = pytest.mark.skipif(numpy is None, reason="NumPy is not installed")


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


offsets = st.timedeltas(timedelta(hours=-24, microseconds=1), timedelta(hours=24, microseconds=-1))
all_text = st.text(st.characters(exclude_categories=()))
zones = st.one_of(
    st.none(),
    st.just(UTC),
    st.timezones(),
    st.builds(timezone, offsets),
    st.builds(timezone, offsets, all_text),
)
folds = st.sampled_from([0, 1])
segments = st.text(st.sampled_from("aB. é\ud800"), max_size=5)


def paths(kind: type[PurePath]) -> st.SearchStrategy[PurePath]:
    root = st.sampled_from(["", "/", "//", "C:", "C:/", "//server/share/"])
    return st.builds(lambda start, parts: kind(start, *parts), root, st.lists(segments, max_size=3))


hashable_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**300), 2**300),
    st.sampled_from([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, -(2**64)]),
    st.floats(),
    st.complex_numbers(),
    all_text,
    st.binary(),
    st.dates(),
    st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), st.datetimes(), zones, folds),
    st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), st.times(), zones, folds),
    st.timedeltas(),
    st.decimals().filter(lambda value: not value.is_snan()),
    st.builds(UUID, int=st.integers(0, 2**128 - 1), is_safe=st.sampled_from(SafeUUID)),
    paths(PurePosixPath),
    paths(PureWindowsPath),
    paths(Path),
)
hashables = st.recursive(
    hashable_leaves,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
leaves = hashable_leaves | st.sampled_from([Decimal("sNaN"), Decimal("-sNaN7"), Decimal("-0E-9"), Decimal("1E+99")])
if numpy is not None:
    dtypes = st.one_of(
        st.sampled_from([*"?bBhHiIlLqQefdgFDG"]).map(numpy.dtype),
        st.sampled_from([*"HiIqefdgFDG"]).map(lambda char: numpy.dtype(char).newbyteorder(">")),
        hypothesis_numpy.byte_string_dtypes(max_len=4),
        hypothesis_numpy.unicode_string_dtypes(endianness="?", max_len=4),
    )
    shapes = hypothesis_numpy.array_shapes(min_dims=0, min_side=0, max_side=3)
    arrays = st.builds(
        lambda array, order: array.copy(order), hypothesis_numpy.arrays(dtypes, shapes), st.sampled_from("CF")
    )
    leaves = leaves | arrays | dtypes.flatmap(lambda dtype: hypothesis_numpy.from_dtype(dtype.newbyteorder("=")))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.sets(hashables, max_size=4),
        st.frozensets(hashables, max_size=4),
        st.dictionaries(hashables, inner, max_size=4),
        st.dictionaries(st.text(), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(values)
def test_whatever_is_carried_comes_back_equal_in_type_and_value(value: object) -> None:
    assert same(value, round_trip(value))


@settings(max_examples=100, deadline=None)
@given(st.lists(values, max_size=3).map(tuple), st.dictionaries(st.text(), values, max_size=3))
def test_a_job_in_redis_has_the_arguments_it_was_created_with(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    connection = fakeredis.FakeStrictRedis()
    job = Job.create("package.module.function", args, kwargs, connection=connection, serializer=Serializer)
    job.meta["given"] = {"args": args}
    job.save()

    found = Job.fetch(job.id, connection=connection, serializer="handoff.serializer.Serializer")

    assert found.func_name == "package.module.function"
    assert found.instance is None
    assert same(args, found.args)
    assert same(kwargs, found.kwargs)
    assert same({"given": {"args": args}}, found.meta)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        -0.0,
        complex(-0.0, float("nan")),
        True,
        1,
        -(2**63) - 1,
        2**64 - 1,
        10**5000,
        "\ud800 alone, and \U0001f600 whole",
        {"\udcff": ("\udcff",)},
        datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")),
        datetime.max.replace(tzinfo=timezone(timedelta(seconds=-86399, microseconds=1))),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")),
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(0), "UTC")),
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1), "")),
        time(2, 30, fold=1, tzinfo=timezone(timedelta(hours=5, minutes=53, seconds=28, microseconds=1), "LMT")),
        timedelta.max,
        timedelta.min,
        Decimal("-sNaN123"),
        Decimal("-0.00"),
        Decimal("1E+999999"),
        UUID(int=2**128 - 1, is_safe=SafeUUID.unsafe),
        Path("/a/b"),
        Path(),
        PureWindowsPath(r"\\server\share\x"),
        {None: 1, (1, (2,)): 2, 3: 3, b"k": 4, frozenset({(1, 2)}): 5, "s": 6, 1.5: 7, Decimal("2.5"): 8},
        [(), [], {}, set(), frozenset(), "", b"", ((),)],
        {1, "a", (2, frozenset({3}))},
        ["\xc7\x00", b"\xc7\x00\x00", [b"\xc7\x00"]],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_at_the_edge_of_its_type_comes_back_as_it_was(value: object) -> None:
    assert same(value, round_trip(value))


def test_two_nans_stay_two_keys() -> None:
    value = {float("nan"): 1, float("nan"): 2, (float("nan"),): 3}

    assert same(value, round_trip(value))


@pytest.mark.parametrize(
    "value", [bytes(64 * 2**20), "é" * (32 * 2**20), (["x" * 100] * 700_000,)], ids=["bytes", "str", "list in tuple"]
)
def test_64_megabytes_are_carried(value: object) -> None:
    assert round_trip(value) == value


@pytest.mark.parametrize("kind", [list, tuple])
def test_nesting_is_carried_up_to_the_limit_and_refused_beyond(kind: type[list[Any]] | type[tuple[Any, ...]]) -> None:
    deepest = nested(MAX_DEPTH, kind)

    assert round_trip(deepest) == deepest
    with pytest.raises(NotSerializable, match="nested more than 500 deep"):
        Serializer.dumps(nested(MAX_DEPTH + 1, kind))
    with pytest.raises(NotSerializable, match="too deep"):
        Serializer.dumps(nested(100_000, kind))


def test_a_value_that_holds_itself_is_refused() -> None:
    in_list: list[object] = []
    in_list += [in_list, in_list]
    in_dict: dict[str, object] = {}
    in_dict["self"] = (in_dict,)

    for value in in_list, in_dict, [in_list]:
        with pytest.raises(NotSerializable, match="holds itself"):
            Serializer.dumps(value)


def test_a_value_that_stands_in_two_places_is_carried_twice() -> None:
    shared = [1]

    first, second = round_trip([shared, shared])

    assert first == second == [1]
    assert first is not second


class Colour(Enum):
    RED = 1
    WARM = (1, "a")
    MANY = [1, 2]  # noqa: RUF012
    HUGE = 2**70
    ODD = bytearray(b"x")


class Level(IntEnum):
    LOW = 1


class Mode(StrEnum):
    FAST = "fast"


class Bits(Flag):
    A = auto()
    B = auto()


class Wrapped(Enum):
    COLOUR = Colour.WARM


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (Colour.RED, 1),
        (Colour.WARM, (1, "a")),
        (Colour.MANY, [1, 2]),
        (Colour.HUGE, 2**70),
        (Level.LOW, 1),
        (Mode.FAST, "fast"),
        (Bits.A | Bits.B, 3),
        (Wrapped.COLOUR, (1, "a")),
    ],
    ids=repr,
)
def test_an_enum_comes_back_as_its_value(member: Enum, value: object) -> None:
    assert same(value, round_trip(member))
    assert same({"k": [(value,)]}, round_trip({"k": [(member,)]}))


def test_an_enum_as_a_key_comes_back_as_its_value() -> None:
    assert same({1: "a", (1, "a"): {1}}, round_trip({Colour.RED: "a", Colour.WARM: {Colour.RED}}))


@pytest.mark.parametrize(
    "value",
    [
        {Colour.RED: "a", 1: "b"},
        {Colour.RED, 1},
        {(Colour.RED,): "a", (1,): "b"},
        {Colour.MANY: 1},
        {frozenset({Colour.RED, 1}): 1},
    ],
    ids=repr,
)
def test_enums_that_would_lose_keys_as_their_values_are_refused(value: object) -> None:
    with pytest.raises(NotSerializable, match="loses keys once each enum is its value"):
        Serializer.dumps([value])


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


def test_a_result_is_packed_as_any_value() -> None:
    assert Serializer.loads(dumps_result(Serializer, (1, {2}))) == (1, {2})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Serializer, Serializer),
        (resolve("pickle"), PickleSerializer),
        (JSONSerializer, JSONSerializer),
    ],
    ids=["msgpack", "pickle", "a user's"],
)
def test_the_arguments_are_the_bytes_that_rq_itself_would_store(ours: Any, theirs: Any) -> None:
    args, kwargs = (1, "a", [2.5, None]), {"x": {"y": True}}
    job = Job.create("module.function", args, kwargs, connection=fakeredis.FakeStrictRedis(), serializer=theirs)

    assert dumps_arguments(ours, "module.function", args, kwargs) == job.data


def test_a_timeout_raised_while_a_result_is_pickled_is_not_taken_for_a_refusal() -> None:
    class Timeout(Exception):
        pass

    class Slow:
        def __reduce__(self) -> str:
            raise Timeout

    with pytest.raises(Timeout):
        dumps_result(resolve("pickle"), Slow())


def test_an_rq_worker_carries_arguments_and_results_with_it() -> None:
    connection = fakeredis.FakeStrictRedis()
    queue = Queue(connection=connection, serializer=Serializer)
    value = {"when": datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), (1, 2): {Decimal("1.50")}}

    job = queue.enqueue("copy.deepcopy", value)
    SimpleWorker([queue], connection=connection, serializer=Serializer).work(burst=True)

    assert same(value, job.return_value(refresh=True))
    result = job.latest_result()
    assert result is not None
    assert same(value, result.return_value)


def test_rq_finds_it_by_its_path() -> None:
    assert resolve_serializer("handoff.serializer.Serializer") is Serializer


def test_a_name_resolves_to_its_serializer() -> None:
    assert resolve(None) is Serializer
    assert resolve("msgpack") is Serializer
    assert resolve(JSONSerializer) is JSONSerializer
    assert resolve("pickle").dumps((1, {2})) == pickle.dumps((1, {2}), protocol=pickle.HIGHEST_PROTOCOL)
    assert resolve("pickle").loads(pickle.dumps({2})) == {2}


@pytest.mark.parametrize("name", ["json", "", "handoff.serializer.Serializer", 5, object()])
def test_another_name_is_refused_with_what_is_allowed(name: Any) -> None:
    with pytest.raises(ValueError, match='give "msgpack", "pickle" or an object with dumps'):
        resolve(name)


SAMPLE = ("module.function", None, (1, {2: b"x"}, datetime(2024, 1, 1, tzinfo=UTC), 2**80), {"x": {Decimal(1)}})


def test_data_cut_short_or_run_on_is_a_value_error() -> None:
    packed = Serializer.dumps(SAMPLE)

    for length in range(len(packed)):
        with pytest.raises(ValueError, match="were not written by"):
            Serializer.loads(packed[:length])
    with pytest.raises(ValueError, match="were not written by"):
        Serializer.loads(packed + b"\x00")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        pickle.dumps(SAMPLE),
        msgpack.packb(msgpack.ExtType(100, b"")),
        msgpack.packb(msgpack.ExtType(0, b"x")),
        msgpack.packb(msgpack.ExtType(0, b"")),
        msgpack.packb([1, msgpack.ExtType(0, b"")]),
        msgpack.packb({msgpack.ExtType(0, b""): 1}),
        msgpack.packb([msgpack.ExtType(1, b""), [1]]),
        msgpack.packb([msgpack.ExtType(4, b""), 1, 2, 3]),
        msgpack.packb([msgpack.ExtType(6, b""), 2024, 13, 1, 0, 0, 0, 0, 0, None]),
        msgpack.packb([msgpack.ExtType(6, b""), 2024, 1, 1, 0, 0, 0, 0, 0, "No/Where"]),
        msgpack.packb([msgpack.ExtType(6, b""), 2024, 1, 1, 0, 0, 0, 0, 0, "../../etc/passwd"]),
        msgpack.packb([msgpack.ExtType(10, b""), "0123456789abcdef", 0]),
        msgpack.packb({1: 2}).replace(b"\x01", b"\x90"),
        b"\x91" * 5000,
        "text",
        None,
    ],
    ids=lambda data: repr(data)[:40],
)
def test_foreign_bytes_are_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError, match="these bytes were not written by"):
        Serializer.loads(data)


def mutations(packed: bytes) -> st.SearchStrategy[bytes]:
    def change(places: list[tuple[int, int]]) -> bytes:
        changed = bytearray(packed)
        for place, byte in places:
            changed[place] = byte
        return bytes(changed)

    return st.lists(st.tuples(st.integers(0, len(packed) - 1), st.integers(0, 255)), min_size=1, max_size=3).map(change)


@settings(max_examples=300, deadline=None)
@given(st.binary() | values.map(Serializer.dumps).flatmap(mutations))
def test_any_bytes_give_a_value_or_a_value_error_and_nothing_else(data: bytes) -> None:
    try:
        Serializer.loads(data)
    except ValueError as error:
        assert "these bytes were not written by" in str(error)  # noqa: PT017


def test_a_timestamp_of_another_msgpack_program_is_a_datetime_in_utc() -> None:
    assert same(datetime(1970, 1, 2, tzinfo=UTC), Serializer.loads(msgpack.packb(msgpack.Timestamp(86400))))


def test_no_two_forms_share_a_code_or_a_type() -> None:
    forms = FORMS
    typed = [form.type for form in forms if form.type is not None]

    assert [form.code for form in forms] == list(range(len(forms)))
    assert len(set(typed)) == len(typed)


def test_the_bytes_of_each_form_stay_what_they_were() -> None:
    written = Serializer.dumps(
        [
            (1,),
            {1},
            frozenset(),
            2**64,
            1j,
            Decimal("1.5"),
            datetime(2024, 1, 2, 3, 4, 5, 6, timezone(timedelta(hours=1), "X"), fold=1),
            date(2024, 1, 2),
            time(1, 2, 3, 4, ZoneInfo("UTC")),
            timedelta(1, 2, 3),
            UUID(int=1),
            PurePosixPath("a"),
            PureWindowsPath("C:/a"),
            Path("a"),
        ]
    )

    assert written.hex() == (
        "9e92c7000001" + "92c7000101" + "91c70002"
        "92c70003c409010000000000000000" + "93c70004cb0000000000000000cb3ff0000000000000"
        "92c70005a3312e35"
        "9ac70006cd07e801020304050601" + "92ceD693A400a158".lower() + "94c70007cd07e80102"
        "97c700080102030400a3555443" + "94c70009010203"
        "93c7000ac41000000000000000000000000000000001c0"
        "92c7000ba161" + "92c7000ca4433a2f61" + "92c7000da161"
    )


def test_plain_data_neither_imports_numpy_nor_needs_it() -> None:
    program = (
        "import sys; from datetime import date; from handoff.serializer import Serializer as S;"
        "assert S.loads(S.dumps((1, {date(2024, 1, 1)}))) == (1, {date(2024, 1, 1)});"
        "assert 'numpy' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=30, env={"PYTHONPATH": ":".join(sys.path)})


@needs_numpy
def test_an_array_where_numpy_is_missing_is_a_value_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = Serializer.dumps(numpy.zeros(2))

    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(ValueError, match="numpy"):
        Serializer.loads(packed)


if numpy is not None:
    ARRAYS = [
        numpy.array(1.5),
        numpy.zeros((0, 3), ">i2"),
        numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
        numpy.arange(10)[::3],
        numpy.arange(24).reshape(2, 3, 4).transpose(1, 2, 0),
        numpy.array(["é", "abc\0", ""]),
        numpy.array([b"\0a", b"b\0"]),
        numpy.array([True, False]),
        numpy.array([1 + 2j, complex("nan")], ">c8"),
        numpy.array([1, 2], "longdouble"),
        numpy.array([-0.0, float("nan")], "f2"),
        numpy.array([1], numpy.longlong),
        numpy.frombuffer(b"12345678", "<i4"),
        numpy.broadcast_to(numpy.arange(3), (2, 3)),
        numpy.float64(-0.0),
        numpy.float32("nan"),
        numpy.longlong(3),
        numpy.longdouble("1.1"),
        numpy.bool_(True),
        numpy.complex64(1j),
        numpy.str_("a\0"),
        numpy.str_(""),
        numpy.bytes_(b"\0\0"),
        {numpy.int8(1): {numpy.float64(2.5), numpy.str_("k")}},
    ]
    REFUSED_ARRAYS = [
        (numpy.array([object()]), "numpy.ndarray of object"),
        (numpy.zeros(1, "i4, f8"), "numpy.ndarray of"),
        (numpy.zeros(1, "i4, f8")[0], "numpy.void"),
        (numpy.array(["2024"], "M8[D]"), r"numpy.ndarray of datetime64\[D\]"),
        (numpy.datetime64("2024"), r"numpy.datetime64"),
        (numpy.timedelta64(1, "s"), r"numpy.timedelta64"),
        (numpy.ma.masked_array([1]), "MaskedArray"),
        (numpy.zeros(1).view(numpy.recarray), "recarray"),
        (numpy.dtype("f8"), "dtype"),
        (type("Mine", (numpy.float64,), {})(1), "Mine"),
        (numpy.array(["a"], numpy.dtypes.StringDType()), "StringDType"),
        (numpy.zeros(1, "S0, i4")["f0"], "numpy.ndarray of |S0"),
    ]

    @pytest.mark.parametrize("value", ARRAYS, ids=lambda value: type(value).__name__)
    def test_numpy_comes_back_with_its_dtype_shape_and_contents(value: Any) -> None:
        assert same(value, round_trip(value))

    @pytest.mark.parametrize(("value", "named"), REFUSED_ARRAYS, ids=lambda value: type(value).__name__)
    def test_numpy_of_another_kind_is_refused(value: Any, named: str) -> None:
        with pytest.raises(NotSerializable, match=named) as caught:
            Serializer.dumps({"x": [value]})

        assert caught.value.argument == "the value['x'][0]"

    @pytest.mark.parametrize(
        "fields",
        [
            ["|O", "O", 0, [1], "C", bytes(8)],
            ["<f8", "d", 0, [2], "C", bytes(8)],
            ["<f8", "d", 0, [1], "C", bytes(16)],
            ["<f8", "d", 0, [-1], "C", bytes(8)],
            ["<f8", "d", 0, [2**62, 2**62], "C", b""],
            ["<f8", "d", 0, [1], "Z", bytes(8)],
            ["<f8", "d", 0, [-1, -1], "C", bytes(8)],
            ["|S0", "S", 0, [10**15], "C", b""],
            ["<f16", "g", 99, [1], "C", bytes(16)],
            ["<M8[s]", "M", 0, [1], "C", bytes(8)],
        ],
        ids=repr,
    )
    def test_an_array_that_was_never_written_is_a_value_error(fields: list[Any]) -> None:
        with pytest.raises(ValueError, match="these bytes were not written by"):
            Serializer.loads(msgpack.packb([msgpack.ExtType(14, b""), *fields]))
