"""However many come after it, a function starts within the bound."""

from __future__ import annotations

from collections import Counter

import pytest

from support.picture import Board


def stream(board: Board, rounds: int) -> int | None:
    """Keep a node of 4 cpu busy with an endless stream of small functions. -> after how many `big` started"""
    board.do("node a: cpu 4", "s0 s1 s2 s3: cpu 1", "big: cpu 4")
    for i in range(rounds):
        board.do(f"s{i + 4}: cpu 1")
        running = [each.job["h_function"].decode() for each in board.agents["a"].runs.values()]
        if "big" in running:
            return i
        board.do(f"finish {running[0]}")
    return None


def placed_while(board: Board, name: str) -> Counter[str]:
    """How many reservations were made while `name` waited and held nothing, and while it held a node."""
    job, phase, found = board.handles[name].id, "before", Counter[str]()
    for event in board.events():
        match event["event"], event.get("job"):
            case ("waiting", waits) if waits == job:
                phase = "waits"
            case ("held", holder) if holder == job:
                phase = "holds"
            case ("unheld", holder) if holder == job:
                phase = "after"
            case ("reserved", _):
                found[phase] += 1
    return found


@pytest.mark.parametrize("count", [None, 3], ids=["by default", "after three"])
def test_under_an_endless_stream_of_small_functions_a_large_one_starts_within_the_bound(
    board: Board, count: int | None
) -> None:
    if count:
        board.do(f"limit {count}")
    bound = count or 100

    started_after = stream(board, bound + 5)

    board.draw()
    assert started_after is not None
    assert placed_while(board, "big") == {"before": 4, "waits": bound, "after": 1}
    assert board.check_promise() == 1


def test_without_the_rule_the_same_stream_starves_it(board: Board) -> None:
    board.do("limit off")

    started_after = stream(board, 10 * (3 + 5))

    assert started_after is None
    assert board.handles["big"].status == "waiting"
