"""A function whose hash was written over ends by itself, saying so; everything else goes on, and no script fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from handoff.ledger.fields import FIELDS
from handoff.ledger.states import ENDED
from handoff.words.function import Collocated, Function
from support.books import assert_nothing_held
from support.passing import pass_ms
from support.yard import VALUES, Yard, bend, yard


def queued(yard: Yard) -> None:
    yard.submit("f")


def started(yard: Yard) -> None:
    yard.submit("f", max_retries=1)
    for agent in yard.agents.values():
        agent.take()


def waiting(yard: Yard) -> None:
    for i in range(4):
        yard.submit(f"before{i}")
    for agent in yard.agents.values():
        agent.take(2)
    yard.submit("f", wait_ttl=3600, on_infeasible=60)


def delayed(yard: Yard) -> None:
    yard.submit("f", delay=3)


def in_a_run(yard: Yard) -> None:
    first = Function("g", "tasks:work", cost={"cpu": 1})
    second = Function("f", "tasks:work", args=["g"], cost={"cpu": 1}, node=Collocated("g"))
    third = Function("h", "tasks:work", args=["f"], cost={"cpu": 1})
    from handoff.graph.dag import DAG

    yard.cluster.submit_dag(DAG("d").add(first).add(second).add(third), max_retries=0)


def finished(yard: Yard) -> None:
    yard.submit("f")
    yard.step()
    yard.step()


STATES: dict[str, Callable[[Yard], None]] = {
    "queued": queued, "started": started, "waiting": waiting, "delayed": delayed, "in a run": in_a_run,
    "finished": finished,
}  # fmt: skip


def job_of(yard: Yard) -> str:
    return next(name for name in yard.names() if name == "f" or name.endswith("-2"))


def look_at_all(yard: Yard, field: str, state: str, value: str) -> None:
    STATES[state](yard)
    yard.submit("other")
    id = job_of(yard)
    bend(yard.store.client, yard.key(id), FIELDS[field].name, value)

    yard.cluster.store.run("explain", "status", job_id=id)
    yard.play()

    assert yard.status("other") == "finished"
    if yard.status(id) not in (*ENDED, "gone"):
        # What may stand there: it has another date now, or nobody comes upon it but who asks.
        yard.cluster.store.run("cancel", job_id=id, token="t")
        yard.play(2)
    assert yard.status(id) in (*ENDED, "gone", value)
    if field == "options":
        # Timers that nobody knows of any more come due, and find nothing.
        pass_ms(yard.store, 3_600_000)
        yard.play(2)
    assert_nothing_held(yard.store)


def cases(every: int) -> list[tuple[str, str, str]]:
    """Every field in every state, and of the values each `every`-th, another one each time."""
    pairs = [(field, state) for field in FIELDS for state in STATES]
    return [
        (field, state, value)
        for i, (field, state) in enumerate(pairs)
        for j, value in enumerate(VALUES)
        if (i + j) % every == 0
    ]


def look_at_each(connection: redis.Redis, found: list[tuple[str, str, str]]) -> list[str]:
    failed = []
    for field, state, value in found:
        with yard(connection) as place:
            try:
                look_at_all(place, field, state, value)
            except Exception as error:
                failed.append(
                    f"{field} of a function {state}, {value[:20]!r}: {type(error).__name__} {str(error)[:300]}"
                )
    return failed


@pytest.mark.parametrize("database", ["real"], indirect=True)
def test_no_field_of_a_job_ends_a_script_or_keeps_others_from_going_on(database: redis.Redis) -> None:
    assert look_at_each(database, cases(len(VALUES))) == []


@pytest.mark.parametrize("database", ["fake"], indirect=True)
def test_the_same_holds_on_fakeredis(database: redis.Redis) -> None:
    found = [case for case in cases(1) if case[1:] == ("queued", "x")]
    assert look_at_each(database, found[::8]) == []


@pytest.mark.parametrize("database", ["fake", "real"], indirect=True)
@pytest.mark.parametrize(("field", "value"), [("h_attempts", "x"), ("h_reserved", "x"), ("h_reserved", "1")])
def test_a_function_that_cannot_be_read_fails_and_says_which_field_it_was(
    database: redis.Redis, field: str, value: str
) -> None:
    with yard(database) as place:
        queued(place)
        bend(place.store.client, place.key("f"), field, value)

        place.step()

        assert place.status("f") == "failed"
        message: object = place.store.client.hget(place.key("f"), "h_message")
        assert message == f"its field {field} is not what this version of Handoff writes there".encode()
        pass_ms(place.store, 1)
        assert_nothing_held(place.store)
