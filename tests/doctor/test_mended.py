"""Whatever is planted is mended, and no function is lost by it."""

from __future__ import annotations

import pytest

from doctor import test_planted_lines, test_planted_nodes
from doctor.conftest import Scene
from doctor.test_planted import PLANTED, leak
from handoff.doctor.mend import mend
from support.agent import ok
from support.books import check_books

NOBODY_KNOWS = {"a key of another type"}
"""Whose it was, and what it said."""

LOSES_ITS_ATTEMPT = {
    "use that is no number",
    "a reservation of another epoch",
    "a position that is another's",
    "one that runs without a reservation",
}
"""What runs there, or has no reservation, has failed: it is not to be tried again."""


ROUNDS = 8
"""So often one repair may bring to light what another one hid."""


def mend_all(scene: Scene) -> None:
    for _ in range(ROUNDS):
        if not (found := scene.examine()):
            return
        assert any(done.is_mended for done in mend(scene.store, found)), "\n".join(map(str, found))
    raise AssertionError("\n".join(map(str, scene.examine())))


BESIDES = test_planted_nodes.PLANTED | test_planted_lines.PLANTED

PROMISED_TWICE = {"more of a device than there is", "a device by shares and by memory"}
"""Nobody knows which of both holders is to give it up."""


@pytest.mark.parametrize("connection", ["real"], indirect=True)
@pytest.mark.parametrize("name", sorted(BESIDES.keys() - PROMISED_TWICE))
def test_what_was_made_wrong_besides_is_mended(scene: Scene, name: str) -> None:
    BESIDES[name].do(scene)

    mend_all(scene)

    check_books(scene.store)


@pytest.mark.parametrize("name", sorted(PLANTED.keys() - NOBODY_KNOWS))
def test_what_was_made_wrong_is_mended_and_every_function_is_where_it_says(scene: Scene, name: str) -> None:
    PLANTED[name].do(scene)

    mend_all(scene)

    check_books(scene.store)
    for function in ("queued", "waits", "behind", "delayed", "limited"):
        assert scene.job(function)["status"] in ("queued", "started", "deferred")
    runs = scene.job("runs")
    assert (runs["status"], runs.get("h_error")) == (
        ("failed", "handoff.errors.NodeLost") if name in LOSES_ITS_ATTEMPT else ("started", None)
    )


@pytest.mark.parametrize("connection", ["real"], indirect=True)
@pytest.mark.parametrize("name", sorted(PROMISED_TWICE))
def test_what_two_have_been_promised_is_said_to_be_left(scene: Scene, name: str) -> None:
    BESIDES[name].do(scene)

    done = list(mend(scene.store, scene.examine()))

    assert any(BESIDES[name].says in str(each.violation) for each in done if not each.is_mended)
    scene.redis.delete(scene.key("reservations", BESIDES[name].node))
    assert any(each.is_mended for each in mend(scene.store, scene.examine()))


def test_what_nobody_can_mend_is_said_to_be_there_still(scene: Scene) -> None:
    PLANTED["a key of another type"].do(scene)

    done = [each for each in mend(scene.store, scene.examine()) if each.violation.subject == ("key", "leases")]

    assert [each.is_mended for each in done] == [False]


def test_mending_a_leak_lets_what_waits_start_in_the_room(scene: Scene) -> None:
    leak(scene)
    scene.redis.hset(scene.key("node", "a"), "used:cpu", 40000)
    scene.redis.hset(scene.key("reservations", "a"), "ghost:7", "1|5|cpu=30000||")

    list(mend(scene.store, scene.examine()))

    assert scene.redis.hget(scene.key("node", "a"), "used:cpu") == b"10000"
    assert scene.agent.finish(ok(scene.reservation("runs"))) == ["stored"]


def test_a_mark_of_a_node_that_has_come_meanwhile_stays(scene: Scene) -> None:
    leased = scene.redis.zscore(scene.key("leases"), "a")

    assert scene.store.run("mend_stray", kind="mark", of="leases", member="a") == ["kept"]
    assert scene.redis.zscore(scene.key("leases"), "a") == leased
