"""Which of the nodes with room is taken: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.words.function import Function
from support.picture import Board, Case, cases
from support.submits import submit

STRATEGIES = """
by default nodes are filled in the order in which they were registered
    node b a: cpu 2
    x y z: cpu 1                        -> b [x y]  a [z .]

load_balanced takes the node with the largest share to spare, the first of equal ones
    node a: cpu 2
    node b: cpu 4
    p: cpu 1; on b                      -> a [. .]  b [p . . .]
    x: cpu 1; spread                    -> a [x .]  b [p . . .]
    y: cpu 1; spread                    -> a [x .]  b [p y . .]
    z: cpu 1; spread                    -> a [x z]  b [p y . .]
    w: cpu 1; spread                    -> a [x z]  b [p y w .]

of each node its scarcest resource counts, whether it is asked for or not
    node a b: cpu 4, disk 4
    p: disk 3; on a
    q: cpu 2; on b                      -> a cpu[. . . .] disk[p p p .]  b cpu[q q . .] disk[. . . .]
    x: cpu 1; spread                    -> a cpu[. . . .] disk[p p p .]  b cpu[q q x .] disk[. . . .]

what there is to spare counts before the placement, not after
    node a: cpu 2
    node b: cpu 8
    p: cpu 1; on b
    x: cpu 2; spread                    -> a [x x]  b [p . . . . . . .]

of devices all that is held counts
    node a: gpu 4
    node b: gpu 2
    p: gpu 0.5; on a                    -> a [p . . .]  b [. .]
    x: gpu 0.5; spread                  -> a [p . . .]  b [x .]
    y: gpu 0.5; spread                  -> a [p+y . . .]  b [x .]
    # Of both three quarters are left.
    z: gpu 0.5; spread                  -> a [p+y z . .]  b [x .]
    w: gpu 1; spread                    -> a [p+y z . .]  b [x w]

of memory too
    node a: gpu 1 of 40
    node b: gpu 1 of 10
    p: gpu_memory 10; on a              -> a [p]  b [.]
    x: gpu_memory 5; spread             -> a [p]  b [x]
    y: gpu_memory 5; spread             -> a [p+y]  b [x]

slots count like anything else
    node a b: slots 4, cpu 8
    p q: nothing; on a
    r: cpu 3; on b
    x: cpu 1; spread
    -> a cpu[. . . . . . . .] slots[p q . .]  b cpu[r r r x . . . .] slots[r x . .]

it chooses among the nodes that fit and that the constraints allow
    node a: cpu 2; zone=north
    node b: cpu 4; zone=south
    p: cpu 3; on b
    x: cpu 1; zone=south; spread        -> a [. .]  b [p p p x]
    y: cpu 1; spread                    -> a [y .]  b [p p p x]

what waited for tokens is placed by its strategy
    share lic 1
    node a b: cpu 2
    p: lic 1
    q: cpu 1; on a
    x: cpu 1, lic 1; spread             -> a [q .] p  b [. .]  * lic[p]  waits x
    finish p                            -> a [q .]  b [x .]  * lic[x]

a variant that joins is placed by the function's strategy
    node a b: cpu 2
    q: cpu 1; on a
    x: gpu 1 or after 5s cpu 1; spread
    +5s                                 -> a [q .]  b [x .]

what was delayed is placed by its strategy
    node a b: cpu 2
    q: cpu 1; on a
    x: cpu 1; spread; delay 5s
    +5s                                 -> a [q .]  b [x .]

what a drain hands back is placed by its strategy
    node a b c: cpu 2
    q: cpu 1; on b
    sleep a
    x: cpu 1; spread                    -> a [x' .]  b [q .]  c [. .]
    drain a                             -> a drained [. .]  b [q .]  c [x .]
"""


@pytest.mark.parametrize("case", cases(STRATEGIES))
def test_strategies(board: Board, case: Case) -> None:
    board.play(case)


def test_the_strategy_of_a_cluster_is_that_of_functions_that_name_none(
    connection: redis.Redis, cluster: Cluster
) -> None:
    with Cluster(connection=connection, namespace=cluster.namespace, strategy="load_balanced") as balanced:
        board = Board(balanced)
        board.do("node a b: cpu 2", "p q: cpu 1")

        submit(balanced, "x", cost={"cpu": 1}, node="b")
        own = submit(balanced, "y", cost={"cpu": 1}, strategy="first_available")

        assert (board.handles["p"].node, board.handles["q"].node, own.node) == ("a", "b", "a")
        assert balanced.tracker.allocate_and_claim([Function("z", "tasks:work", cost={})])["z"].node == "a"
