"""Which bytes the serializer writes, and what it makes of others."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.serializer import Serializer
from handoff.words.forms import FORMS
from support.random_values import values
from support.values import same

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
