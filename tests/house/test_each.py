"""What is asked of many in one test is asked of each, and fails for any."""

from __future__ import annotations

import inspect

import pytest

from support.each import of_each


def test_the_first_that_fails_is_named_and_those_before_it_were_asked() -> None:
    asked = []

    @pytest.mark.slow
    @of_each("number", [1, 2, 3])
    def never_two(number: int, besides: str) -> None:
        asked.append((number, besides))
        assert number != 2

    with pytest.raises(AssertionError) as failed:
        never_two(besides="x")

    assert asked == [(1, "x"), (2, "x")]
    assert failed.value.__notes__ == ["number: 2"]
    assert list(inspect.signature(never_two).parameters) == ["besides"]


def test_what_else_a_test_is_given_is_kept() -> None:
    @of_each("number", [1])
    @pytest.mark.slow
    def asked(number: int) -> None:
        assert number == 1

    assert [mark.name for mark in vars(asked)["pytestmark"]] == ["slow"]
    assert asked.__name__ == "asked"
