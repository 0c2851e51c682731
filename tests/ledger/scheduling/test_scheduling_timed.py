"""Delays, and waits that are over: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import Infeasible, WaitExpired
from handoff.words.function import Function
from handoff.words.variants import After
from support.passing import pass_ms
from support.picture import START_MS, Board, Case, cases
from support.submits import submit
from support.waiting import LIMIT_S

TIMED = """
a delayed function is ready at its time, and not before
    node a: cpu 1
    x: cpu 1; delay 5s                  -> a [.]  delayed x
    +4.999s                             -> a [.]  delayed x
    +1ms                                -> a [x]

as long as it is delayed it takes no room and stands before nobody
    node a: cpu 1
    x: cpu 1; delay 5s; priority 9
    y: cpu 1                            -> a [y]  delayed x
    z: cpu 1                            -> a [y]  waits z  delayed x
    +5s                                 -> a [y]  waits x z

whether any node could hold it is asked when it is ready
    node a: cpu 1
    x: cpu 2; delay 5s                  -> a [.]  delayed x
    +5s                                 -> a [.]  never x

a function that has waited too long fails at that moment
    node a: cpu 1
    p: cpu 1
    x: cpu 1; wait 10s                  -> a [p]  waits x
    +9.999s                             -> a [p]  waits x
    +1ms                                -> a [p]  failed x(WaitExpired)

so does one that no node could ever hold
    node a: cpu 1
    x: cpu 2; wait 10s                  -> a [.]  never x
    +10s                                -> a [.]  failed x(WaitExpired)

the time begins when it is ready
    node a: cpu 1
    p: cpu 1
    x: cpu 1; delay 5s; wait 10s
    +5s                                 -> a [p]  waits x
    +9.999s                             -> a [p]  waits x
    +1ms                                -> a [p]  failed x(WaitExpired)

on a queue it waits still, and its room is for others then
    node a: cpu 1
    sleep a
    x: cpu 1; wait 10s
    y: cpu 1                            -> a [x']  waits y
    +10s                                -> a [y']  failed x(WaitExpired)

handed back it has no more time than before
    node a: cpu 1
    sleep a
    x: cpu 1; wait 10s                  -> a [x']
    +6s
    drain a                             -> a drained [.]  never x
    +3.999s                             -> a drained [.]  never x
    +1ms                                -> a drained [.]  failed x(WaitExpired)

what has started has waited long enough, once for all
    node a: cpu 1
    x: cpu 1; wait 10s; retries 1
    y: cpu 1
    fail x                              -> a [y]  delayed x
    +1s                                 -> a [y]  waits x
    +20s                                -> a [y]  waits x
    finish y                            -> a [x]
    +20s                                -> a [x]

a failed function is tried again after a second, then two, then four
    node a: cpu 1
    x: cpu 1; retries 3
    fail x                              -> a [.]  delayed x
    +999ms                              -> a [.]  delayed x
    +1ms                                -> a [x]
    fail x
    +1.999s                             -> a [.]  delayed x
    +1ms                                -> a [x]
    fail x
    +3.999s                             -> a [.]  delayed x
    +1ms                                -> a [x]
    fail x                              -> a [.]  failed x(ValueError)
"""


@pytest.mark.parametrize("case", cases(TIMED))
def test_delays_and_waits_that_are_over(board: Board, case: Case) -> None:
    board.play(case)


START = datetime.fromtimestamp(START_MS / 1000, UTC)


@pytest.mark.parametrize(
    ("when", "ms"),
    [
        ({"delay": 1.5}, 1500),
        ({"delay": timedelta(milliseconds=1500)}, 1500),
        ({"at": START + timedelta(milliseconds=1500)}, 1500),
        ({"at": START.astimezone().replace(tzinfo=None) + timedelta(seconds=2)}, 2000),
        ({"at": START + timedelta(microseconds=1)}, 1),
    ],
    ids=["seconds", "a timedelta", "a moment", "a moment in local time", "a part of a millisecond"],
)
def test_a_delay_is_told_and_ends_at_the_exact_millisecond(board: Board, when: dict[str, Any], ms: int) -> None:
    board.do("static a: cpu 1")

    handle = board.cluster.submit(Function("x", "tasks:work", **when))

    assert handle.verdict is not None
    until = (START + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    assert (handle.verdict.state, handle.verdict.reason) == ("delayed", f"is delayed until {until}")
    board.do(f"+{ms - 1}ms")
    assert handle.status == "delayed"
    board.do("+1ms")
    assert handle.status == "queued"


@pytest.mark.parametrize("when", [{"delay": 0}, {"at": START}, {"at": START - timedelta(days=1)}], ids=str)
def test_what_is_due_already_is_placed_at_once(board: Board, when: dict[str, Any]) -> None:
    board.do("static a: cpu 1")

    assert board.cluster.submit(Function("x", "tasks:work", **when)).status == "queued"


def test_a_function_that_waited_too_long_says_for_how_long(board: Board) -> None:
    board.do("static a: cpu 1", "x: cpu 2; wait 1.5s", "+1500ms")

    with pytest.raises(WaitExpired, match=r"after 1\.5 s") as caught:
        board.handles["x"].result(timeout=LIMIT_S)

    assert (caught.value.function_id, caught.value.seconds) == ("x", 1.5)


def test_while_nobody_is_there_but_a_client_that_waits_all_comes_about_that_the_clock_brings(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.store.now_ms = START_MS
    cluster.register_node("a", {"cpu": 2})
    delayed = submit(cluster, "delayed", delay=0.2)
    patient = submit(cluster, "patient", cost=[{"gpu": 1}, After(0.2, {"cpu": 1})])
    unfit = submit(cluster, "unfit", cost={"cpu": 3}, on_infeasible=0.2)
    late = submit(cluster, "late", cost={"cpu": 3}, delay=0.3, wait_ttl=0.3)
    assert [each.status for each in (delayed, patient, unfit, late)] == ["delayed", "waiting", "waiting", "delayed"]
    attempt = cluster.store.attempt

    def attempt_as_time_goes_by(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """The clock moves with every housekeeping, of which nobody but the client does any."""
        pass_ms(cluster.store, 400 if script == "tick" else 0)
        return attempt(script, *rest, **arguments)

    monkeypatch.setattr(cluster.store, "attempt", attempt_as_time_goes_by)
    with pytest.raises(WaitExpired):
        late.result(timeout=LIMIT_S)

    assert [each.status for each in (delayed, patient, unfit)] == ["queued", "queued", "failed"]
    with pytest.raises(Infeasible):
        unfit.result(timeout=LIMIT_S)


def test_what_is_due_by_the_clock_is_told_while_a_function_waits(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS

    found = cluster.enqueue("tasks:work", cost={"gpu": 1}, wait_ttl=5, on_infeasible=9).explain()

    assert [(limit["kind"], limit["seconds"]) for limit in found.waits_for] == [("start", 5), ("fitness", 9)]
    assert str(found) == found.text
    assert found.text.endswith("; it fails if it has not started in 5.0 s")
