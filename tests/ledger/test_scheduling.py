"""The rules of scheduling, each as a picture of a small cluster: `support.picture` says how to read one."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import Infeasible, InvalidResources, UnknownNode, WaitExpired
from handoff.words.function import Function
from handoff.words.variants import After
from support.agent import FakeAgent
from support.books import read_ledger
from support.picture import START_MS, Board, Case, cases

LIMIT_S = 30
"""Nothing here takes this long; whoever waits for longer waits in vain."""


@pytest.fixture
def board(cluster: Cluster) -> Board:
    return Board(cluster)


DEVICES = """
several claims of memory share a device, and the fullest that still has so much is taken
    node a: gpu 2 of 24
    x: gpu_memory 10            -> a [x .]
    y: gpu_memory 16            -> a [x y]
    z: gpu_memory 8             -> a [x y+z]
    w: gpu_memory 14            -> a [x+w y+z]
    v: gpu_memory 1             -> a [x+w y+z]  waits v
    finish z                    -> a [x+w y+v]

of equally full devices the first is taken
    node a: gpu {1 3 5} of 24
    x y: gpu_memory 24          -> a [x y .]
    finish x
    z: gpu_memory 12            -> a [z y .]

of unlike devices the one with the least memory left over is taken
    node a: gpu 2 of 40/16
    x: gpu_memory 12            -> a [. x]
    y: gpu_memory 12            -> a [y x]
    z: gpu_memory 28            -> a [y+z x]
    w: gpu_memory 4             -> a [y+z x+w]

memory is never put together from two devices
    node a: gpu 2 of 24
    x: gpu_memory 25            -> a [. .]  never x
    y: gpu_memory 20            -> a [y .]  never x
    z: gpu_memory 20            -> a [y z]  never x
    # 4 are left on each
    w: gpu_memory 5             -> a [y z]  waits w  never x

a device that serves memory serves neither whole claims nor shares
    node a: gpu 1 of 24
    x: gpu_memory 1             -> a [x]
    y: gpu 1                    -> a [x]  waits y
    z: gpu 0.1                  -> a [x]  waits y z
    w: gpu_memory 23            -> a [x+w]  waits y z
    finish x                    -> a [w]  waits y z
    finish w                    -> a [y]  waits z
    finish y                    -> a [z]

a device that serves shares serves neither whole claims nor memory
    node a: gpu 1 of 24
    x: gpu 0.1                  -> a [x]
    y: gpu 1                    -> a [x]  waits y
    z: gpu_memory 1             -> a [x]  waits y z
    w: gpu 0.9                  -> a [x+w]  waits y z
    finish x                    -> a [w]  waits y z
    finish w                    -> a [y]  waits z
    finish y                    -> a [z]

a whole claim takes all of the memory of its devices
    node a: gpu 3 of 24
    x: gpu 2                    -> a [x x .]
    y: gpu_memory 24            -> a [x x y]
    z: gpu_memory 1             -> a [x x y]  waits z
    finish x                    -> a [z . y]

a whole claim takes untouched devices only, those with the lowest indices
    node a: gpu {0 1 3 7} of 24
    x: gpu_memory 6             -> a [x . . .]
    y: gpu 0.5                  -> a [x y . .]
    z: gpu 3                    -> a [x y . .]  waits z
    w: gpu 2                    -> a [x y w w]  waits z
    finish y                    -> a [x . w w]  waits z
    finish w                    -> a [x z z z]

a share takes the fullest device that still has room
    node a: gpu 2
    x: gpu 0.5                  -> a [x .]
    y: gpu 0.6                  -> a [x y]
    z: gpu 0.4                  -> a [x y+z]
    w: gpu 0.5                  -> a [x+w y+z]
    v: gpu 0.1                  -> a [x+w y+z]  waits v
    finish z                    -> a [x+w y+v]

gpu_memory that a node has without devices is a sum like any other
    node a: gpu_memory 6
    x: gpu_memory 4             -> a [x x x x . .]
    y: gpu_memory 2             -> a [x x x x y y]

other resources that are devices have memory too
    node a: fpga {2 4} of 8
    x: fpga_memory 5            -> a [x .]
    y: fpga_memory 3            -> a [x+y .]
    z: fpga 1                   -> a [x+y z]

