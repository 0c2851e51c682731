"""A cancel in every state: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest

from support.picture import Board, Case, cases
from support.waiting import LIMIT_S

CANCELED = """
what waits is started by nothing any more
    node a: cpu 2
    p: cpu 2
    x y: cpu 1
    cancel x                            -> a [p p]  waits y  canceled x
    finish p                            -> a [y .]  canceled x

what waits in several lines leaves all of them, and joins no more
    node a: cpu 2, gpu 1
    p: cpu 2, gpu 1
    x: gpu 1 or cpu 2 or after 5s cpu 1
    cancel x                            -> a cpu[p p] gpu[p]  canceled x
    finish p
    +5s                                 -> a cpu[. .] gpu[.]  canceled x

what is infeasible is not started by a node that joins
    x: cpu 1                            -> never x
    cancel x                            -> canceled x
    node a: cpu 1                       -> a [.]  canceled x

what is delayed never becomes ready
    node a: cpu 1
    x: cpu 1; delay 5s
    y: cpu 1; retries 1
    fail y                              -> a [.]  delayed x y
    cancel x y                          -> a [.]  canceled x y
    +5s                                 -> a [.]  canceled x y

what is on a queue makes room at once
    node a: cpu 1
    sleep a
    x y: cpu 1                          -> a [x']  waits y
    cancel x                            -> a [y']  canceled x
    wake a                              -> a [y]  canceled x

what runs keeps its room until it is dead
    share lic 1
    node a b: cpu 1
    x: cpu 1, lic 1
    y: cpu 1
    z: lic 1                            -> a [x]  b [y]  * lic[x]  waits z
    cancel x                            -> a [x!]  b [y]  * lic[x!]  waits z
    obey a                              -> a [.] z  b [y]  * lic[z]  canceled x

what runs is canceled though it returns meanwhile
    node a: cpu 1
    x y: cpu 1
    cancel x                            -> a [x!]  waits y
    finish x                            -> a [y]  canceled x

what runs is canceled though it fails meanwhile and could be retried
    node a: cpu 1
    x: cpu 1; retries 3
    cancel x
    fail x                              -> a [.]  canceled x

what runs is canceled though its node is lost
    node a b: cpu 1
    x: cpu 1; retries 3
    cancel x                            -> a [x!]  b [.]
    lose a                              -> b [.]  canceled x

what a drain stops is canceled and not retried
    node a b: cpu 1
    x: cpu 1; retries 3
    drain a within 5s
    +5s                                 -> a drained [x!]  b [.]
    cancel x
    obey a                              -> a drained [.]  b [.]  canceled x

what was canceled does not fail later
    node a: cpu 1
    x: cpu 2; wait 5s
    y: cpu 2; infeasible 5s
    cancel x y
    +5s                                 -> a [.]  canceled x y
"""


@pytest.mark.parametrize("case", cases(CANCELED))
def test_cancel_in_every_state(board: Board, case: Case) -> None:
    board.play(case)


@pytest.mark.parametrize("order", list(permutations(["cancel", "take", "finish"])), ids=" ".join)
def test_of_cancel_start_and_finish_in_any_order_there_is_one_outcome(board: Board, order: tuple[str, ...]) -> None:
    """What cannot be done at its turn is not done: a function that was never taken returns nothing."""
    board.do("node a: cpu 1", "sleep a", "x: cpu 1")
    agent, handle = board.agents["a"], board.handles["x"]
    decided: list[bool] = []
    for step in order:
        if step == "cancel":
            decided.append(handle.cancel())
        elif step == "take":
            agent.take()
        elif agent.runs:
            board.do("finish x")
    for _ in agent.runs.copy():
        board.do("finish x")

    has_finished_first = order == ("take", "finish", "cancel")
    assert decided == [not has_finished_first]
    assert handle.status == ("finished" if has_finished_first else "canceled")
    assert handle.cancel() is False
    assert len(handle.job.results()) == 1


def test_of_a_cancel_and_a_start_at_the_same_time_there_is_one_outcome(board: Board) -> None:
    board.do("node a: cpu 8", "sleep a", *(f"x{i}: cpu 1" for i in range(8)))
    agent = board.agents["a"]
    with ThreadPoolExecutor(2) as pool:
        takes: Future[Any] = pool.submit(agent.take, 8)
        decided = list(pool.map(lambda handle: handle.cancel(), board.handles.values()))
        takes.result(LIMIT_S)

    board.do("obey a")

    assert decided == [True] * 8
    assert {handle.status for handle in board.handles.values()} == {"canceled"}
    assert board.draw().startswith("a [. . . . . . . .] canceled x0 x1")


@pytest.mark.parametrize("step", ["x: cpu 2", "x: cpu 1; delay 5s"], ids=["waits", "is delayed"])
def test_a_cancel_of_what_has_no_reservation_is_an_event_of_its_own(board: Board, step: str) -> None:
    board.do("node a: cpu 1", step, "cancel x")

    canceled = [event["job"] for event in board.events() if event["event"] == "canceled"]
    assert canceled == [board.handles["x"].id]
