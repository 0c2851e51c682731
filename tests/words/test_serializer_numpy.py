"""Arrays and scalars of NumPy come back as they were, or are refused."""

from __future__ import annotations

import sys
from typing import Any

import msgpack
import pytest

from handoff.errors import NotSerializable
from handoff.serializer import Serializer
from support.values import round_trip, same

numpy = pytest.importorskip("numpy")


def test_an_array_where_numpy_is_missing_is_a_value_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = Serializer.dumps(numpy.zeros(2))

    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(ValueError, match="numpy"):
        Serializer.loads(packed)


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