a device that is registered with less memory takes no more until all that it holds fits again
    node a: gpu 1 of 24
    x y: gpu_memory 10          -> a [x+y]
    node a: gpu 1 of 12         -> a [x+y]
    z: gpu_memory 2             -> a [x+y]  waits z
    finish x                    -> a [y+z]

a claim through the tracker shares a device as a function does
    node a: gpu 2 of 24
    x: gpu_memory 20            -> a [x .]
    +1ms
    claim c on a: gpu_memory 4  -> a [x+c .]
    claim d on a: gpu 1         -> a [x+c d]
    y: gpu_memory 4             -> a [x+c d]  waits y
    release c                   -> a [x+y d]
"""


@pytest.mark.parametrize("case", cases(DEVICES))
def test_devices_and_their_memory(board: Board, case: Case) -> None:
    board.play(case)


def test_a_claim_of_memory_tells_its_device_and_is_counted_where_it_is_free(board: Board) -> None:
    board.do("static a: gpu {3 5} of 24", "x: gpu_memory 20")
    tracker = board.cluster.tracker

    claim = tracker.request("a", {"gpu_memory": 6})

    assert board.handles["x"].devices == {"gpu": [3]}
    assert claim.devices == {"gpu": [5]}
    assert tracker.capabilities("a") == {"gpu": 2, "gpu_memory": 48}
    assert tracker.available("a")["gpu_memory"] == 4 + 18
    assert tracker.available("a")["gpu"] == 0


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


OVERTAKING = """
overtaken so often the first of a kind holds a node, and nothing later goes there until it has started
    limit 2
    node a: cpu 4
    p: cpu 1
    big: cpu 4                          -> a [p . . .]  waits big
    t: cpu 1                            -> a [p t . .]  waits big
    u: cpu 1                            -> a [p t u .] for big(cpu)  waits big
    v: cpu 1                            -> a [p t u .] for big(cpu)  waits big v
    finish p t                          -> a [u . . .] for big(cpu)  waits big v
    finish u                            -> a [big big big big]  waits v
    finish big                          -> a [v . . .]

it holds a node once it has waited so long, whoever overtook it
    limit 60s
    node a: cpu 2
    p: cpu 1
    big: cpu 2                          -> a [p .]  waits big
    +59.999s                            -> a [p .]  waits big
    t: cpu 1                            -> a [p t]  waits big
    finish t
    +1ms                                -> a [p .] for big(cpu)  waits big
    u: cpu 1                            -> a [p .] for big(cpu)  waits big u
    finish p                            -> a [big big]  waits u

a minute is the limit where none was set
    node a: cpu 2
    p: cpu 1
    big: cpu 2
    +59.999s                            -> a [p .]  waits big
    +1ms                                -> a [p .] for big(cpu)  waits big

without a limit it waits for as long as others come
    limit off
    node a: cpu 2
    p: cpu 1
    big: cpu 2
    t: cpu 1
    +300s                               -> a [p t]  waits big
    finish p
    u: cpu 1                            -> a [t u]  waits big

a lower limit holds for those that wait already
    limit 9
    node a: cpu 4
    p: cpu 1
    big: cpu 4
    t: cpu 1                            -> a [p t . .]  waits big
    limit 2
    u: cpu 1                            -> a [p t u .] for big(cpu)  waits big

only what it lacks is kept for it
    limit 1
    node a: cpu 2, gpu 2
    p: gpu 1
    big: cpu 1, gpu 2                   -> a cpu[. .] gpu[p .]  waits big
    t: gpu 1                            -> a cpu[. .] gpu[p t] for big(gpu)  waits big
    finish t                            -> a cpu[. .] gpu[p .] for big(gpu)  waits big
    u: gpu 0.5                          -> a cpu[. .] gpu[p .] for big(gpu)  waits big u
    v: cpu 1                            -> a cpu[v .] gpu[p .] for big(gpu)  waits big u
    finish p                            -> a cpu[v big] gpu[big big]  waits u

