"""Bars, devices, rates and tables as characters, which say the same without a colour."""

from __future__ import annotations

from fractions import Fraction

import pytest
from rich.text import Text

from handoff.top.bars import bar, devices, sparkline, use_cell
from handoff.top.table import Column, Row, Table, line_of, plain, share, widths_of
from handoff.why.use import Use


@pytest.mark.parametrize(
    ("part", "drawn"),
    [
        (0, "····"), (-1, "····"), (0.001, "▏···"), (0.5, "██··"), (0.54, "██▏·"), (0.999, "███▉"), (1, "████"),
        (float(Fraction(1, 3) * 3), "████"), (7, "████"),
    ],
)  # fmt: skip
def test_only_what_is_full_looks_full_and_what_is_in_use_at_all_is_seen(part: float, drawn: str) -> None:
    assert bar(part, 4).plain == drawn


def test_what_is_over_is_told_by_its_figures() -> None:
    assert use_cell(Use(20, 16, None), 4).plain == "████ 20/16"


@pytest.mark.parametrize(
    ("used", "sizes", "drawn"),
    [
        ({0: 0, 1: 0.5, 2: 1}, None, "·▄█"), ({0: 0.01}, None, "▁"), ({0: 12_000, 1: 0}, {0: 24_000, 1: 24_000}, "▄·"),
        (dict.fromkeys(range(20), 1), None, "█" * 16 + "…"),
    ],
)  # fmt: skip
def test_each_device_is_as_high_as_it_is_used(
    used: dict[int, float], sizes: dict[int, float] | None, drawn: str
) -> None:
    assert devices(used, sizes).plain == drawn


def test_a_rate_is_drawn_ten_seconds_a_character_and_the_most_is_the_highest() -> None:
    assert sparkline([0] * 10 + [1] * 10 + [2] * 10, 30, "").plain == "·▄█"
    assert sparkline([5] * 30, 2, "").plain == "██"
    assert sparkline([5] * 30, 0, "").plain == ""
    assert sparkline([], 9, "").plain == ""


def table(*columns: Column, cells: list[str]) -> Table:
    return Table(columns, [Row("key", [Text(cell) for cell in cells])], "none")


def test_the_widest_column_that_may_be_cut_gives_way() -> None:
    found = table(Column("a"), Column("b", 5), Column("c", 5), cells=["x" * 10, "y" * 30, "z" * 12])

    assert widths_of(found, found.rows, 100) == [10, 30, 12]
    assert widths_of(found, found.rows, 38) == [10, 12, 12]
    assert widths_of(found, found.rows, 5) == [10, 5, 5]


@pytest.mark.parametrize("wide", [5, 20, 38, 60])
def test_a_line_is_as_wide_as_there_is_room_and_says_where_it_is_cut(wide: int) -> None:
    found = table(Column("a"), Column("b", 5, right=True), cells=["日本語", "y" * 40])

    line = line_of(found, found.rows[0].cells, widths_of(found, found.rows, wide), wide)

    assert line.cell_len == wide
    assert ("…" in line.plain) == (wide < 48)


def test_a_row_is_found_by_what_it_says_whatever_the_case_and_by_its_key() -> None:
    (row,) = table(Column("a"), cells=["Films.Convert"]).rows

    assert row.matches("convert")
    assert row.matches("KEY")
    assert not row.matches("nothing")


@pytest.mark.parametrize(
    ("wanted", "room", "given"),
    [([3, 9], 20, [3, 9]), ([3, 9], 10, [3, 7]), ([9, 9, 1], 9, [4, 4, 1]), ([5, 5], 0, [0, 0]), ([], 9, [])],
)
def test_room_is_shared_alike_and_nobody_gets_more_than_he_wants(
    wanted: list[int], room: int, given: list[int]
) -> None:
    assert share(wanted, room) == given


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb\tc", "a b c"), ("\x1b[31mred\x07", "[31mred"), ("ü 日本", "ü 日本"), ("\u202eabc", "abc")],
)
def test_what_is_somebody_elses_is_one_line_without_what_a_terminal_acts_on(text: str, shown: str) -> None:
    assert plain(text).plain.strip() == shown
