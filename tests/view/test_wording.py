"""How figures, names and ids are written where there is little room."""

from __future__ import annotations

import pytest

from handoff.view.wording import compact, number, plural, rate, seconds, short_id, short_name
from handoff.words.resources import Amount


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.5, "0.5"), (0.3333, "0.33"), (12, "12"), (150.7, "151"), (999, "999"), (1000, "1k"),
        (1500, "1.5k"), (64_000, "64k"), (64_400, "64k"), (2_100_000, "2.1M"),
    ],
)  # fmt: skip
def test_an_amount_takes_five_places_at_most(value: Amount, text: str) -> None:
    assert compact(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.4, "0.4"), (12.04, "12"), (45.24, "45.2"), (1234.4, "1,234")])
def test_rates_have_no_more_digits_than_tell_something(value: float, text: str) -> None:
    assert rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.0004, "0 ms"), (0.25, "250 ms"), (2, "2.0 s"), (90, "90 s")]
)
def test_what_is_short_is_told_in_milliseconds(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_one_is_no_plural() -> None:
    assert [plural(count, "node") for count in (0, 1, 12_000)] == ["0 nodes", "1 node", "12,000 nodes"]
    assert plural(2, "it is", "they are") == "2 they are"


def test_a_name_is_told_by_its_last_two_parts() -> None:
    assert [short_name(name) for name in ("lab.models:train.step", "f", "")] == ["train.step", "f", ""]


def test_only_an_id_that_nobody_gave_is_shortened() -> None:
    assert short_id("b5c4baa8dbdb29eebf37757ab7fbda7a") == "b5c4baa8…"
    assert short_id("deadbeef-cafe") == "deadbeef-cafe"
    assert short_id("nightly-training-of-resnet") == "nightly-training-of-resnet"


def test_whole_numbers_have_no_point() -> None:
    assert [number(value) for value in (1234, 2.0, 2.504)] == ["1,234", "2", "2.5"]
