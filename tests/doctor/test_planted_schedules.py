"""What recurs and would be late, or never come, is found and mended; what nobody can read is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from doctor.conftest import Scene
from doctor.plants import Plant, assert_found, set_field
from handoff.doctor.mend import mend
from handoff.ledger.recurring import Schedule
from support.books import check_books


@pytest.fixture(autouse=True)
def recurring(scene: Scene) -> Iterator[None]:
    for name in ("nightly", "resting"):
        scene.cluster.every(name, "0 3 * * *", "tasks:work", cost={"cpu": 1})
    scene.cluster.pause_schedule("resting")
    yield
    check_books(scene.store)


def moment(name: str, ms: float) -> Callable[[Scene], object]:
    return lambda scene: scene.redis.zadd(scene.key("schedules"), {name: ms})


def drop_moment(scene: Scene) -> None:
    scene.redis.zrem(scene.key("schedules"), "nightly")


def drop_call(scene: Scene) -> None:
    scene.redis.hdel(scene.key("schedule", "nightly"), "call")


PLANTED = {
    "one that ticks do not find": Plant(drop_moment, "schedules", "is due next: it would be late, or never come"),
    "one that is looked for too late": Plant(
        moment("nightly", 2e15), "schedules", "is due next: it would be late, or never come"
    ),
    "one that rests and would be run": Plant(
        moment("resting", 5), "schedules", "is due next: it would be late, or never come"
    ),
    "one of which nothing is kept": Plant(moment("ghost", 2e15), "schedules", "names ghost, of which nothing is kept"),
}

UNREADABLE = {
    "no moment": Plant(set_field("schedule", "nightly", "due", "soon"), "schedules", "nightly cannot be read"),
    "no rule": Plant(set_field("schedule", "nightly", "when", "nan"), "schedules", "nightly cannot be read"),
    "no call": Plant(drop_call, "schedules", "what recurs as nightly cannot be read"),
}
"""Sound once it is said anew."""


@pytest.mark.parametrize("name", PLANTED)
def test_what_would_be_late_or_never_come_is_found_and_mended(scene: Scene, name: str) -> None:
    before = schedules(scene)

    assert_found(scene, PLANTED[name])

    assert [each.is_mended for each in mend(scene.store, scene.examine())] == [True]
    assert schedules(scene) == before


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_nobody_can_read_is_told_until_it_is_said_anew(scene: Scene, name: str) -> None:
    assert_found(scene, UNREADABLE[name])

    scene.cluster.every("nightly", "0 3 * * *", "tasks:work")

    assert scene.examine() == []


@pytest.mark.parametrize("name", ["no rule", "no call"])
def test_what_nobody_can_read_is_not_mended(scene: Scene, name: str) -> None:
    UNREADABLE[name].do(scene)

    assert not any(each.is_mended for each in mend(scene.store, scene.examine()))
    scene.cluster.remove_schedule("nightly")


def test_what_has_no_moment_rests_until_it_is_resumed(scene: Scene) -> None:
    [before] = [each for each in schedules(scene) if each.name == "nightly"]
    UNREADABLE["no moment"].do(scene)

    assert all(each.is_mended for each in mend(scene.store, scene.examine()))

    assert [each.paused for each in schedules(scene)] == [True, True]
    assert scene.cluster.resume_schedule("nightly").next == before.next


def test_nothing_is_found_where_nothing_is_wrong(scene: Scene) -> None:
    assert scene.examine() == []


def schedules(scene: Scene) -> list[Schedule]:
    return scene.cluster.schedules()
