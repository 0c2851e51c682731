"""What no node could hold: pictures of a small cluster, see `support.picture`, and the words for it."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import Infeasible
from handoff.words.function import Function
from support.ledger import read_ledger
from support.picture import Board, Case, cases
from support.waiting import LIMIT_S

JUDGED = """
a node that joins may hold it, and one that leaves may have been the only one
    node a: cpu 2
    node b: cpu 4
    p: cpu 4; on b
    x: cpu 3                            -> a [. .]  b [p p p p]  waits x
    leave b                             -> a [. .]  never x  failed p(NodeLost)
    node c: cpu 3                       -> a [. .]  c [x x x]  failed p(NodeLost)

a node that is lost is none that could hold it
    node a: cpu 2
    node b: cpu 4
    p: cpu 4; on b
    x: cpu 3                            -> a [. .]  b [p p p p]  waits x
    lose b                              -> a [. .]  never x  failed p(NodeLost)
    node b: cpu 4                       -> a [. .]  b [x x x .]  failed p(NodeLost)

a node that changes may hold it or no longer hold it
    node a: cpu 4
    p: cpu 3
    x: cpu 4                            -> a [p p p .]  waits x
    node a: cpu 3                       -> a [p p p]  never x
    why x                               -> cpu 4 wanted, a has 3
    node a: cpu 5                       -> a [p p p . .]  waits x
    node a: cpu 7                       -> a [p p p x x x x]

a drained node is none that could hold it
    node a: cpu 4
    p: cpu 3
    x: cpu 4                            -> a [p p p .]  waits x
    drain a                             -> a drained [p p p .]  never x
    why x                               -> a could hold it and is drained: `handoff undrain a` opens it
    undrain a                           -> a [p p p .]  waits x

labels that change may let a node hold it or no longer
    node a: cpu 1; zone=north
    p: cpu 1
    x: cpu 1; zone=north                -> a [p]  waits x
    node a: cpu 1                       -> a [p]  never x
    why x                               -> zone north wanted, a has none
    node a: cpu 1; zone=north           -> a [p]  waits x

what the cluster shares counts with what nodes have
    node a: cpu 1
    p: cpu 1
    x: cpu 1, lic 2                     -> a [p]  never x
    share lic 2                         -> a [p]  * lic[. .]  waits x
    share lic 1                         -> a [p]  * lic[.]  never x
    why x                               -> lic 2 wanted, the cluster has 1

what is pinned is judged by its own node
    node a: cpu 4
    x: cpu 1; on b                      -> a [. . . .]  never x
    why x                               -> node b is not live
    node b: gpu 1
    why x                               -> cpu 1 wanted, b has 0
    node b: cpu 1                       -> a [. . . .]  b [x]

on_infeasible="raise" refuses what no live node could hold, and takes what has to wait
    node a: cpu 2
    p: cpu 1
    x: cpu 3; infeasible raise          -> a [p .]  refused x
    y: cpu 2; infeasible raise          -> a [p .]  waits y  refused x
    z: cpu 3 or after 10s cpu 2; infeasible raise   -> a [p .]  waits y z  refused x
    # It is told at submit only.
    drain a                             -> a drained [p .]  never y z  refused x

on_infeasible=seconds fails what at two looks that far apart no live node could hold
    node a: cpu 1
    x: cpu 2; infeasible 10s            -> a [.]  never x
    +9.999s                             -> a [.]  never x
    +1ms                                -> a [.]  failed x(Infeasible)

a look at which a node could hold it saves it
    node a: cpu 2
    p: cpu 2
    drain a
    x: cpu 2; infeasible 10s            -> a drained [p p]  never x
    undrain a                           -> a [p p]  waits x
    +10s
    drain a                             -> a drained [p p]  never x
    +10s                                -> a drained [p p]  never x
    +9.999s                             -> a drained [p p]  never x
    +1ms                                -> a drained [p p]  failed x(Infeasible)

what has started is looked at no more
    node a: cpu 1
    x: cpu 1; infeasible 10s            -> a [x]
    drain a
    +10s
    +10s                                -> a drained [x]
