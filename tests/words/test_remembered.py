"""What is remembered is bounded, and begins anew."""

from __future__ import annotations

from handoff.words.remembered import Remembered


def test_of_more_than_it_may_hold_it_has_the_last() -> None:
    squares: Remembered[int, int] = Remembered(3)
    for number in range(8):
        assert squares.keep(number, number * number) == number * number

        assert len(squares) <= 3
    assert squares.get(7) == 49


def test_of_what_comes_to_an_end_it_has_all() -> None:
    squares: Remembered[int, int] = Remembered(None)
    for number in range(1000):
        squares.keep(number, number * number)

    assert len(squares) == 1000
