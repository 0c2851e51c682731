"""What the stream of events has told lately, as every screen reads it."""

from __future__ import annotations

import time

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.events import note_action
from handoff.view import history as module
from handoff.view import trails
from handoff.view.history import BOUNDS_S, History, Past, Spread
from support.status import Playing, failed


@pytest.fixture
def history(cluster: Cluster) -> History:
    return History(cluster.store)


def test_an_attempt_is_known_while_it_runs_and_by_what_came_of_it(cluster: Cluster, history: History) -> None:
    playing = Playing(cluster)
    handle = cluster.enqueue("models:train", cost={"cpu": 1})
    (id,) = playing.start()
    history.read()
    running = history.of(handle.id)
    playing.end("finished", id)
    history.read()

    assert [(span.node, span.name, span.attempt, span.outcome) for span in running] == [("a", "models.train", 1, "")]
    assert [(span.outcome, span.cost) for span in history.of(handle.id)] == [("finished", "cpu=10000,slots=10000")]
    assert history.outcomes()["models.train"] == {"finished": 1}


def test_what_is_read_once_is_not_counted_again(cluster: Cluster, history: History) -> None:
    playing = Playing(cluster)
    failed(cluster, playing)
    for _ in range(3):
        history.read()

    assert history.totals().started == 1
    assert history.totals().ended == {"failed": 1}


def test_who_waited_is_told_who_gave_the_room_back(cluster: Cluster, history: History) -> None:
    playing = Playing(cluster)
    first = cluster.enqueue("tasks:f", cost={"cpu": 2})
    second = cluster.enqueue("tasks:g", cost={"cpu": 2})
    playing.end("finished", *playing.start())
    history.read()
    steps = history.trail(second.id)

    assert [step.event for step in steps] == ["waiting", "reserved"]
    assert steps[1].freed_by == first.id


def test_waits_are_counted_from_when_it_was_ready(cluster: Cluster, history: History) -> None:
    playing = Playing(cluster)
    cluster.enqueue("tasks:f", cost={"cpu": 2})
    cluster.enqueue("tasks:g", cost={"cpu": 2})
    playing.end("finished", *playing.start())
    playing.start()
    history.read()

    assert sum(history.totals().waits.counts) == 2


def test_what_an_operator_did_stands_among_the_changes(cluster: Cluster, history: History) -> None:
    Playing(cluster)
    note_action(cluster.store, "ada", "drain", "a")
    cluster.drain("a")
    history.read()

    assert [(each.kind, each.about, each.change) for each in history.changes()] == [
        ("node", "a", "draining"),
        ("audit", "ada", "drain"),
        ("node", "a", "registered"),
    ]


def test_events_that_were_gone_before_they_were_read_are_told(cluster: Cluster, history: History) -> None:
    playing = Playing(cluster)
    failed(cluster, playing)
    history.read()
    before_ms = history.window.complete_since_ms
    cluster.connection.delete(cluster.store.keys("events"))
    time.sleep(0.002)
    failed(cluster, playing)
    history.read()

    assert history.totals().missed == 1
    assert history.window.complete_since_ms >= before_ms


def test_a_stream_that_was_always_read_in_time_misses_nothing(cluster: Cluster, history: History) -> None:
    playing = Playing(cluster)
    for _ in range(3):
        failed(cluster, playing)
        history.read()

    assert history.totals().missed == 0


def test_memory_is_bounded_however_many_functions_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 10)
    monkeypatch.setattr(trails, "MOST_TRAILS", 10)
    monkeypatch.setattr(module, "MOST_NAMES", 5)
    past = Past()
    for number in range(50):
        id = f"{number:032x}:1"
        names = {f"{number:032x}": (f"f{number}", "")}
        past.add({"event": "reserved", "id": id, "node": "a", "at_ms": "1000", "cost": "cpu=1"}, names)
        past.add({"event": "started", "id": id, "node": "a", "at_ms": "1000", "attempt": "1"}, names)
    for number in range(50):
        past.add({"event": "released", "id": f"{number:032x}:1", "node": "a", "outcome": "failed", "at_ms": "2000"}, {})

    assert max(len(past.open), len(past.ready), len(past.costs), len(past.trails)) <= 10
    assert len(past.names) <= 6
    assert past.ended["failed"] == 50


def test_of_one_function_that_goes_on_and_on_the_first_and_the_last_steps_are_kept() -> None:
    past = Past()
    for number in range(200):
        past.add({"event": "delayed", "job": "f", "at_ms": str(number)}, {})
    trail = past.trails.of("f")

    assert len(trail) == trails.MOST_STEPS
    assert (trail[0].at_ms, trail[-1].at_ms) == (0, 199)


def test_events_that_nobody_knows_or_that_cannot_be_read_change_nothing() -> None:
    past = Past()
    for event in ({}, {"event": "started"}, {"event": "released", "id": "f:1"}, {"event": "new", "at_ms": "x"}):
        past.add(event, {})

    assert past.started == 0
    assert not past.ended


def test_a_bound_counts_what_took_as_long_as_it_says_and_all_is_counted_somewhere() -> None:
    spread = Spread()
    for seconds in (-1.0, 0.0, BOUNDS_S[0], BOUNDS_S[1], 1e9):
        spread.add(seconds)

    assert (spread.counts[0], spread.counts[1], spread.counts[-1]) == (3, 1, 1)
    assert list(BOUNDS_S) == sorted(BOUNDS_S)
