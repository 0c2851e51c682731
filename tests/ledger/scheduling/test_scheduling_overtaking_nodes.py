"""Which node is held for one that was overtaken, and how many may be: pictures, see `support.picture`."""

from __future__ import annotations

import pytest

from support.picture import Board, Case, cases

OVERTAKING = """
on other nodes all goes on
    limit 1
    node a b: cpu 2
    p: cpu 1; on b
    q: cpu 1                            -> a [q .]  b [p .]
    big: cpu 2                          -> a [q .]  b [p .]  waits big
    # now b lacks less
    t: cpu 1                            -> a [q t]  b [p .] for big(cpu)  waits big
    u: cpu 1                            -> a [q t]  b [p .] for big(cpu)  waits big u
    finish q                            -> a [t u]  b [p .] for big(cpu)  waits big
    finish p                            -> a [t u]  b [big big]

it starts elsewhere if there is room sooner, and what was held is free
    limit 1
    node a b: cpu 2
    p: cpu 1; on b
    q: cpu 1
    big: cpu 2
    t u: cpu 1                          -> a [q t]  b [p .] for big(cpu)  waits big u
    finish t                            -> a [q u]  b [p .] for big(cpu)  waits big
    v: cpu 1                            -> a [q u]  b [p .] for big(cpu)  waits big v
    node c: cpu 2                       -> a [q u]  b [p v]  c [big big]

a pinned function holds its own node
    limit 1
    node a b: cpu 2
    p: cpu 1; on b
    big: cpu 2; on b                    -> a [. .]  b [p .]  waits big
    t: cpu 1; on b                      -> a [. .]  b [p t] for big(cpu)  waits big
    u v w: cpu 1                        -> a [u v]  b [p t] for big(cpu)  waits big w
    finish t                            -> a [u v]  b [p .] for big(cpu)  waits big w
    finish p                            -> a [u v]  b [big big]  waits w

a node is held where the fewest things are lacked
    limit 1
    node a: cpu 4, disk 4
    node b: cpu 4, disk 4
    p: cpu 1, disk 1; on a
    q: cpu 3; on b                      -> a cpu[p . . .] disk[p . . .]  b cpu[q q q .] disk[. . . .]
    big: cpu 4, disk 4
    t: cpu 1, disk 1; on a
    -> a cpu[p t . .] disk[p t . .]  b cpu[q q q .] disk[. . . .] for big(cpu)  waits big

among these where the smallest part is lacked
    limit 1
    node a b c: cpu 4
    p: cpu 2; on a
    q: cpu 1; on b
    r: cpu 1; on c                      -> a [p p . .]  b [q . . .]  c [r . . .]
    big: cpu 4
    t: cpu 1; on c                      -> a [p p . .]  b [q . . .] for big(cpu)  c [r t . .]  waits big

among these where it was registered first
    limit 1
    node c b a: cpu 2
    p: cpu 1; on a
    q: cpu 1; on b
    r: cpu 1; on c
    big: cpu 2                          -> c [r .]  b [q .]  a [p .]  waits big
    t: cpu 1; on a                      -> c [r .] for big(cpu)  b [q .]  a [p t]  waits big

a node that could not hold it even when idle is not held
    limit 1
    node a: cpu 4
    node b: cpu 2
    p: cpu 1; on a
    q: cpu 1; on b
    big: cpu 4
    t: cpu 1                            -> a [p t . .] for big(cpu)  b [q .]  waits big
    u: cpu 1                            -> a [p t . .] for big(cpu)  b [q u]  waits big

a node that its constraints exclude is not held
    limit 1
    node a: cpu 2; tier=spot
    node b: cpu 2
    p: cpu 1; on a
    q: cpu 2; on b
    big: cpu 2; tier!=spot
    r: cpu 2
    t: cpu 1                            -> a [p t]  b [q q] for big(cpu)  waits big r

what can never be held holds nothing
    limit 1
    node a: cpu 4
    huge: cpu 5
    t u v: cpu 1                        -> a [t u v .]  never huge

who wants more tokens than the cluster has holds neither a node nor tokens
    limit 1
    share lic 1
    node a: cpu 4
    p: cpu 1
    huge: cpu 4, lic 2
    t u: cpu 1                          -> a [p t u .]  * lic[.]  never huge

who is pinned to a node that is closed holds no tokens
    limit 1
    share lic 2
    node a b: cpu 2
    p: lic 1; on b
    drain a
    big: lic 2; on a
    t: lic 1; on b                      -> a drained [. .]  b [. .] p t  * lic[p t]  never big

a node is held for one, and at most half of the live nodes are, rounded up
    limit 60s
    node a b c: cpu 4
    p: cpu 3; on a
    q: cpu 2; on b
    r: cpu 1; on c
    one: cpu 4
    +1s
    two: cpu 4; zone!=x
    +1s
    six: cpu 4; zone!=y                 -> a [p p p .]  b [q q . .]  c [r . . .]  waits one two six
    +58s                                -> a [p p p .]  b [q q . .]  c [r . . .] for one(cpu)  waits one two six
    +1s
    -> a [p p p .]  b [q q . .] for two(cpu)  c [r . . .] for one(cpu)  waits one two six
    +60s
    -> a [p p p .]  b [q q . .] for two(cpu)  c [r . . .] for one(cpu)  waits one two six
    finish r                            -> a [p p p .]  b [q q . .] for two(cpu)  c [one one one one]  waits two six
    +60s
    -> a [p p p .] for six(cpu)  b [q q . .] for two(cpu)  c [one one one one]  waits two six

a drained node does not count for how many may be held
    limit 60s
    node a b c: cpu 2
    p: cpu 1; on a
    q: cpu 1; on b
    drain c
    one: cpu 2
    two: cpu 2; zone!=x
    +60s                                -> a [p .] for one(cpu)  b [q .]  c drained [. .]  waits one two
    undrain c                           -> a [p .]  b [q .]  c [one one]  waits two

where no more may be held an earlier holder displaces the latest
    limit 60s
    node a b: cpu 3
    p: cpu 2; on a
    q: cpu 1; on b
    old: cpu 3
    +60s                                -> a [p p .]  b [q . .] for old(cpu)  waits old
    top: cpu 3; zone!=x; priority 5
    +60s                                -> a [p p .] for top(cpu)  b [q . .]  waits top old
    u: cpu 1                            -> a [p p .] for top(cpu)  b [q u .]  waits top old

a pinned function that is earlier takes over the hold on its node
    limit 60s
    node a: cpu 3
    p: cpu 2
    old: cpu 2
    +60s                                -> a [p p .] for old(cpu)  waits old
    top: cpu 3; on a; priority 5
    +60s                                -> a [p p .] for top(cpu)  waits top old

several kinds that are overtaken at the same time each hold a node
    limit 1
    node a b c: cpu 4
    p: cpu 3; on a
    q: cpu 2; on b
    r: cpu 2; on c
    one: cpu 4
    two: cpu 3
    t: cpu 1; on a
    -> a [p p p t]  b [q q . .] for one(cpu)  c [r r . .] for two(cpu)  waits one two
"""


@pytest.mark.parametrize("case", cases(OVERTAKING))
def test_bounded_overtaking(board: Board, case: Case) -> None:
    board.play(case)
