"""Labels of nodes and what functions ask of them: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

import pytest

from support.picture import Board, Case, cases

WHERE = """
all that where names must hold
    node a: cpu 1; zone=north; tier=spot
    node b: cpu 1; zone=south; tier=paid
    node c: cpu 1; zone=north; tier=paid
    x: cpu 1; zone=north; tier=paid     -> a [.]  b [.]  c [x]
    y: cpu 1; zone=north; tier=paid     -> a [.]  b [.]  c [x]  waits y

any one of several values will do
    node a: cpu 1; zone=north
    node b: cpu 1; zone=south
    node c: cpu 1; zone=east
    x y z: cpu 1; zone=south|east       -> a [.]  b [x]  c [y]  waits z
    finish y                            -> a [.]  b [x]  c [z]

a node without the label is none of its values
    node a: cpu 1
    x: cpu 1; zone=north                -> a [.]  never x
    why x                               -> zone north wanted, a has none
    node b: cpu 1; zone=north           -> a [.]  b [x]

Not excludes its values, and takes a node without the label
    node a: cpu 1; tier=spot
    node b: cpu 1; tier=old
    node c: cpu 1
    x: cpu 1; tier!=spot|old            -> a [.]  b [.]  c [x]
    y: cpu 1; tier!=spot                -> a [.]  b [y]  c [x]
    z: cpu 1; tier!=spot                -> a [.]  b [y]  c [x]  waits z

a pin and where must both hold
    node a: cpu 1; zone=north
    node b: cpu 1; zone=south
    x: cpu 1; on a; zone=south          -> a [.]  b [.]  never x
    why x                               -> zone south wanted, a has north
    y: cpu 1; on b; zone=south          -> a [.]  b [y]  never x

the name of a node is one of its labels
    node a b c: cpu 1
    x: cpu 1; node!=a                   -> a [.]  b [x]  c [.]
    y: cpu 1; node=b|c                  -> a [.]  b [x]  c [y]
    z: cpu 1; node=b|c                  -> a [.]  b [x]  c [y]  waits z

a pin is the same as where with the name of the node
    node a: cpu 1
    node b: cpu 1
    x: cpu 1; on b                      -> a [.]  b [x]
    y: cpu 1; on b                      -> a [.]  b [x]  waits y
    z: cpu 1; node=b                    -> a [.]  b [x]  waits y z
    finish x                            -> a [.]  b [y]  waits z
    finish y                            -> a [.]  b [z]

room wakes only those whom the labels of its node suit
    node a: cpu 1; zone=north
    node b: cpu 1; zone=south
    p q: cpu 1                          -> a [p]  b [q]
    x: cpu 1; zone=south
    y: cpu 1; zone=north                -> a [p]  b [q]  waits x y
    finish p                            -> a [y]  b [q]  waits x
    finish q                            -> a [y]  b [x]

a label that a node gets wakes who waits for it
    node a: cpu 1; zone=north
    x: cpu 1; zone=south                -> a [.]  never x
    node a: cpu 1; zone=south           -> a [x]

a label that a node loses wakes who wants a node without it
    node a: cpu 1; tier=spot
    x: cpu 1; tier!=spot                -> a [.]  never x
    node a: cpu 1                       -> a [x]

what runs stays when the labels change, and who waits for the old ones does so in vain
    node a: cpu 1; zone=north
    x y: cpu 1; zone=north              -> a [x]  waits y
    node a: cpu 1; zone=south           -> a [x]  never y
    finish x                            -> a [.]  never y
    node a: cpu 1; zone=north           -> a [y]
"""


@pytest.mark.parametrize("case", cases(WHERE))
def test_labels_and_constraints(board: Board, case: Case) -> None:
    board.play(case)