what it comes to lack meanwhile is kept as well
    limit 1
    node a: cpu 2, gpu 2
    p: gpu 1
    big: cpu 2, gpu 2
    t: gpu 1                            -> a cpu[. .] gpu[p t] for big(gpu)  waits big
    u: cpu 1                            -> a cpu[u .] gpu[p t] for big(cpu,gpu)  waits big
    v: cpu 1                            -> a cpu[u .] gpu[p t] for big(cpu,gpu)  waits big v

what is kept for it stays kept while it lacks something else
    limit 2
    node a: cpu 2, gpu 2
    p: gpu 1
    big: cpu 2, gpu 2
    s: gpu 1
    finish s
    t: gpu 1                            -> a cpu[. .] gpu[p t] for big(gpu)  waits big
    u: cpu 1
    finish p t                          -> a cpu[u .] gpu[. .] for big(gpu)  waits big
    v: cpu 1                            -> a cpu[u v] gpu[. .] for big(cpu,gpu)  waits big
    w: gpu 1                            -> a cpu[u v] gpu[. .] for big(cpu,gpu)  waits big w

who takes nothing that it lacks does not overtake it
    limit 1
    node a: cpu 3, gpu 1
    p: gpu 1
    big: gpu 1, cpu 1
    t u: cpu 1                          -> a cpu[t u .] gpu[p]  waits big

who stands before it does not overtake it, and goes where a node is held for it
    limit 1
    node a: cpu 4
    p: cpu 1
    big: cpu 4
    s: cpu 1; priority 1                -> a [p s . .]  waits big
    t: cpu 1                            -> a [p s t .] for big(cpu)  waits big
    u: cpu 1                            -> a [p s t .] for big(cpu)  waits big u
    v: cpu 1; priority 1                -> a [p s t v] for big(cpu)  waits big u

a claim through the tracker is later than every function
    limit 1
    node a: cpu 3, gpu 1
    p: cpu 1
    big: cpu 3
    t: cpu 1                            -> a cpu[p t .] gpu[.] for big(cpu)  waits big
    claim c on a: cpu 1                 -> a cpu[p t .] gpu[.] for big(cpu)  waits big  refused c
    claim d on a: gpu 1                 -> a cpu[p t .] gpu[d] for big(cpu)  waits big  refused c

who lacks whole devices is left their memory too
    limit 1
    node a: gpu 3 of 24
    p: gpu 1
    big: gpu 3                          -> a [p . .]  waits big
    t: gpu 1                            -> a [p t .] for big(gpu)  waits big
    u: gpu_memory 4                     -> a [p t .] for big(gpu)  waits big u
    claim c on a: gpu_memory 4          -> a [p t .] for big(gpu)  waits big u  refused c

who lacks memory of a device is left the other devices too
    limit 1
    node a: gpu 2 of 16/40
    p: gpu_memory 30
    big: gpu_memory 40                  -> a [. p]  waits big
    t: gpu_memory 4                     -> a [. p+t] for big(gpu)  waits big
    u: gpu 1                            -> a [. p+t] for big(gpu)  waits big u

who takes memory of the devices that it lacks overtakes it
    limit 1
    node a: gpu 3 of 24
    p: gpu 1
    big: gpu 3                          -> a [p . .]  waits big
    t: gpu_memory 4                     -> a [p t .] for big(gpu)  waits big

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
        ([], "cpu 1", "no node is live"),
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
    assert read_ledger(board.store) == before


def test_what_fails_as_infeasible_says_which_node_was_nearest(board: Board) -> None:
    board.do("static a: cpu 4", "x: cpu 5; infeasible 10s", "+10s")

    with pytest.raises(Infeasible, match="cpu 5 wanted, a has 4"):
        board.handles["x"].result(timeout=LIMIT_S)


