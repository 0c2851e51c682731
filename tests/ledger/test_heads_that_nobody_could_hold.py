"""A head that no open node could hold stands behind all others for a hold, but only until a node opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import read_nodes
from support.picture import Board

CROWD = 70
"""More shapes than are ever looked at for a hold: whoever stands behind all of them is never reached."""

FIRST = "large"


@pytest.fixture
def board(cluster: Cluster) -> Board:
    """All cpus of `a` and one of two gpus of `g` are in use."""
    board = Board(cluster)
    board.do("limit 60s", f"node a: cpu {CROWD}", f"p: cpu {CROWD}", "node g: gpu 2", "q: gpu 1")
    return board


CLOSED: dict[str, tuple[Callable[[Board], None], Callable[[Board], None]]] = {
    "drained": (lambda board: board.do("drain g"), lambda board: board.do("undrain g")),
    "quiet": (lambda board: board.agents["g"].quiet(), lambda board: board.agents["g"].quiet(False)),
    "registered with less": (lambda board: board.do("node g: gpu 1"), lambda board: board.do("node g: gpu 2")),
}


@pytest.mark.parametrize(("close", "open_again"), CLOSED.values(), ids=CLOSED)
def test_who_could_be_held_nowhere_has_a_node_held_once_one_has_opened(
    board: Board, close: Callable[[Board], None], open_again: Callable[[Board], None]
) -> None:
    close(board)
    board.do(f"{FIRST}: gpu 2", *(f"crowd-{cpu}: cpu {cpu}" for cpu in range(1, CROWD + 1)))
    board.do("+61s")
    assert read_nodes(board.store, "g")[0].hold is None

    open_again(board)
    board.do("+61s")
    board.do("small: gpu 1")

    assert board.handles["small"].status == "waiting"
    board.do("finish q")
    assert (board.handles[FIRST].node, board.handles["small"].status) == ("g", "waiting")


def test_many_that_could_be_held_nowhere_keep_nobody_behind_them_from_a_hold(cluster: Cluster) -> None:
    board = Board(cluster)
    board.do("limit 60s", "node a: cpu 2", "p: cpu 1")
    board.do(*(f"crowd-{gpu}: gpu {gpu}" for gpu in range(1, CROWD + 1)), f"{FIRST}: cpu 2")

    board.do("+61s", "+61s")
    board.do("small: cpu 1")

    assert board.handles["small"].status == "waiting"
    board.do("finish p")
    assert board.handles[FIRST].node == "a"
