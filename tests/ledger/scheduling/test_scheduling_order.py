"""Who goes first: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

import pytest

from support.picture import Board, Case, cases

ORDER = """
larger priorities start first, equal ones in order of arrival
    node a: cpu 1
    p: cpu 1
    u: cpu 1
    v: cpu 1; priority -5
    w: cpu 1; priority 5
    x: cpu 1
    y: cpu 1; priority 5                -> a [p]  waits w y u x v
    finish p                            -> a [w]  waits y u x v
    finish w                            -> a [y]  waits u x v
    finish y                            -> a [u]  waits x v

between different costs the same order holds
    node a: cpu 4
    p: cpu 4
    u: cpu 1
    v: cpu 3; priority 1
    w: cpu 2                            -> a [p p p p]  waits v u w
    # v first; beside it there is room for u, and none for w
    finish p                            -> a [v v v u]  waits w
    finish v                            -> a [u w w .]

between pins, constraints and variants the same order holds
    node a: cpu 1; zone=north
    p: cpu 1
    u: cpu 1; on a
    v: gpu 1 or cpu 1
    w: cpu 1; zone=north
    x: cpu 1; priority 1                -> a [p]  waits x u v w
    finish p                            -> a [x]  waits u v w
    finish x                            -> a [u]  waits v w
    finish u                            -> a [v]  waits w

what fits is not held up by what does not
    node a: cpu 2
    p: cpu 1
    big: cpu 2; priority 9              -> a [p .]  waits big
    x: cpu 1                            -> a [p x]  waits big

what can never be held holds up nobody
    node a: cpu 2
    huge: cpu 3; priority 9             -> a [. .]  never huge
    x: cpu 2                            -> a [x x]  never huge

of one kind nobody overtakes
    node a: cpu 2
    p q: cpu 1
    x: cpu 2
    y: cpu 2                            -> a [p q]  waits x y
    finish p                            -> a [q .]  waits x y
    finish q                            -> a [x x]  waits y

all that fits into the room that one leaves starts at once, best first
    node a: cpu 4
    p: cpu 4
    u: cpu 3
    v: cpu 2
    w: cpu 1                            -> a [p p p p]  waits u v w
    finish p                            -> a [u u u w]  waits v

a node that joins is filled best first
    u: cpu 1
    v: cpu 1; priority 1
    w: cpu 2; priority 2                -> never w v u
    node a: cpu 3                       -> a [w w v]  waits u

a function that is retried keeps its place
    node a: cpu 1
    x: cpu 1; retries 1
    y: cpu 1                            -> a [x]  waits y
    fail x                              -> a [y]  delayed x
    z: cpu 1                            -> a [y]  waits z  delayed x
    +1s                                 -> a [y]  waits x z
    finish y                            -> a [x]  waits z

functions that are due at the same moment start by priority, then in order of arrival
    node a: cpu 1
    p: cpu 1
    s t u v w x: cpu 1; delay 5s
    y: cpu 1; delay 5s; priority 1
    +4s
    finish p                            -> a [.]  delayed y s t u v w x
    +1s                                 -> a [y]  waits s t u v w x

variants that join at the same moment start by priority, then in order of arrival
    node a: cpu 1
    s t u v w x: gpu 1 or after 5s cpu 1
    y: gpu 1 or after 5s cpu 1; priority 1
    +5s                                 -> a [y]  waits s t u v w x
    finish y                            -> a [s]  waits t u v w x
"""


@pytest.mark.parametrize("case", cases(ORDER))
def test_order(board: Board, case: Case) -> None:
    board.play(case)