CANCELED = """
what waits is started by nothing any more
    node a: cpu 2
    p: cpu 2
    x y: cpu 1
    cancel x                            -> a [p p]  waits y  canceled x
    finish p                            -> a [y .]  canceled x

what waits in several lines leaves all of them, and joins no more
    node a: cpu 2, gpu 1
    p: cpu 2, gpu 1
    x: gpu 1 or cpu 2 or after 5s cpu 1
    cancel x                            -> a cpu[p p] gpu[p]  canceled x
    finish p
    +5s                                 -> a cpu[. .] gpu[.]  canceled x

what is infeasible is not started by a node that joins
    x: cpu 1                            -> never x
    cancel x                            -> canceled x
    node a: cpu 1                       -> a [.]  canceled x

what is delayed never becomes ready
    node a: cpu 1
    x: cpu 1; delay 5s
    y: cpu 1; retries 1
    fail y                              -> a [.]  delayed x y
    cancel x y                          -> a [.]  canceled x y
    +5s                                 -> a [.]  canceled x y

what is on a queue makes room at once
    node a: cpu 1
    sleep a
    x y: cpu 1                          -> a [x']  waits y
    cancel x                            -> a [y']  canceled x
    wake a                              -> a [y]  canceled x

what runs keeps its room until it is dead
    share lic 1
    node a b: cpu 1
    x: cpu 1, lic 1
    y: cpu 1
    z: lic 1                            -> a [x]  b [y]  * lic[x]  waits z
    cancel x                            -> a [x!]  b [y]  * lic[x!]  waits z
    obey a                              -> a [.] z  b [y]  * lic[z]  canceled x

what runs is canceled though it returns meanwhile
    node a: cpu 1
    x y: cpu 1
    cancel x                            -> a [x!]  waits y
    finish x                            -> a [y]  canceled x

what runs is canceled though it fails meanwhile and could be retried
    node a: cpu 1
    x: cpu 1; retries 3
    cancel x
    fail x                              -> a [.]  canceled x

what runs is canceled though its node is lost
    node a b: cpu 1
    x: cpu 1; retries 3
    cancel x                            -> a [x!]  b [.]
    lose a                              -> b [.]  canceled x

what a drain stops is canceled and not retried
    node a b: cpu 1
    x: cpu 1; retries 3
    drain a within 5s
    +5s                                 -> a drained [x!]  b [.]
    cancel x
    obey a                              -> a drained [.]  b [.]  canceled x

what was canceled does not fail later
    node a: cpu 1
    x: cpu 2; wait 5s
    y: cpu 2; infeasible 5s
    cancel x y
    +5s                                 -> a [.]  canceled x y
"""


@pytest.mark.parametrize("case", cases(CANCELED))
def test_cancel_in_every_state(board: Board, case: Case) -> None:
    board.play(case)


@pytest.mark.parametrize("order", list(permutations(["cancel", "take", "finish"])), ids=" ".join)
def test_of_cancel_start_and_finish_in_any_order_there_is_one_outcome(board: Board, order: tuple[str, ...]) -> None:
    """What cannot be done at its turn is not done: a function that was never taken returns nothing."""
    board.do("node a: cpu 1", "sleep a", "x: cpu 1")
    agent, handle = board.agents["a"], board.handles["x"]
    decided: list[bool] = []
    for step in order:
        if step == "cancel":
            decided.append(handle.cancel())
        elif step == "take":
            agent.take()
        elif agent.runs:
            board.do("finish x")
    for _ in agent.runs.copy():
        board.do("finish x")

    has_finished_first = order == ("take", "finish", "cancel")
    assert decided == [not has_finished_first]
    assert handle.status == ("finished" if has_finished_first else "canceled")
    assert handle.cancel() is False
    assert len(handle.job.results()) == 1


def test_of_a_cancel_and_a_start_at_the_same_time_there_is_one_outcome(board: Board) -> None:
    board.do("node a: cpu 8", "sleep a", *(f"x{i}: cpu 1" for i in range(8)))
    agent = board.agents["a"]
    with ThreadPoolExecutor(2) as pool:
        takes: Future[Any] = pool.submit(agent.take, 8)
        decided = list(pool.map(lambda handle: handle.cancel(), board.handles.values()))
        takes.result(LIMIT_S)

    board.do("obey a")

    assert decided == [True] * 8
    assert {handle.status for handle in board.handles.values()} == {"canceled"}
    assert board.draw().startswith("a [. . . . . . . .] canceled x0 x1")


