"""What all nodes share: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import InvalidResources
from support.picture import Board, Case, cases

SHARED = """
tokens are counted over all nodes
    share lic 2
    node a b: cpu 2
    x y: cpu 2, lic 1                   -> a [x x]  b [y y]  * lic[x y]
    finish x                            -> a [. .]  b [y y]  * lic[y .]
    z: cpu 1, lic 2                     -> a [. .]  b [y y]  * lic[y .]  waits z
    p: cpu 2; on a                      -> a [p p]  b [y y]  * lic[y .]  waits z
    finish y                            -> a [p p]  b [z .]  * lic[z z]

tokens that one node gives back wake who fits on another
    share lic 1
    node a b: cpu 2
    x: cpu 1, lic 1
    p: cpu 1                            -> a [x p]  b [. .]  * lic[x]
    z: cpu 2, lic 1                     -> a [x p]  b [. .]  * lic[x]  waits z
    finish x                            -> a [p .]  b [z z]  * lic[z]

tokens go to the best rank that has room somewhere
    share lic 1
    node a b: cpu 2
    p: cpu 2
    x: lic 1; on b                      -> a [p p]  b [. .] x  * lic[x]
    u: cpu 2, lic 1; on a; priority 2
    v: cpu 1, lic 1; on b
    w: cpu 2, lic 1; on b; priority 1   -> a [p p]  b [. .] x  * lic[x]  waits u w v
    finish x                            -> a [p p]  b [w w]  * lic[w]  waits u v
    finish p                            -> a [. .]  b [w w]  * lic[w]  waits u v
    finish w                            -> a [u u]  b [. .]  * lic[u]  waits v
    finish u                            -> a [. .]  b [v .]  * lic[v]

who wants several kinds of token takes all or none
    share lic 1, seat 1
    node a: slots 9
    x: lic 1                            -> a [x . . . . . . . .]  * lic[x] seat[.]
    y: lic 1, seat 1                    -> a [x . . . . . . . .]  * lic[x] seat[.]  waits y
    z: seat 1                           -> a [x z . . . . . . .]  * lic[x] seat[z]  waits y
    finish x                            -> a [z . . . . . . . .]  * lic[.] seat[z]  waits y
    finish z                            -> a [y . . . . . . . .]  * lic[y] seat[y]

who waits for tokens holds up nobody else
    share lic 1
    node a: cpu 2
    x: lic 1
    y: lic 1, cpu 1; priority 9         -> a [. .] x  * lic[x]  waits y
    z: cpu 2                            -> a [z z] x  * lic[x]  waits y

more tokens wake who waits for them
    node a: cpu 2
    x: lic 2                            -> a [. .]  never x
    share lic 1                         -> a [. .]  * lic[.]  never x
    why x                               -> lic 2 wanted, the cluster has 1
    share lic 2                         -> a [. .] x  * lic[x x]

fewer tokens than are held give nothing away until all that is held fits again
    share lic 2
    node a: slots 9
    x y: lic 1                          -> a [x y . . . . . . .]  * lic[x y]
    z: lic 1                            -> a [x y . . . . . . .]  * lic[x y]  waits z
    share lic 1                         -> a [x y . . . . . . .]  * lic[x|y]  waits z
    finish x                            -> a [y . . . . . . . .]  * lic[y]  waits z
    finish y                            -> a [z . . . . . . . .]  * lic[z]

while the cluster shares a resource what nodes have of that name does not count
    share lic 1
    node a: lic 3
    x y: lic 1                          -> a [. . .] x  * lic[x]  waits y

taken away it is a resource of the nodes again
    share lic 1
    node a: lic 3
    x y: lic 1                          -> a [. . .] x  * lic[x]  waits y
    share lic 0                         -> a [y . .] x
    finish x                            -> a [y . .]
    z: lic 4                            -> a [y . .]  never z
    why z                               -> lic 4 wanted, a has 3

resources that are not named stay as they are
    share lic 1, seat 2
    share lic 3                         -> * lic[. . .] seat[. .]
    share seat 0                        -> * lic[. . .]

a claim through the tracker counts them too
    share lic 2
    node a: cpu 1
    claim c on a: lic 2                 -> a [.] c  * lic[c c]
    claim d on a: lic 1                 -> a [.] c  * lic[c c]  refused d
    x: lic 1                            -> a [.] c  * lic[c c]  waits x  refused d
    release c                           -> a [.] x  * lic[x .]  refused d

tokens that come free start no variant before its time
    share lic 1
    node a: cpu 2
    p: cpu 1, lic 1
    x: gpu 1, lic 1 or after 30s cpu 1, lic 1
    finish p                            -> a [. .]  * lic[.]  waits x
    +30s                                -> a [x .]  * lic[x]

a lost node gives its tokens back
    share lic 1
    node a b: cpu 1
    x y: cpu 1, lic 1                   -> a [x]  b [.]  * lic[x]  waits y
    lose a                              -> b [y]  * lic[y]  failed x(NodeLost)
"""


@pytest.mark.parametrize("case", cases(SHARED))
def test_shared_resources(board: Board, case: Case) -> None:
    board.play(case)


def test_what_the_cluster_shares_is_told_held_or_not(board: Board) -> None:
    board.do("static a: cpu 1", "share lic 2, seat 1", "x: lic 1")

    assert board.cluster.shared() == {"lic": 2, "seat": 1}


def test_what_a_node_has_for_itself_is_not_shared(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 2})

    with pytest.raises(InvalidResources, match="node a has it for itself"):
        cluster.share({"license": 1, "cpu": 10})

    assert cluster.shared() == {}
    with pytest.raises(InvalidResources):
        cluster.share(None)  # type: ignore[arg-type]


def test_nothing_is_left_of_what_is_shared_no_longer(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 2})
    cluster.share({"license": 2})
    cluster.tracker.release(cluster.tracker.request("a", {"cpu": 1, "license": 1}))

    cluster.share({"license": 0})

    fields = cluster.connection.hkeys(f"{cluster.store.keys('node')}*")
    assert [field for field in fields if b"license" in field] == []
