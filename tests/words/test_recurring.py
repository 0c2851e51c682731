"""Moments at which something recurs: over a year in three time zones, and across the nights that have other hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from handoff.words.recurring import LATE_MS, MOST_MISSED, Recurrence, moment_text, parse_recurrence

ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe")
"""The last changes by half an hour."""

DAY_MS = 86_400_000


def at(zone: str, *moment: int) -> int:
    return round(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[arg-type,misc]


def year_of(text: str, zone: str) -> list[datetime]:
    """All moments of 2026, by the clocks of that zone."""
    first, last = at(zone, 2026, 1, 1), at(zone, 2027, 1, 1)
    recurrence, moment, found = parse_recurrence(text, zone, first), first - 1, []
    while (moment := recurrence.after(moment)) < last:
        found.append(datetime.fromtimestamp(moment / 1000, ZoneInfo(zone)))
    return found


class TestYear:
    @pytest.mark.parametrize("zone", ZONES)
    @pytest.mark.parametrize("text", ["30 1 * * *", "30 2 * * *", "15 2 * * *", "0 3 * * *", "0 0 * * *"])
    def test_what_recurs_daily_comes_once_each_day(self, text: str, zone: str) -> None:
        moments = year_of(text, zone)

        assert [moment.date() for moment in moments] == [
            datetime(2026, 1, 1).date() + timedelta(days=day) for day in range(365)
        ]

    @pytest.mark.parametrize("zone", ZONES)
    def test_it_comes_at_its_time_on_all_days_but_those_that_do_not_have_it(self, zone: str) -> None:
        others = [moment for moment in year_of("30 2 * * *", zone) if (moment.hour, moment.minute) != (2, 30)]

        assert len(others) <= 1
        assert all(moment.hour == 3 and moment.minute == 0 for moment in others)

    @pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
    def test_what_recurs_hourly_comes_each_hour_that_there_is(self, zone: str) -> None:
        moments = [moment.astimezone(UTC) for moment in year_of("0 * * * *", zone)]

        assert len(moments) == 365 * 24
        assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(hours=1)}

    @pytest.mark.parametrize("text", ["0 * * * *", "0 0-23 * * *", "@hourly"])
    def test_each_way_of_saying_hourly_comes_in_an_hour_that_the_night_has_twice(self, text: str) -> None:
        hourly = parse_recurrence(text, "Europe/Paris", 0)

        assert moment_text(hourly.after(at("Europe/Paris", 2026, 10, 25, 2))) == "20261025T010000Z"

    @pytest.mark.parametrize("zone", ZONES)
    def test_working_days_are_those_of_the_zone(self, zone: str) -> None:
        assert {moment.isoweekday() for moment in year_of("0 0 * * 1-5", zone)} == {1, 2, 3, 4, 5}


class TestNights:
    def test_an_hour_that_is_not_there_is_made_up_for_at_its_end(self) -> None:
        daily = parse_recurrence("30 2 * * *", "Europe/Paris", 0)

        assert moment_text(daily.after(at("Europe/Paris", 2026, 3, 28, 12))) == "20260329T010000Z"

    def test_of_an_hour_that_comes_twice_the_first_counts(self) -> None:
        daily, eve = parse_recurrence("30 2 * * *", "Europe/Paris", 0), at("Europe/Paris", 2026, 10, 24, 12)

        assert [moment_text(daily.after(eve)), moment_text(daily.after(daily.after(eve)))] == [
            "20261025T003000Z",
            "20261026T013000Z",
        ]

    def test_what_recurs_within_the_hour_comes_in_both(self) -> None:
        often = parse_recurrence("*/30 * * * *", "Europe/Paris", 0)
        moment, found = at("Europe/Paris", 2026, 10, 25, 1, 45), []
        for _ in range(5):
            moment = often.after(moment)
            found.append(moment_text(moment)[9:13])

        assert found == ["0000", "0030", "0100", "0130", "0200"]


class TestSeconds:
    def test_they_are_counted_from_when_that_was_said(self) -> None:
        every = parse_recurrence(timedelta(seconds=90), None, 1000)

        assert [every.after(1000), every.after(90_999), every.after(91_000)] == [91_000, 91_000, 181_000]
        assert (every.text, parse_recurrence(1.5, None, 0).after(0)) == ("90", 1500)

    def test_however_long_nobody_was_there_the_last_moment_is_found_at_once(self) -> None:
        passed = parse_recurrence(1, None, 0).passed(1000, 10**12 + 500)

        assert (passed.latest_ms, passed.next_ms, passed.count) == (10**12, 10**12 + 1000, MOST_MISSED + 1)


class TestPassed:
    def test_what_is_found_in_time_is_the_moment_itself(self) -> None:
        daily, due = parse_recurrence("0 3 * * *", None, 0), at("UTC", 2026, 1, 1, 3)

        passed = daily.passed(due, due + 400)

        assert (passed.latest_ms, passed.next_ms, passed.count) == (due, due + DAY_MS, 1)
        assert passed.is_run("none", due + 400)

    def test_of_many_that_were_missed_the_last_is_told(self) -> None:
        daily, due = parse_recurrence("0 3 * * *", None, 0), at("UTC", 2026, 1, 1, 3)
        now = due + 4 * DAY_MS + LATE_MS + 1

        passed = daily.passed(due, now)

        assert (passed.latest_ms, passed.next_ms, passed.count) == (due + 4 * DAY_MS, due + 5 * DAY_MS, 5)
        assert (passed.is_run("last", now), passed.is_run("none", now)) == (True, False)

    def test_after_more_than_are_counted_it_is_the_last_all_the_same(self) -> None:
        daily, due = parse_recurrence("0 3 * * *", "Europe/Paris", 0), at("Europe/Paris", 2020, 1, 1, 3)

        passed = daily.passed(due, at("Europe/Paris", 2026, 1, 1, 12))

        assert (passed.latest_ms, passed.next_ms) == (
            at("Europe/Paris", 2026, 1, 1, 3),
            at("Europe/Paris", 2026, 1, 2, 3),
        )


class TestRefused:
    @pytest.mark.parametrize(
        "when",
        ["", "x", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "@often", 0, 0.5, -1, True, None, 10**10],
        ids=repr,
    )
    def test_what_names_no_moment_is_refused(self, when: object) -> None:
        with pytest.raises(ValueError, match="when is "):
            parse_recurrence(when, None, 0)  # type: ignore[arg-type]

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", 5, "../etc/passwd"], ids=repr)
    def test_a_zone_that_nobody_has_is_refused(self, zone: object) -> None:
        with pytest.raises(ValueError, match="timezone is "):
            parse_recurrence("@daily", zone, 0)  # type: ignore[arg-type]

    def test_seconds_have_no_zone(self) -> None:
        with pytest.raises(ValueError, match="seconds have none"):
            parse_recurrence(60, "Europe/Paris", 0)

    def test_what_was_read_is_read_again(self) -> None:
        daily = parse_recurrence(" 0 3 * * * ", "Europe/Paris", 17)

        assert daily == Recurrence("0 3 * * *", "Europe/Paris", 17)