DRAINED = """
a drained node takes no more, what runs there ends, and its queue waits again
    node a: cpu 3
    x: cpu 1
    sleep a
    y: cpu 1                            -> a [x y' .]
    drain a                             -> a drained [x . .]  never y
    z: cpu 1                            -> a drained [x . .]  never y z
    finish x                            -> a drained [. . .]  never y z

opened again it takes what waits, best first
    node a: cpu 2
    drain a
    x: cpu 2
    y: cpu 1; priority 1                -> a drained [. .]  never y x
    undrain a                           -> a [y .]  waits x
    drain a                             -> a drained [y .]  never x
    undrain a                           -> a [y .]  waits x
    finish y                            -> a [x x]

its queue goes where there is room, best first
    node a: cpu 2
    node b: cpu 1
    p: cpu 1; on b
    sleep a
    x: cpu 1
    y: cpu 1; priority 1                -> a [x' y']  b [p]
    drain a                             -> a drained [. .]  b [p]  waits y x
    finish p                            -> a drained [. .]  b [y]  waits x

its queue goes on at once where there is room already
    node a b: cpu 1
    sleep a
    x: cpu 1                            -> a [x']  b [.]
    drain a                             -> a drained [.]  b [x]

what is pinned to it waits until it is opened
    node a b: cpu 1
    drain b
    x: cpu 1; on b                      -> a [.]  b drained [.]  never x
    undrain b                           -> a [.]  b [x]

it takes no claims, and keeps those that it has
    node a: cpu 2
    claim c on a: cpu 1
    drain a
    claim d on a: cpu 1                 -> a drained [c .]  refused d
    release c                           -> a drained [. .]  refused d

it stays drained when it is registered again, until it is opened
    node a: cpu 1
    drain a
    node a: cpu 2                       -> a drained [. .]
    x: cpu 1                            -> a drained [. .]  never x
    lose a                              -> never x
    node a: cpu 3                       -> a drained [. . .]  never x
    undrain a                           -> a [x . .]

a static node stays drained when it is registered again, and when an agent takes it over
    static a: cpu 1
    drain a
    static a: cpu 2                     -> a drained [. .]
    node a: cpu 3                       -> a drained [. . .]
    x: cpu 1                            -> a drained [. . .]  never x

what still runs at the deadline is stopped
    node a: cpu 1
    x: cpu 1
    drain a within 60s                  -> a drained [x]
    +59.999s                            -> a drained [x]
    +1ms                                -> a drained [x!]
    obey a                              -> a drained [.]  failed x(NodeLost)

what was stopped is retried elsewhere, as if its node were lost
    node a b: cpu 1
    x: cpu 1; retries 1
    drain a within 60s                  -> a drained [x]  b [.]
    +60s                                -> a drained [x!]  b [.]
    obey a                              -> a drained [.]  b [.]  delayed x
    +1s                                 -> a drained [.]  b [x]
    drain b within 60s
    +60s
    obey b                              -> a drained [.]  b drained [.]  failed x(NodeLost)

what returns before it is stopped has finished
    node a: cpu 2
    x y: cpu 1
    drain a within 60s
    +59s
    finish x                            -> a drained [y .]
    +1s                                 -> a drained [y! .]
    finish y                            -> a drained [. .]

without a deadline what runs takes its time
    node a: cpu 1
    x: cpu 1
    drain a
    +1000s                              -> a drained [x]

a node that is opened in time stops nothing
    node a: cpu 1
    x: cpu 1
    drain a within 60s
    undrain a                           -> a [x]
    +60s                                -> a [x]

drained again, the later deadline counts
    node a: cpu 1
    x: cpu 1
    drain a within 10s
    drain a within 60s
    +10s                                -> a drained [x]
    +50s                                -> a drained [x!]

drained again without one, no deadline counts
    node a: cpu 1
    x: cpu 1
    drain a within 10s
    drain a
    +10s                                -> a drained [x]
"""


@pytest.mark.parametrize("case", cases(DRAINED))
def test_drain(board: Board, case: Case) -> None:
    board.play(case)


def test_what_a_drain_hands_back_has_used_no_attempt_and_what_it_stops_has(board: Board) -> None:
    board.do("node a: cpu 2", "x: cpu 1; retries 1", "sleep a", "y: cpu 1")

    board.do("drain a within 1s", "+1s", "obey a", "undrain a", "+1s", "wake a")

    assert board.draw() == "a [y x]"
    assert (board.handles["x"].attempts, board.handles["y"].attempts) == (2, 1)


