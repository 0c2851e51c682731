"""The serializer gives back exactly what it was given, however deep or large."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PureWindowsPath
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

import fakeredis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rq.job import Job

from handoff.errors import NotSerializable
from handoff.serializer import Serializer
from handoff.words.packing import MAX_DEPTH
from support.random_values import values
from support.values import nested, round_trip, same


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
