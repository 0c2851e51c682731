"""The fast tier leaves out what its lists name, and no name in them is out of date."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.tiers import OF_MANY, ON_REAL_SERVERS, WAITING, WITH_PROCESSES, is_slow

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", [*ON_REAL_SERVERS, *WITH_PROCESSES, *OF_MANY, *WAITING])
def test_what_is_left_out_exists(name: str) -> None:
    assert (TESTS / name).exists()


@pytest.mark.parametrize("room", sorted(path.name for path in TESTS.iterdir() if any(path.glob("**/test_*.py"))))
def test_every_room_but_those_of_processes_has_tests_in_the_fast_tier(room: str) -> None:
    paths = [path.relative_to(TESTS).as_posix() for path in (TESTS / room).glob("**/test_*.py")]
    whole = f"{room}/" in WITH_PROCESSES
    assert any(not is_slow("real", path) for path in paths) != whole