def test_nobody_can_drain_or_open_a_node_that_is_not_there(board: Board) -> None:
    board.do("node a: cpu 1", "leave a")

    for do in (board.cluster.drain, board.cluster.undrain):
        with pytest.raises(UnknownNode):
            do("a")


TIMED = """
a delayed function is ready at its time, and not before
    node a: cpu 1
    x: cpu 1; delay 5s                  -> a [.]  delayed x
    +4.999s                             -> a [.]  delayed x
    +1ms                                -> a [x]

as long as it is delayed it takes no room and stands before nobody
    node a: cpu 1
    x: cpu 1; delay 5s; priority 9
    y: cpu 1                            -> a [y]  delayed x
    z: cpu 1                            -> a [y]  waits z  delayed x
    +5s                                 -> a [y]  waits x z

whether any node could hold it is asked when it is ready
    node a: cpu 1
    x: cpu 2; delay 5s                  -> a [.]  delayed x
    +5s                                 -> a [.]  never x

a function that has waited too long fails at that moment
    node a: cpu 1
    p: cpu 1
    x: cpu 1; wait 10s                  -> a [p]  waits x
    +9.999s                             -> a [p]  waits x
    +1ms                                -> a [p]  failed x(WaitExpired)

so does one that no node could ever hold
    node a: cpu 1
    x: cpu 2; wait 10s                  -> a [.]  never x
    +10s                                -> a [.]  failed x(WaitExpired)

the time begins when it is ready
    node a: cpu 1
    p: cpu 1
    x: cpu 1; delay 5s; wait 10s
    +5s                                 -> a [p]  waits x
    +9.999s                             -> a [p]  waits x
    +1ms                                -> a [p]  failed x(WaitExpired)

on a queue it waits still, and its room is for others then
    node a: cpu 1
    sleep a
    x: cpu 1; wait 10s
    y: cpu 1                            -> a [x']  waits y
    +10s                                -> a [y']  failed x(WaitExpired)

handed back it has no more time than before
    node a: cpu 1
    sleep a
    x: cpu 1; wait 10s                  -> a [x']
    +6s
    drain a                             -> a drained [.]  never x
    +3.999s                             -> a drained [.]  never x
    +1ms                                -> a drained [.]  failed x(WaitExpired)

what has started has waited long enough, once for all
    node a: cpu 1
    x: cpu 1; wait 10s; retries 1
    y: cpu 1
    fail x                              -> a [y]  delayed x
    +1s                                 -> a [y]  waits x
    +20s                                -> a [y]  waits x
    finish y                            -> a [x]
    +20s                                -> a [x]

a failed function is tried again after a second, then two, then four
    node a: cpu 1
    x: cpu 1; retries 3
    fail x                              -> a [.]  delayed x
    +999ms                              -> a [.]  delayed x
    +1ms                                -> a [x]
    fail x
    +1.999s                             -> a [.]  delayed x
    +1ms                                -> a [x]
    fail x
    +3.999s                             -> a [.]  delayed x
    +1ms                                -> a [x]
    fail x                              -> a [.]  failed x(ValueError)
"""


@pytest.mark.parametrize("case", cases(TIMED))
def test_delays_and_waits_that_are_over(board: Board, case: Case) -> None:
    board.play(case)


START = datetime.fromtimestamp(START_MS / 1000, UTC)


