"""What frees a node that is held, and the tokens that are held: pictures, see `support.picture`."""

from __future__ import annotations

import pytest

from support.picture import Board, Case, cases

OVERTAKING = """
the next of its kind is overtaken only from when it is the first
    limit 2
    node a: cpu 4
    p: cpu 1
    one two: cpu 4
    t: cpu 1
    cancel one
    u: cpu 1                            -> a [p t u .]  waits two  canceled one
    finish t
    v: cpu 1                            -> a [p u v .] for two(cpu)  waits two  canceled one

a holder that is canceled frees it
    limit 1
    node a: cpu 3
    p: cpu 1
    big: cpu 3
    t u: cpu 1                          -> a [p t .] for big(cpu)  waits big u
    cancel big                          -> a [p t u]  canceled big

a holder that has waited too long frees it
    limit 1
    node a: cpu 3
    p: cpu 1
    big: cpu 3; wait 10s
    t u: cpu 1                          -> a [p t .] for big(cpu)  waits big u
    +10s                                -> a [p t u]  failed big(WaitExpired)

a holder that rq deletes frees it
    limit 1
    node a: cpu 3
    p: cpu 1
    big: cpu 3
    t u: cpu 1                          -> a [p t .] for big(cpu)  waits big u
    delete big
    +1s                                 -> a [p t u]

a holder that another of its costs has started frees it
    limit 1
    node a: cpu 3, gpu 1
    p: cpu 1
    q: gpu 1
    big: cpu 3 or gpu 1
    t u: cpu 1                          -> a cpu[p t .] gpu[q] for big(cpu)  waits big u
    finish q                            -> a cpu[p t u] gpu[big]

a node that is lost is held no more
    limit 1
    node a b: cpu 2
    q: cpu 2
    p: cpu 1
    big: cpu 2
    t: cpu 1                            -> a [q q] for big(cpu)  b [p t]  waits big
    lose a                              -> b [p t]  waits big  failed q(NodeLost)
    finish t
    u: cpu 1                            -> b [p u] for big(cpu)  waits big  failed q(NodeLost)

a node that is drained is held no more
    limit 1
    node a b: cpu 2
    q: cpu 2
    p: cpu 1
    big: cpu 2
    t: cpu 1                            -> a [q q] for big(cpu)  b [p t]  waits big
    drain a                             -> a drained [q q]  b [p t]  waits big
    finish t
    u: cpu 1                            -> a drained [q q]  b [p u] for big(cpu)  waits big

a node that is registered anew is held no more
    limit 60s
    node a: cpu 3
    p: cpu 2
    big: cpu 3
    +60s
    t: cpu 1                            -> a [p p .] for big(cpu)  waits big t
    node a: cpu 4                       -> a [p p t .]  waits big

tokens that it lacks are held for it on all nodes
    limit 1
    share lic 2
    node a b: cpu 2
    p: lic 1; on a
    big: lic 2, cpu 1                   -> a [. .] p  b [. .]  * lic[p .]  waits big
    t: lic 1; on b                      -> a [. .] p  b [. .] t  * lic[p t] for big(lic)  waits big
    finish t                            -> a [. .] p  b [. .]  * lic[p .] for big(lic)  waits big
    u: lic 1                            -> a [. .] p  b [. .]  * lic[p .] for big(lic)  waits big u
    claim c on b: lic 1                 -> a [. .] p  b [. .]  * lic[p .] for big(lic)  waits big u  refused c
    v: cpu 1                            -> a [v .] p  b [. .]  * lic[p .] for big(lic)  waits big u  refused c
    finish p                            -> a [v big]  b [. .]  * lic[big big]  waits u  refused c

a holder of tokens that is canceled frees them
    limit 1
    share lic 2
    node a: slots 9
    p: lic 1
    big: lic 2
    t: lic 1
    finish t
    u: lic 1                            -> a [p . . . . . . . .]  * lic[p .] for big(lic)  waits big u
    cancel big                          -> a [p u . . . . . . .]  * lic[p u]  canceled big

who lacks room on a node and tokens holds both
    limit 1
    share lic 2
    node a: cpu 2
    p: cpu 1, lic 1
    big: cpu 2, lic 2                   -> a [p .]  * lic[p .]  waits big
    t: cpu 1, lic 1                     -> a [p t] for big(cpu)  * lic[p t] for big(lic)  waits big
    finish t                            -> a [p .] for big(cpu)  * lic[p .] for big(lic)  waits big
    u: lic 1                            -> a [p .] for big(cpu)  * lic[p .] for big(lic)  waits big u
    finish p                            -> a [big big]  * lic[big big]  waits u

tokens are no node: that they are held keeps nobody from holding one
    limit 60s
    share lic 1
    node a: cpu 2
    p: lic 1
    q: cpu 1
    one: lic 1
    two: cpu 2                          -> a [q .] p  * lic[p]  waits one two
    +60s                                -> a [q .] p for two(cpu)  * lic[p] for one(lic)  waits one two

tokens whose number changes are held no more
    limit 1
    share lic 3
    node a: slots 9
    p: lic 2
    big: lic 3
    t u: lic 1                          -> a [p t . . . . . . .]  * lic[p p t] for big(lic)  waits big u
    finish t                            -> a [p . . . . . . . .]  * lic[p p .] for big(lic)  waits big u
    limit off
    share lic 4                         -> a [p u . . . . . . .]  * lic[p p u .]  waits big
"""


@pytest.mark.parametrize("case", cases(OVERTAKING))
def test_bounded_overtaking(board: Board, case: Case) -> None:
    board.play(case)