"""


@pytest.mark.parametrize("case", cases(JUDGED))
def test_what_no_node_could_hold_is_judged_anew_whenever_nodes_change(board: Board, case: Case) -> None:
    board.play(case)


@pytest.mark.parametrize(
    ("nodes", "wanted", "reason"),
    [
        ([], "cpu 1", "no node is live: `handoff node` starts one"),
        (["a: cpu 1"], "cpu 1; on b", "node b is not live"),
        (["big-1: gpu 2", "big-2: gpu 1"], "gpu 4", "gpu 4 wanted, big-1 has 2"),
        (["a: cpu 3", "b: cpu 4"], "cpu 4, gpu 1", "gpu 1 wanted, b has 0"),
        (["a: cpu 2, disk 3", "b: cpu 3, disk 2"], "cpu 4, disk 4", "cpu 4 wanted, a has 2; disk 4 wanted, a has 3"),
        (["a: cpu 7, disk 3", "b: cpu 1, disk 4"], "cpu 8, disk 4", "cpu 8 wanted, b has 1"),
        (["a: cpu 6, disk 40", "b: cpu 8, disk 20"], "cpu 8, disk 40", "cpu 8 wanted, a has 6"),
        (["c: cpu 2", "b: cpu 2", "d: cpu 2"], "cpu 4", "cpu 4 wanted, b has 2"),
        (["a: cpu 8; zone=north", "b: cpu 6; zone=south"], "cpu 8; zone=south", "cpu 8 wanted, b has 6"),
        (["a: cpu 8; zone=north", "b: cpu 6"], "cpu 8; zone=south|east", "zone east or south wanted, a has north"),
        (["a: cpu 1; tier=spot"], "cpu 1; tier!=spot", "any tier but spot wanted, a has spot"),
        (["a: cpu 1", "b: cpu 1.5"], "cpu 2; on a", "cpu 2 wanted, a has 1"),
        (["a: gpu 2 of 24", "b: gpu 1 of 40"], "gpu_memory 41", "gpu_memory 41 wanted, b has 40"),
        (["a: gpu 2 of 24", "b: gpu_memory 30"], "gpu_memory 40", "gpu_memory 40 wanted, b has 30"),
        (["a: cpu 1"], "gpu 0.5", "gpu 0.5 wanted, a has 0"),
        (["a: cpu 2"], "gpu 1 or cpu 3 or after 9s cpu 4", "cpu 3 wanted, a has 2"),
    ],
    ids=[
        "no node",
        "a pin on no node",
        "the largest of too small ones",
        "fewest things short",
        "as many short, with the same gap: by name",
        "one short is less than two",
        "the smallest part short",
        "by name, not by order",
        "a constraint is wholly short",
        "a constraint and a resource are two things",
        "what Not excludes",
        "a pin",
        "memory of one device",
        "memory as a sum",
        "a share of a device",
        "the nearest of all variants",
    ],
)
def test_infeasible_names_the_nearest_node_and_what_is_missing_there(
    board: Board, nodes: list[str], wanted: str, reason: str
) -> None:
    board.do(*(f"node {node}" for node in nodes), f"x: {wanted}")

    verdict = board.handles["x"].verdict

    assert verdict is not None
    assert (verdict.state, verdict.reason) == ("infeasible", reason)


def test_what_is_refused_as_infeasible_leaves_nothing_behind(board: Board) -> None:
    board.do("static a: cpu 4", "static b: gpu 1")
    before = read_ledger(board.store)

    with pytest.raises(Infeasible, match="cpu 5 wanted, a has 4") as caught:
        board.cluster.submit(Function("f", "tasks:work", cost={"cpu": 5}, on_infeasible="raise"))

    assert (caught.value.function_id, caught.value.reason) == ("f", "cpu 5 wanted, a has 4")
    after = read_ledger(board.store)
    # What he was told is told again, whoever asks for the same.
    assert len(after.own.pop("nearest")) == 1
    assert after == before


@pytest.mark.parametrize(
    ("before", "constraints", "for_now", "advice"),
    [
        ([], {}, True, "submit it again when"),
        (["node a: cpu 4", "lose a", "node b: cpu 1"], {}, True, "submit it again when"),
        (["node a: cpu 4", "drain a", "node b: cpu 1"], {}, True, "submit it again when"),
        (["node b: cpu 4"], {"node": "a"}, True, "submit it again when"),
        (["node b: cpu 1"], {}, False, "ask for less"),
        (["node b: cpu 4"], {"where": {"zone": "a"}}, False, "ask for other labels"),
    ],
    ids=["none is live", "one is lost", "one is drained", "it is pinned to none", "too much", "no such label"],
)
def test_an_infeasible_function_is_told_whether_a_node_that_returns_would_hold_it(
    board: Board, before: list[str], constraints: dict[str, Any], for_now: bool, advice: str
) -> None:
    board.do(*before)

    with pytest.raises(Infeasible, match=advice) as caught:
        board.cluster.submit(Function("f", "tasks:work", cost={"cpu": 2}, on_infeasible="raise", **constraints))

    assert caught.value.for_now is for_now


def test_what_fails_as_infeasible_says_which_node_was_nearest(board: Board) -> None:
    board.do("static a: cpu 4", "x: cpu 5; infeasible 10s", "+10s")

    with pytest.raises(Infeasible, match="cpu 5 wanted, a has 4"):
        board.handles["x"].result(timeout=LIMIT_S)