@pytest.mark.parametrize(
    ("when", "ms"),
    [
        ({"delay": 1.5}, 1500),
        ({"delay": timedelta(milliseconds=1500)}, 1500),
        ({"at": START + timedelta(milliseconds=1500)}, 1500),
        ({"at": START.astimezone().replace(tzinfo=None) + timedelta(seconds=2)}, 2000),
        ({"at": START + timedelta(microseconds=1)}, 1),
    ],
    ids=["seconds", "a timedelta", "a moment", "a moment in local time", "a part of a millisecond"],
)
def test_a_delay_is_told_and_ends_at_the_exact_millisecond(board: Board, when: dict[str, Any], ms: int) -> None:
    board.do("static a: cpu 1")

    handle = board.cluster.submit(Function("x", "tasks:work", **when))

    assert handle.verdict is not None
    until = (START + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    assert (handle.verdict.state, handle.verdict.reason) == ("waiting", f"is delayed until {until}")
    board.do(f"+{ms - 1}ms")
    assert handle.status == "delayed"
    board.do("+1ms")
    assert handle.status == "queued"


@pytest.mark.parametrize("when", [{"delay": 0}, {"at": START}, {"at": START - timedelta(days=1)}], ids=str)
def test_what_is_due_already_is_placed_at_once(board: Board, when: dict[str, Any]) -> None:
    board.do("static a: cpu 1")

    assert board.cluster.submit(Function("x", "tasks:work", **when)).status == "queued"


def test_a_function_that_waited_too_long_says_for_how_long(board: Board) -> None:
    board.do("static a: cpu 1", "x: cpu 2; wait 1.5s", "+1500ms")

    with pytest.raises(WaitExpired, match=r"after 1\.5 s") as caught:
        board.handles["x"].result(timeout=LIMIT_S)

    assert (caught.value.function_id, caught.value.seconds) == ("x", 1.5)


def submit(cluster: Cluster, id: str, **fields: Any) -> Handle:
    return cluster.submit(Function(id, "tasks:work", **fields))


def test_while_nobody_is_there_but_a_client_that_waits_all_comes_about_that_the_clock_brings(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 2})
    delayed = submit(cluster, "delayed", delay=0.2)
    patient = submit(cluster, "patient", cost=[{"gpu": 1}, After(0.2, {"cpu": 1})])
    unfit = submit(cluster, "unfit", cost={"cpu": 3}, on_infeasible=0.2)
    late = submit(cluster, "late", cost={"cpu": 3}, delay=0.3, wait_ttl=0.3)
    assert [each.status for each in (delayed, patient, unfit, late)] == ["delayed", "waiting", "waiting", "delayed"]

    with pytest.raises(WaitExpired):
        late.result(timeout=LIMIT_S)

    assert [each.status for each in (delayed, patient, unfit)] == ["queued", "queued", "failed"]
    with pytest.raises(Infeasible):
        unfit.result(timeout=LIMIT_S)


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


def leave_drained(cluster: Cluster) -> FakeAgent:
    """A drained node whose agent has said goodbye, as for the maintenance of its host."""
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.drain("a")
    assert agent.goodbye()
    return agent


def test_a_node_that_left_while_it_was_drained_comes_back_drained(cluster: Cluster) -> None:
    leave_drained(cluster).register()

    assert cluster.enqueue("tasks:work", cost={"cpu": 1}).status == "waiting"
    cluster.undrain("a")
    assert cluster.enqueue("tasks:work").status == "queued"


def test_a_node_that_is_undrained_while_it_is_away_comes_back_open(cluster: Cluster) -> None:
    agent = leave_drained(cluster)

    cluster.undrain("a")
    agent.register()

    assert cluster.enqueue("tasks:work").status == "queued"
    with pytest.raises(UnknownNode):
        cluster.undrain("b")


def test_a_node_that_was_deregistered_by_hand_comes_back_open(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.drain("a")

    cluster.deregister_node("a")
    agent.register()

    assert cluster.enqueue("tasks:work").status == "queued"


def test_what_a_node_has_for_itself_is_not_shared(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 2})

    with pytest.raises(InvalidResources, match="node a has it for itself"):
        cluster.share({"license": 1, "cpu": 10})

    assert cluster.shared() == {}
    with pytest.raises(InvalidResources):
        cluster.share(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [None, ["a"], 1, ""])
def test_what_no_node_can_be_named_is_an_unknown_node(cluster: Cluster, name: Any) -> None:
    for change in (cluster.drain, cluster.undrain, cluster.deregister_node):
        with pytest.raises(UnknownNode):
            change(name)


def test_what_is_due_by_the_clock_is_told_while_a_function_waits(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS

    found = cluster.enqueue("tasks:work", cost={"gpu": 1}, wait_ttl=5, on_infeasible=9).explain()

    assert [(limit["kind"], limit["seconds"]) for limit in found.waits_for] == [("start", 5), ("fitness", 9)]
    assert str(found) == found.text
    assert found.text.endswith("; it fails if it has not started in 5.0 s")
