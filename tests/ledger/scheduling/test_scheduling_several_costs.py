"""Which of several costs of a function counts: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

import pytest

from handoff.words.function import Function
from handoff.words.variants import After
from support.picture import Board, Case, cases

VARIANTS = """
the first variant that fits now is taken
    node a: cpu 4, gpu 1
    x: gpu 1 or cpu 2                   -> a cpu[. . . .] gpu[x]
    y: gpu 1 or cpu 2                   -> a cpu[y y . .] gpu[x]
    z: gpu 1 or cpu 3 or cpu 1          -> a cpu[y y z .] gpu[x]

an earlier variant on a later node is preferred to a later one on an earlier node
    node a: cpu 2
    node b: gpu 1
    x: gpu 1 or cpu 2                   -> a [. .]  b [x]

it waits for each of them, is started by the first that has room, and leaves all
    node a: cpu 2, gpu 1
    p: cpu 2
    q: gpu 1
    x: gpu 1 or cpu 2                   -> a cpu[p p] gpu[q]  waits x
    y: gpu 1                            -> a cpu[p p] gpu[q]  waits x y
    finish p                            -> a cpu[x x] gpu[q]  waits y
    finish q                            -> a cpu[x x] gpu[y]

where room for several comes at once the earliest is taken
    node a: cpu 2, gpu 1
    p: cpu 2, gpu 1
    x: gpu 1 or cpu 2                   -> a cpu[p p] gpu[p]  waits x
    finish p                            -> a cpu[. .] gpu[x]

a node that joins is taken by the earliest variant that it has room for
    x: gpu 1 or cpu 2 or cpu 1          -> never x
    node a: cpu 2                       -> a [x x]

in every line it stands by its own rank
    node a: cpu 1, gpu 1
    p: cpu 1
    q: gpu 1
    x: gpu 1 or cpu 1
    y: cpu 1
    z: cpu 1; priority 1                -> a cpu[p] gpu[q]  waits z x y
    finish p                            -> a cpu[z] gpu[q]  waits x y
    finish z                            -> a cpu[x] gpu[q]  waits y

a variant behind After joins after so many seconds of waiting, and not before
    node a: cpu 2, gpu 1
    p: gpu 1
    x: gpu 1 or after 30s cpu 2         -> a cpu[. .] gpu[p]  waits x
    +29.999s                            -> a cpu[. .] gpu[p]  waits x
    +1ms                                -> a cpu[x x] gpu[p]

before its time room for a variant behind After starts nothing
    node a: cpu 2, gpu 1
    p: gpu 1
    q: cpu 2
    x: gpu 1 or after 30s cpu 2         -> a cpu[q q] gpu[p]  waits x
    +29.999s
    finish q                            -> a cpu[. .] gpu[p]  waits x

a variant that has joined waits beside the others
    node a: cpu 2, gpu 1
    p: gpu 1
    q: cpu 2
    x: gpu 1 or after 30s cpu 2
    +31s                                -> a cpu[q q] gpu[p]  waits x
    finish q                            -> a cpu[x x] gpu[p]

a variant that has joined is no better than those before it
    node a: cpu 2, gpu 1
    p: gpu 1, cpu 2
    x: gpu 1 or after 30s cpu 2
    +31s                                -> a cpu[p p] gpu[p]  waits x
    finish p                            -> a cpu[. .] gpu[x]

what was started by one variant is started by no other later
    node a: cpu 2, gpu 1
    p: gpu 1
    x: gpu 1 or after 30s cpu 2
    +5s
    finish p                            -> a cpu[. .] gpu[x]
    +30s                                -> a cpu[. .] gpu[x]
    finish x
    +30s                                -> a cpu[. .] gpu[.]

several variants behind After join each at its time
    node a: cpu 1
    node b: fpga 1
    x: gpu 1 or after 20s fpga 1 or after 10s cpu 1   -> a [.]  b [.]  waits x
    +10s                                -> a [x]  b [.]

of those that join at the same moment the earliest is taken, whatever else is due then
    node a: cpu 2, gpu 1
    x: after 1s gpu 1 or after 1s cpu 2                -> a cpu[. .] gpu[.]  waits x
    y: fpga 1; wait 1s; priority 9      -> a cpu[. .] gpu[.]  waits x  never y
    +1s                                 -> a cpu[. .] gpu[x]  failed y(WaitExpired)

all of it may be behind After
    node a: cpu 1
    x: after 10s cpu 1                  -> a [.]  waits x
    +9.999s                             -> a [.]  waits x
    +1ms                                -> a [x]

the seconds count from when it last began to wait
    node a: cpu 2, gpu 1
    p: gpu 1
    x: gpu 1 or after 10s cpu 2; retries 1
    +10s                                -> a cpu[x x] gpu[p]
    fail x                              -> a cpu[. .] gpu[p]  delayed x
    +1s                                 -> a cpu[. .] gpu[p]  waits x
    +9.999s                             -> a cpu[. .] gpu[p]  waits x
    +1ms                                -> a cpu[x x] gpu[p]

constraints hold for every variant
    node a: cpu 2, gpu 1; zone=north
    node b: cpu 2; zone=south
    x: gpu 1 or cpu 2; zone=south       -> a cpu[. .] gpu[.]  b [x x]
    y: gpu 1 or after 1s cpu 2; on b    -> a cpu[. .] gpu[.]  b [x x]  waits y
    +1s                                 -> a cpu[. .] gpu[.]  b [x x]  waits y
    finish x                            -> a cpu[. .] gpu[.]  b [y y]

it is infeasible only where no variant could ever be held
    node a: cpu 2
    x: gpu 1 or after 10s cpu 3         -> a [. .]  never x
    y: gpu 1 or after 10s cpu 2         -> a [. .]  waits y  never x
"""


@pytest.mark.parametrize("case", cases(VARIANTS))
def test_variants(board: Board, case: Case) -> None:
    board.play(case)


def test_the_node_is_told_by_which_variant_it_runs_a_function(board: Board) -> None:
    board.do("node a: cpu 4, gpu 1", "x y: gpu 1 or gpu 2 or cpu 2", "z: cpu 1")

    told = {started.job["h_function"]: started.job.get("h_variant") for started in board.agents["a"].runs.values()}

    assert told == {b"x": b"0", b"y": b"2", b"z": None}


def test_of_many_variants_that_join_at_the_same_moment_the_second_comes_before_the_tenth(board: Board) -> None:
    board.do("node a: cpu 2, gpu 1")
    costs = [{"gpu": 2}, {"gpu": 1}, *({"gpu": many} for many in range(3, 10)), {"cpu": 2}]
    board.cluster.submit(Function("x", "tasks:work", cost=[After(1, cost) for cost in costs]))

    board.do("+1s")

    (started,) = board.agents["a"].runs.values()
    assert started.job["h_variant"] == b"1"


def test_what_is_tried_again_by_a_variant_without_devices_has_none_of_those_before(board: Board) -> None:
    board.do("node a: cpu 2, gpu 1", "x: gpu 1 or cpu 2; retries 1", "fail x", "p: gpu 1", "+1s")

    devices = {started.job["h_function"]: started.job["h_devices"] for started in board.agents["a"].runs.values()}

    assert devices == {b"x": b"", b"p": b"gpu:0=10000"}
