"""A node, a run or a book that was written over, or is gone: no script fails, and what runs elsewhere goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import redis

from support.agent import ok
from support.books import assert_nothing_held, check_books
from support.yard import ABSENT, VALUES, Yard, bend, yard

NODE_FIELDS = (
    "position", "epoch", "state", "kind", "incarnation", "holder", "lease_ms", "op", "op_reply", "cap:cpu", "cap:gpu",
    "used:cpu", "used:gpu", "dev:gpu", "over", "quiet", "draining", "hold", "class", "odd", "odd:odd",
)  # fmt: skip

GONE = ("node:a", "held:a", "running:a", "leases", "clock", "epoch", "order", "sweep", "overtaking", "held:*")


def busy(place: Yard) -> None:
    for i in range(6):
        place.submit(f"f{i}", max_retries=3, cost={"cpu": 1, "license": 1})
    for agent in place.agents.values():
        agent.take(2)


def goes_on(place: Yard) -> None:
    place.play(12)
    place.submit("afterwards")
    place.play(12)
    assert place.status("afterwards") == "finished"
    assert_nothing_held(place.store)


def overwrite(field: str, value: str, place: Yard) -> None:
    bend(place.store.client, place.store.keys("node", "a"), field, value)


def vanish(key: str, place: Yard) -> None:
    place.store.client.delete(f"handoff:{place.store.namespace}:{key}")


def look_at_each(connection: redis.Redis, damages: dict[str, Callable[[Yard], object]]) -> list[str]:
    failed = []
    for name, damage in damages.items():
        with yard(connection) as place:
            busy(place)
            damage(place)
            try:
                goes_on(place)
            except Exception as error:
                failed.append(f"{name}: {type(error).__name__} {str(error)[:300]}")
    return failed


def fields_of_nodes(every: int) -> dict[str, Callable[[Yard], object]]:
    return {
        f"{field} = {value[:20]!r}": partial(overwrite, field, value)
        for i, field in enumerate(NODE_FIELDS)
        for j, value in enumerate(VALUES)
        if (i + j) % every == 0
    }


@pytest.mark.parametrize("database", ["real"], indirect=True)
def test_no_field_of_a_node_ends_a_script_and_its_agent_registers_it_anew(database: redis.Redis) -> None:
    assert look_at_each(database, fields_of_nodes(7)) == []


@pytest.mark.parametrize("database", ["real"], indirect=True)
def test_no_key_that_has_vanished_ends_a_script(database: redis.Redis) -> None:
    assert look_at_each(database, {key: partial(vanish, key) for key in GONE}) == []


@pytest.mark.parametrize("database", ["real"], indirect=True)
def test_what_was_shared_and_has_vanished_is_waited_for_until_it_is_shared_anew(database: redis.Redis) -> None:
    with yard(database) as place:
        busy(place)
        vanish("node:*", place)

        place.play()
        assert place.status("f5") == "deferred"

        place.cluster.share({"license": 3})
        goes_on(place)


@pytest.mark.parametrize("database", ["real"], indirect=True)
def test_what_is_reserved_of_it_meanwhile_counts_when_it_is_shared_anew(database: redis.Redis) -> None:
    with yard(database) as place:
        busy(place)
        vanish("node:*", place)

        place.cluster.share({"license": 3})

        check_books(place.store)


@pytest.mark.parametrize("database", ["real"], indirect=True)
@pytest.mark.parametrize("value", [value for value in VALUES if value != ABSENT], ids=range(len(VALUES) - 1))
def test_a_record_of_what_is_reserved_that_was_written_over_is_given_back_all_the_same(
    database: redis.Redis, value: str
) -> None:
    def damage(place: Yard) -> None:
        for name in ("a", "*"):
            key = place.store.keys("reservations", name)
            for id in place.agents["a"].runs:
                place.store.client.hset(key, id, value)

    assert look_at_each(database, {"record": damage}) == []


@pytest.mark.parametrize("database", ["fake", "real"], indirect=True)
def test_a_call_under_a_number_that_somebody_has_written_is_done(database: redis.Redis) -> None:
    with yard(database) as place:
        place.submit("f", node="a")
        agent = place.agents["a"]
        bend(database, place.store.keys("node", "a"), "op", str(agent.op + 1))

        [started] = agent.take()
        assert agent.finish(ok(started.id)) == ["stored"]
        assert_nothing_held(place.store)
