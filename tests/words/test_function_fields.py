"""A function as a value: equal, hashable, unchangeable, and when it is ready."""

from __future__ import annotations

import inspect
import pickle
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest

from handoff.words.constraints import Not
from handoff.words.function import Collocated, Function, delay_ms, due_ms
from handoff.words.variants import After
from support.functions import function


class TestFunction:
    def test_two_functions_with_equal_fields_are_equal(self) -> None:
        one = function(extra_args=[1, [2]], kwargs={"a": [1]}, cost={"cpu": 1})
        other = function(extra_args=(1, [2]), kwargs={"a": [1]}, cost={"cpu": 1})

        assert one == other
        assert hash(one) == hash(other)
        assert one != function(extra_args=(1, [2]), kwargs={"a": [2]}, cost={"cpu": 1})

    def test_a_function_with_several_costs_and_labels_can_be_hashed_and_compared(self) -> None:
        one = function(cost=[{"cpu": 1}, After(3, {"cpu": 2})], where={"zone": ["a", "b"]})
        other = function(cost=({"cpu": 1}, After(3, {"cpu": 2})), where={"zone": ["a", "b"]})

        assert one == other
        assert hash(one) == hash(other)
        assert one != function(cost=[{"cpu": 1}, After(4, {"cpu": 2})], where={"zone": ["a", "b"]})

    def test_the_fields_cannot_be_changed(self) -> None:
        with pytest.raises(AttributeError):
            function().priority = 1  # type: ignore[misc]

    def test_no_two_functions_share_their_default_kwargs(self) -> None:
        assert function().kwargs is not function().kwargs

    def test_a_function_survives_pickling(self) -> None:
        whole = function(
            extra_args=[1],
            node=Collocated("g"),
            cost=[{"cpu": 1.5}, After(3, {"cpu": 1})],
            where={"tier": Not(["spot"])},
        )

        assert pickle.loads(pickle.dumps(whole)) == whole

    def test_the_signature_is_the_published_one(self) -> None:
        parameters = inspect.signature(Function).parameters
        defaults = {name: getattr(function(), name) for name in list(parameters)[2:]}

        assert list(parameters)[:2] == ["id", "code"]
        assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in defaults)
        assert defaults == {
            "args": (),
            "extra_args": (),
            "kwargs": {},
            "cost": None,
            "node": None,
            "type": "regular",
            "argument_inclusion": "variadic",
            "max_retries": None,
            "timeout": None,
            "priority": 0,
            "duration": None,
            "strategy": None,
            "where": None,
            "on_infeasible": "wait",
            "delay": None,
            "at": None,
            "wait_ttl": None,
            "unique": None,
            "unique_ttl": None,
            "isolation": "warm",
            "on_node_loss": None,
            "on_memory_exceeded": None,
            "retry_on": None,
            "dont_retry_on": None,
            "retry_after": None,
        }


@pytest.fixture
def nine_hours_east() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "EAST-9")
        time.tzset()
        yield
    time.tzset()


class TestWhenItIsReady:
    @pytest.mark.parametrize(
        ("delay", "ms"),
        [
            (None, 0),
            (0, 0),
            (0.07, 70),
            (1.005, 1005),
            (Fraction(1, 2), 500),
            (timedelta(0), 0),
            (timedelta(milliseconds=70), 70),
            (timedelta(days=1, seconds=1), 86_401_000),
        ],
        ids=repr,
    )
    def test_a_delay_is_told_in_milliseconds(self, delay: Any, ms: int) -> None:
        assert delay_ms(function(delay=delay)) == ms

    @pytest.mark.parametrize(
        ("at", "ms"),
        [
            (None, 0),
            (datetime(1970, 1, 2, tzinfo=UTC), 86_400_000),
            (datetime(1970, 1, 2, tzinfo=timezone(timedelta(hours=1))), 82_800_000),
            (datetime(2038, 1, 19, 3, 14, 8, 7000, tzinfo=UTC), 2**31 * 1000 + 7),
        ],
        ids=repr,
    )
    def test_a_time_with_a_zone_is_told_as_unix_time(self, at: Any, ms: int) -> None:
        assert due_ms(function(at=at)) == ms

    @pytest.mark.usefixtures("nine_hours_east")
    def test_a_time_without_a_zone_is_local(self) -> None:
        assert due_ms(function(at=datetime(1970, 1, 2, 9))) == 86_400_000

    def test_a_time_between_two_milliseconds_is_not_reached_before_it(self) -> None:
        assert due_ms(function(at=datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC))) == 1001

    def test_a_time_before_1970_is_not_taken_for_none(self) -> None:
        assert due_ms(function(at=datetime(1969, 1, 1, tzinfo=UTC))) > 0
